/*
 * knownhost.h - one line of a known_hosts file, as sshd(8) describes it.  Pure.
 */
#ifndef TR_KNOWNHOST_H
#define TR_KNOWNHOST_H

#include <stdbool.h>
#include <stddef.h>

enum knownhost_kind {
	KNOWNHOST_NONE,    /* blank, a comment, or nothing that we can read */
	KNOWNHOST_KEY,     /* this host has that key */
	KNOWNHOST_CA,      /* @cert-authority: not ours to use */
	KNOWNHOST_REVOKED, /* @revoked: whoever shows that key is refused */
};

/* Points into the line. */
struct knownhost {
	enum knownhost_kind kind;
	const char *hosts, *type, *key; /* key: base64 */
	size_t hosts_len, type_len, key_len;
};

void knownhost_parse(const char *line, size_t len, struct knownhost *known_out);

/* Do its hosts name this one ("host", "[host]:port")?  Patterns with * and ?,
 * and !pattern against it; hashed names are somebody else's. */
bool knownhost_names(const struct knownhost *known, const char *name);
bool knownhost_hashed_is(const struct knownhost *known);

/* Base64 with padding; out has room for 4 * ((len + 2) / 3) + 1. */
void knownhost_base64(const void *data, size_t len, char *out);

#endif
