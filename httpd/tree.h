/*
 * tree.h - directories of files: what is below one, and files put there.
 */
#ifndef HTTPD_TREE_H
#define HTTPD_TREE_H

#include <sys/stat.h>

#include "httpd/server.h"

struct tree_file {
	char *path;
	struct stat st;
};

struct tree {
	bool loose; /* dotfiles too, and what is no plain file is counted;
	             * else the ones are left out, and the others SP_BAD */
	struct tree_file *at; /* sorted by path, which begins with the top */
	size_t n, cap;
	size_t skipped;
};

/* The plain files below at/top.  SP_GONE: no such directory.  It can be cleared
 * whatever came back. */
enum sp_status
tree_read(int at, const char *top, struct tree *t, struct sp_err *err);
void tree_clear(struct tree *t);
/* The member "version": its ETag without quotes. */
void tree_version(struct sp_jw *w, const struct stat *st);

/* Headers: its version, what it is, and whether the version may be believed. */
void file_version(struct server *s, const struct stat *st, const char *kind,
    char etag_out[128], struct answer *a);
/* Answer with the file at/path, or the directory: GET, HEAD. */
void file_show(struct server *s, struct request *r, int at, const char *path,
    struct answer *a);
/* tmp/TMP, open as fd (closed here), becomes at/path, in the place of an older
 * one unless If-None-Match says otherwise. */
void file_place(struct server *s, struct request *r, int at, const char *path,
    const char *tmp, int fd, struct answer *a);
/* at/path is there no more, nor the directories that this leaves empty. */
enum sp_status file_remove(int at, const char *path, struct sp_err *err);

#endif
