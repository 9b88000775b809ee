/*
 * sshauth.c - who we are: the keys of the agent first, then those in files.
 * Passwords and passphrases are not asked for; nobody is there.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/sshin.h"

static const char *const files[] = { ".ssh/id_ed25519", ".ssh/id_ecdsa",
	".ssh/id_rsa" };

/* What was tried, for the words of a refusal. */
struct tried {
	char text[256];
	size_t len;
};

static void
tried_add(struct tried *t, const char *what)
{
	size_t left = sizeof t->text - t->len;
	int n = snprintf(
	    t->text + t->len, left, "%s%s", t->len == 0 ? "" : ", ", what);

	if (n > 0 && (size_t)n < left)
		t->len += (size_t)n;
}

/* ---- the agent ---- */

/* Its keys one after the other.  A key that the server does not know costs one
 * of its MaxAuthTries. */
static int
agent_keys(struct ssh *s, LIBSSH2_AGENT *agent, const char *user)
{
	struct libssh2_agent_publickey *key, *last = NULL;
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;

	while (libssh2_agent_get_identity(agent, &key, last) == 0) {
		SSH_DO(s, rc, libssh2_agent_userauth(agent, user, key));
		if (rc == 0 || rc == LIBSSH2_ERROR_EAGAIN ||
		    rc == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
		    rc == LIBSSH2_ERROR_SOCKET_RECV ||
		    rc == LIBSSH2_ERROR_SOCKET_SEND)
			break;
		last = key;
	}
	return rc;
}

static int
agent(struct ssh *s, const char *user, struct tried *tried)
{
	LIBSSH2_AGENT *a;
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;

	if (getenv("SSH_AUTH_SOCK") == NULL ||
	    (a = libssh2_agent_init(s->session)) == NULL)
		return rc;
	if (libssh2_agent_connect(a) == 0) {
		if (libssh2_agent_list_identities(a) == 0) {
			tried_add(tried, "the agent's keys");
			rc = agent_keys(s, a, user);
		}
		(void)libssh2_agent_disconnect(a);
	}
	libssh2_agent_free(a);
	return rc;
}

/* ---- files ---- */

static int
key_file(struct ssh *s, const char *user, const char *path, struct tried *tried)
{
	char what[PATH_MAX + 32], *words = NULL;
	int rc;

	SSH_DO(s, rc,
	    libssh2_userauth_publickey_fromfile(
		s->session, user, NULL, path, NULL));
	if (rc == 0)
		return rc;
	(void)libssh2_session_last_error(s->session, &words, NULL, 0);
	(void)snprintf(what, sizeof what, "%s%s", path,
	    rc == LIBSSH2_ERROR_FILE ? " (not readable, or with a passphrase)"
				     : "");
	tried_add(tried, what);
	return rc;
}

static bool
broken_is(int rc)
{
	return rc == LIBSSH2_ERROR_EAGAIN ||
	    rc == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
	    rc == LIBSSH2_ERROR_SOCKET_RECV || rc == LIBSSH2_ERROR_SOCKET_SEND;
}

static int
key_files(struct ssh *s, const struct ssh_site *site, const char *user,
    struct tried *tried)
{
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;
	char path[PATH_MAX];
	size_t i;

	if (site->wants.identity[0] != '\0')
		return key_file(s, user, site->wants.identity, tried);
	for (i = 0; i < sizeof files / sizeof *files; i++) {
		if (!ssh_home(path, files[i]) || access(path, F_OK) == -1)
			continue;
		rc = key_file(s, user, path, tried);
		if (rc == 0 || broken_is(rc))
			break;
	}
	return rc;
}

/* ---- all of it ---- */

static bool
user_name(const struct ssh_site *site, char user[SSH_USER_MAX + 1])
{
	struct passwd pw, *is = NULL;
	char room[4096];

	if (site->user[0] == '\0' &&
	    getpwuid_r(geteuid(), &pw, room, sizeof room, &is) == 0 &&
	    is != NULL && strlen(is->pw_name) <= SSH_USER_MAX)
		(void)snprintf(user, SSH_USER_MAX + 1, "%s", is->pw_name);
	else
		(void)snprintf(user, SSH_USER_MAX + 1, "%s", site->user);
	return user[0] != '\0';
}

/* An identity that was named is the only one that is tried. */
static int
try_keys(struct ssh *s, const struct ssh_site *site, const char *user,
    struct tried *tried)
{
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;

	if (site->wants.identity[0] == '\0')
		rc = agent(s, user, tried);
	if (rc != 0 && !broken_is(rc))
		rc = key_files(s, site, user, tried);
	return rc;
}

enum sp_status
ssh_login(struct ssh *s, const struct ssh_site *site, struct sp_err *err)
{
	struct tried tried = { "", 0 };
	char user[SSH_USER_MAX + 1];
	int rc;

	if (!user_name(site, user))
		return sp_err_set(err, SP_FATAL,
		    "as whom on %s? say sftp://USER@%s", site->host,
		    site->host);
	rc = try_keys(s, site, user, &tried);
	if (rc == 0)
		return SP_OK;
	if (broken_is(rc))
		return ssh_err(s, rc, site, "log in", err);
	return sp_err_set(err, SP_FATAL,
	    "%s@%s port %u lets us in with no key of ours (tried: %s)", user,
	    site->host, site->port, tried.len == 0 ? "none" : tried.text);
}
