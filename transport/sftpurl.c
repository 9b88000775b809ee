/*
 * sftpurl.c - sftp://[USER@]HOST[:PORT]/PATH, taken apart.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/sftppack.h"
#include "transport/ssh.h"

#define NAMES                                                                  \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static enum sp_status
wrong(const char *url, const char *what, struct sp_err *err)
{
	return sp_err_set(err, SP_FATAL,
	    "%.200s: %s; it is sftp://USER@HOST[:PORT]/PATH/OF/THE/SPOOL", url,
	    what);
}

static int
hex(char c)
{
	const char *set = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c == '\0' ? NULL : strchr(set, c);
	return p == NULL ? -1 : (int)(p - set);
}

/* Undo %XX; no NUL, nothing that climbs. */
static bool
path_ok(const char *from, char path[PATH_MAX])
{
	size_t n = 0;
	int high, low;

	for (; *from != '\0'; from++) {
		if (n >= PATH_MAX - 300) /* room for names below it */
			return false;
		path[n] = *from;
		if (*from == '%') {
			high = hex(from[1]);
			low = high == -1 ? -1 : hex(from[2]);
			if (low == -1 || high * 16 + low == 0)
				return false;
			path[n] = (char)(high * 16 + low);
			from += 2;
		}
		n++;
	}
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
	return n > 0;
}

/* HOST or [ADDRESS], and :PORT. */
static bool
host_ok(const char *at, size_t len, struct ssh_site *site)
{
	const char *end = at + len, *host = at, *host_end, *p;
	unsigned port = 22;

	if (len > 0 && *at == '[') {
		host = at + 1;
		host_end = memchr(host, ']', (size_t)(end - host));
		if (host_end == NULL)
			return false;
		p = host_end + 1;
		if ((size_t)(host_end - host) !=
		    strspn(host, "0123456789abcdefABCDEF:.%"))
			return false;
	} else {
		host_end = memchr(host, ':', len);
		if (host_end == NULL)
			host_end = end;
		p = host_end;
		if (strspn(host, NAMES) < (size_t)(host_end - host) ||
		    *host == '-')
			return false;
	}
	if (host_end == host || host_end - host > SSH_HOST_MAX)
		return false;
	if (p < end) {
		if (*p++ != ':' || end - p < 1 || end - p > 5 ||
		    strspn(p, "0123456789") < (size_t)(end - p))
			return false;
		port = (unsigned)strtoul(p, NULL, 10);
		if (port == 0 || port > 65535)
			return false;
	}
	(void)snprintf(site->host, sizeof site->host, "%.*s",
	    (int)(host_end - host), host);
	site->port = port;
	return true;
}

enum sp_status
sftp_url(const char *url, struct ssh_site *site, char path[PATH_MAX],
    struct sp_err *err)
{
	const char *at, *slash, *sign;
	struct ssh_site got = { .port = 22 };

	if (strncmp(url, "sftp://", 7) != 0)
		return wrong(url, "no SFTP URL", err);
	at = url + 7;
	if ((slash = strchr(at, '/')) == NULL)
		return wrong(url, "no path", err);
	sign = memchr(at, '@', (size_t)(slash - at));
	if (sign != NULL) {
		if (sign == at || sign - at > SSH_USER_MAX || *at == '-' ||
		    strspn(at, NAMES) < (size_t)(sign - at))
			return wrong(url,
			    memchr(at, ':', (size_t)(sign - at)) != NULL
				? "passwords are not used, keys are"
				: "no such user name",
			    err);
		(void)snprintf(
		    got.user, sizeof got.user, "%.*s", (int)(sign - at), at);
		at = sign + 1;
	}
	if (!host_ok(at, (size_t)(slash - at), &got))
		return wrong(url, "no such host or port", err);
	if (!path_ok(slash, path))
		return wrong(url, "no such path", err);
	*site = got;
	return SP_OK;
}
