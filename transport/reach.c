/*
 * reach.c - a URL taken apart, and a spool opened on its medium.  How each is
 * connected is its own room's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "transport/media.h"
#include "transport/reach.h"

void
tr_scheme(const char *url, char scheme_out[16], const char **path_out)
{
	size_t n = strspn(url,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");
	const char *path = url;

	scheme_out[0] = '\0';
	if (strncmp(url, "dir:", 4) == 0 || strncmp(url, "file:", 5) == 0) {
		path = strchr(url, ':') + 1;
		if (strncmp(path, "//", 2) == 0)
			path += 2;
	} else if (n > 0 && strncmp(url + n, "://", 3) == 0) {
		(void)snprintf(scheme_out, 16, "%.*s", (int)n, url);
		path = url + n + 3;
	}
	if (path_out != NULL)
		*path_out = path;
}

static enum sp_status
far_root(const char *scheme, const char *url, int *root_out, struct sp_err *err)
{
	const struct tr_medium *m;

	for (m = tr_media; m->scheme != NULL; m++)
		if (strcmp(m->scheme, scheme) == 0)
			return m->root(url, root_out, err);
	return sp_err_set(err, SP_FATAL,
	    "%.200s: no way is known to a spool at %s://", url, scheme);
}

enum sp_status
tr_spool_root(const char *url, int *root_out, struct sp_err *err)
{
	char scheme[16];
	const char *path;

	tr_scheme(url, scheme, &path);
	if (scheme[0] != '\0')
		return far_root(scheme, url, root_out, err);
	*root_out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *root_out == -1
	    ? sp_err_set(err, SP_FATAL, "%s: %s", path, strerror(errno))
	    : SP_OK;
}

enum sp_status
tr_spool_open(const char *url, const char *base, struct sp_spool *spool_out,
    struct sp_err *err)
{
	enum sp_status st;
	char scheme[16];
	const char *path;
	int root = -1;

	tr_scheme(url, scheme, &path);
	if (scheme[0] == '\0')
		return sp_spool_open(path, base, spool_out, err);
	if ((st = far_root(scheme, url, &root, err)) != SP_OK)
		return st;
	return sp_spool_open_at(root, url, base, spool_out, err);
}

enum sp_status
tr_spool_make(const char *url, struct sp_err *err)
{
	enum sp_status st;
	char scheme[16];
	const char *path;
	int root = -1;

	tr_scheme(url, scheme, &path);
	if (scheme[0] == '\0')
		return sp_spool_make(path, err);
	if ((st = far_root(scheme, url, &root, err)) != SP_OK)
		return st;
	/* The directory itself; when it is there, or cannot be made, what
	 * follows shows. */
	(void)sp_fs_mkdir(root, ".", 0777);
	return sp_spool_make_at(root, url, err);
}
