/*
 * sshhost.c - is it the host that we mean?  known_hosts decides: a host with
 * another key than is noted there is refused, one that is not noted too, unless
 * --accept-new, which notes it.  Nobody is asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/knownhost.h"
#include "transport/sshin.h"

#define SYSTEM_FILE "/etc/ssh/ssh_known_hosts"
#define KEY_MAX     16384 /* of a host's key, bytes */
#define TYPES_MAX   8
#define TYPE_MAX    64

/* What the files say of one host. */
struct says {
	char types[TYPES_MAX][TYPE_MAX]; /* of the keys that it is known by */
	int types_n;
	bool known;                /* by some key */
	bool match;                /* by this one */
	bool revoked;              /* this one is no good, whoever shows it */
	char where[PATH_MAX + 16]; /* the first line about it */
};

void
ssh_host_name(const struct ssh_site *site, char name[SSH_NAME_MAX])
{
	char *p;

	if (site->port == 22)
		(void)snprintf(name, SSH_NAME_MAX, "%s", site->host);
	else
		(void)snprintf(
		    name, SSH_NAME_MAX, "[%s]:%u", site->host, site->port);
	for (p = name; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
}

/* ---- the files ---- */

/* A hashed name: libssh2 knows how that is done. */
static bool
hashed_names(LIBSSH2_SESSION *session, const struct knownhost *k,
    const char *end, const char *name)
{
	LIBSSH2_KNOWNHOSTS *one = libssh2_knownhost_init(session);
	bool is = false;
	char *line;
	size_t len = (size_t)(end - k->hosts);

	/* It looks for the end of the line behind it. */
	if (one == NULL || (line = malloc(len + 2)) == NULL) {
		if (one != NULL)
			libssh2_knownhost_free(one);
		return false;
	}
	(void)memcpy(line, k->hosts, len);
	(void)memcpy(line + len, "\n", 2);
	if (libssh2_knownhost_readline(
		one, line, len + 1, LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0)
		is = libssh2_knownhost_check(one, name, "x", 1,
			 LIBSSH2_KNOWNHOST_TYPE_PLAIN |
			     LIBSSH2_KNOWNHOST_KEYENC_RAW,
			 NULL) == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
	libssh2_knownhost_free(one);
	free(line);
	return is;
}

static void
hear(LIBSSH2_SESSION *session, const char *line, size_t len, const char *name,
    const char *key, const char *file, unsigned number, struct says *says)
{
	struct knownhost k;
	bool same;

	knownhost_parse(line, len, &k);
	if (k.kind != KNOWNHOST_KEY && k.kind != KNOWNHOST_REVOKED)
		return;
	if (!knownhost_names(&k, name) &&
	    !(knownhost_hashed_is(&k) &&
		hashed_names(session, &k, line + len, name)))
		return;
	same = key != NULL && strlen(key) == k.key_len &&
	    memcmp(key, k.key, k.key_len) == 0;
	if (k.kind == KNOWNHOST_REVOKED) {
		says->revoked |= same;
		return;
	}
	if (!says->known)
		(void)snprintf(says->where, sizeof says->where, "%s line %u",
		    file, number);
	says->known = true;
	says->match |= same;
	if (says->types_n < TYPES_MAX && k.type_len < TYPE_MAX)
		(void)snprintf(says->types[says->types_n++], TYPE_MAX, "%.*s",
		    (int)k.type_len, k.type);
}

/* A file that is not there says nothing. */
static bool
hear_file(LIBSSH2_SESSION *session, const char *file, const char *name,
    const char *key, struct says *says)
{
	FILE *f = fopen(file, "re");
	unsigned number = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool ok;

	if (f == NULL)
		return errno == ENOENT;
	while ((n = getline(&line, &cap, f)) != -1)
		hear(session, line, (size_t)n, name, key, file, ++number, says);
	ok = !ferror(f);
	free(line);
	(void)fclose(f);
	return ok;
}

static bool
own_file(const struct ssh_site *site, char file[PATH_MAX])
{
	if (site->wants.known_hosts[0] == '\0')
		return ssh_home(file, ".ssh/known_hosts");
	(void)snprintf(file, PATH_MAX, "%s", site->wants.known_hosts);
	return true;
}

/* false: errno says why, of `file`. */
static bool
ask_files(LIBSSH2_SESSION *session, const struct ssh_site *site,
    const char *key, char file[PATH_MAX], struct says *says)
{
	char name[SSH_NAME_MAX];

	*says = (struct says){ .known = false };
	ssh_host_name(site, name);
	if (own_file(site, file) && !hear_file(session, file, name, key, says))
		return false;
	if (site->wants.known_hosts[0] == '\0')
		(void)hear_file(session, SYSTEM_FILE, name, key, says);
	return true;
}

/* ---- before the handshake ---- */

/* Is this method one for keys of that type?  RSA keys sign in several ways. */
static bool
method_of(const char *method, const char *type)
{
	return strcmp(method, type) == 0 ||
	    (strcmp(type, "ssh-rsa") == 0 &&
		strncmp(method, "rsa-sha2-", 9) == 0);
}

static bool
known_type(const struct says *says, const char *method)
{
	int i;

	for (i = 0; i < says->types_n; i++)
		if (method_of(method, says->types[i]))
			return true;
	return false;
}

/*
 * A host has keys of several types and shows one: of those that we both know,
 * the one we prefer.  Prefer what the files have, or the right host would look
 * like another one.  The rest behind them: another key than those is refused
 * all the same, but in our words.  Nothing that the library cannot do: 1.10
 * copies over itself when it leaves that out.
 */
void
ssh_host_prefer(struct ssh *s, const struct ssh_site *site)
{
	char file[PATH_MAX], prefs[2048] = "";
	const char **all = NULL;
	struct says says;
	size_t len = 0;
	int i, n, round;

	if (!ask_files(s->session, site, NULL, file, &says) || !says.known)
		return;
	n = libssh2_session_supported_algs(
	    s->session, LIBSSH2_METHOD_HOSTKEY, &all);
	for (round = 0; round < 2; round++)
		for (i = 0; i < n && len < sizeof prefs; i++)
			if (known_type(&says, all[i]) == (round == 0))
				len += (size_t)snprintf(prefs + len,
				    sizeof prefs - len, "%s%s",
				    len == 0 ? "" : ",", all[i]);
	if (n > 0 && len < sizeof prefs)
		(void)libssh2_session_method_pref(
		    s->session, LIBSSH2_METHOD_HOSTKEY, prefs);
	if (all != NULL)
		libssh2_free(s->session, all);
}

/* ---- after it ---- */

/* The key as people compare it. */
static void
fingerprint(LIBSSH2_SESSION *session, char out[64])
{
	const char *hash =
	    libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256);
	char *pad;

	(void)snprintf(out, 64, "SHA256:?");
	if (hash == NULL)
		return;
	knownhost_base64(hash, 32, out + 7);
	if ((pad = strchr(out, '=')) != NULL)
		*pad = '\0';
}

/* Its type stands in the key itself. */
static void
key_type(const char *key, size_t len, char type[TYPE_MAX])
{
	const unsigned char *k = (const unsigned char *)key;
	size_t n = len < 4 ? 0 : (size_t)k[2] << 8 | k[3];

	if (n == 0 || n >= TYPE_MAX || n > len - 4)
		n = 0;
	(void)snprintf(type, TYPE_MAX, "%.*s", (int)n, key + 4);
}

static bool
write_line(int fd, const char *line, size_t len)
{
	return write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
}

/* Durably, or the next attempt would trust whoever answers then. */
static enum sp_status
note(const struct ssh_site *site, const char *file, const char *type,
    const char *key, struct sp_err *err)
{
	char name[SSH_NAME_MAX], dir[PATH_MAX], *slash, last = '\n';
	struct stat st;
	int fd, dirfd, n;
	char *line;
	bool ok;

	ssh_host_name(site, name);
	(void)snprintf(dir, sizeof dir, "%s", file);
	if ((slash = strrchr(dir, '/')) == NULL)
		(void)snprintf(dir, sizeof dir, ".");
	else
		slash[slash == dir ? 1 : 0] = '\0';
	(void)mkdir(dir, 0700);
	fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		(void)sp_err_sys(err, "note the host's key in %s", file);
		if (fd != -1)
			(void)close(fd);
		return SP_FATAL;
	}
	if (st.st_size > 0)
		(void)!pread(fd, &last, 1, st.st_size - 1);
	n = asprintf(
	    &line, "%s%s %s %s\n", last == '\n' ? "" : "\n", name, type, key);
	ok = n > 0 && write_line(fd, line, (size_t)n);
	if (!ok)
		(void)sp_err_sys(err, "note the host's key in %s", file);
	if (n > 0)
		free(line);
	(void)close(fd);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd != -1) {
		(void)fsync(dirfd);
		(void)close(dirfd);
	}
	return ok ? SP_OK : SP_FATAL;
}

static enum sp_status
judge(struct ssh *s, const struct ssh_site *site, const char *file,
    const struct says *says, const char *type, const char *key,
    struct sp_err *err)
{
	char name[SSH_NAME_MAX], print[64];

	ssh_host_name(site, name);
	fingerprint(s->session, print);
	if (says->revoked)
		return sp_err_set(err, SP_FATAL,
		    "the key of %s (%s %s) is marked @revoked in known_hosts: "
		    "it is not trusted",
		    name, type, print);
	if (says->match)
		return SP_OK;
	if (says->known)
		return sp_err_set(err, SP_FATAL,
		    "%s shows another host key (%s %s) than the one in %s: "
		    "somebody may stand in between.  If the host has a new "
		    "key: ssh-keygen -R '%s' -f %s, and add the new one",
		    name, type, print, says->where, name, file);
	if (!site->wants.accept_new)
		return sp_err_set(err, SP_FATAL,
		    "the host key of %s is not known (%s %s): compare it and "
		    "add it to %s, or have it noted with --accept-new",
		    name, type, print, file);
	return note(site, file, type, key, err);
}

enum sp_status
ssh_host_check(struct ssh *s, const struct ssh_site *site, struct sp_err *err)
{
	char file[PATH_MAX] = "known_hosts", type[TYPE_MAX], *text;
	enum sp_status st;
	struct says says;
	const char *key;
	size_t len;
	int kind;

	key = libssh2_session_hostkey(s->session, &len, &kind);
	if (key == NULL || len > KEY_MAX)
		return sp_err_set(err, SP_FATAL, "%s port %u shows no host key",
		    site->host, site->port);
	if ((text = malloc(4 * ((len + 2) / 3) + 1)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	knownhost_base64(key, len, text);
	key_type(key, len, type);
	if (!ask_files(s->session, site, text, file, &says)) {
		(void)sp_err_sys(err, "read %s", file);
		st = SP_FATAL;
	} else
		st = judge(s, site, file, &says, type, text, err);
	free(text);
	return st;
}
