/*
 * keys.c - the file of tokens: read at the start, and again when it is another
 * one.  A file that was there and is gone, or is not understood, lets nobody
 * in: a slip in an editor must not open the house.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/server.h"
#include "libspool/file.h"
#include "libspool/log.h"

static bool
same_is(const struct keys *k, const struct stat *st)
{
	return k->was.size == st->st_size && k->was.sec == st->st_mtim.tv_sec &&
	    k->was.nsec == st->st_mtim.tv_nsec && k->was.ino == st->st_ino;
}

static void
note(struct keys *k, const struct stat *st)
{
	k->was.size = st->st_size;
	k->was.sec = st->st_mtim.tv_sec;
	k->was.nsec = st->st_mtim.tv_nsec;
	k->was.ino = st->st_ino;
}

/* SP_GONE: there is none. */
static enum sp_status
read_file(struct keys *k, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_TOKENS_MAX);
	struct sp_tokens tokens = { 0 };
	struct sp_err why = { "" };
	struct stat st = { 0 };
	enum sp_status s;

	s = sp_read(k->dir, k->name, SP_TOKENS_MAX, &text, &st, &why);
	if (s == SP_OK)
		s = sp_tokens_parse(text.data, text.len, &tokens, &why);
	sp_buf_clear(&text);
	if (s != SP_OK) {
		sp_tokens_clear(&tokens);
		return sp_err_set(err, s, "%s: %s", k->name, why.text);
	}
	(void)pthread_mutex_lock(&k->lock);
	sp_tokens_clear(&k->tokens);
	k->tokens = tokens;
	k->needed = true;
	k->broken = false;
	note(k, &st);
	(void)pthread_mutex_unlock(&k->lock);
	return SP_OK;
}

enum sp_status
keys_open(struct keys *k, const struct sp_spool *spool, const char *path,
    struct sp_err *err)
{
	char dir[PATH_MAX];
	const char *slash;
	enum sp_status st;

	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_mutex_init(&k->looking, NULL);
	k->dir = -1;
	if (path == NULL) {
		(void)strcpy(k->name, SP_TOKEN_FILE);
		k->dir = dup(spool->root);
	} else {
		slash = strrchr(path, '/');
		(void)snprintf(dir, sizeof dir, "%.*s",
		    slash == NULL ? 1 : (int)(slash - path + 1),
		    slash == NULL ? "." : path);
		(void)snprintf(k->name, sizeof k->name, "%s",
		    slash == NULL ? path : slash + 1);
		k->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (k->dir == -1)
		return sp_err_sys(err, "open the directory of %s",
		    path == NULL ? "tokens" : path);
	st = read_file(k, err);
	if (st == SP_GONE && path == NULL) {
		sp_err_clear(err);
		return SP_OK;
	}
	return st == SP_OK || st == SP_RETRY ? st : SP_FATAL;
}

void
keys_close(struct keys *k)
{
	if (k->dir != -1)
		(void)close(k->dir);
	sp_tokens_clear(&k->tokens);
	(void)pthread_mutex_destroy(&k->lock);
	(void)pthread_mutex_destroy(&k->looking);
}

static void
look(struct keys *k)
{
	struct sp_err err = { "" };
	struct stat st;
	bool needed;

	(void)pthread_mutex_lock(&k->lock);
	needed = k->needed;
	(void)pthread_mutex_unlock(&k->lock);
	if (fstatat(k->dir, k->name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (!needed || errno != ENOENT)
			return;
		(void)sp_err_set(&err, SP_GONE, "%s is gone", k->name);
	} else if (same_is(k, &st) || read_file(k, &err) == SP_OK) {
		return;
	}
	(void)pthread_mutex_lock(&k->lock);
	if (!k->broken)
		sp_warn(
		    "tokens: %s; nobody comes in until it is mended", err.text);
	k->needed = k->broken = true;
	sp_tokens_clear(&k->tokens);
	(void)memset(&k->was, 0, sizeof k->was);
	(void)pthread_mutex_unlock(&k->lock);
}

/* One at a time: two who read would not know whose is the newer one. */
void
keys_tick(struct keys *k)
{
	(void)pthread_mutex_lock(&k->looking);
	look(k);
	(void)pthread_mutex_unlock(&k->looking);
}

bool
keys_needed(struct keys *k)
{
	bool needed;

	(void)pthread_mutex_lock(&k->lock);
	needed = k->needed;
	(void)pthread_mutex_unlock(&k->lock);
	return needed;
}

bool
keys_find(struct keys *k, const char *text, struct request *r)
{
	const struct sp_token *t;
	bool found = true;

	(void)pthread_mutex_lock(&k->lock);
	r->bound[0] = r->token[0] = '\0';
	if (!k->needed) {
		r->roles = (1u << SP_ROLES) - 1;
	} else {
		t = text == NULL
		    ? NULL
		    : sp_tokens_find(&k->tokens, text, strlen(text));
		found = t != NULL;
		if (found) {
			r->roles = t->roles;
			(void)strcpy(r->bound, t->worker);
			(void)strcpy(r->token, t->id);
		}
	}
	(void)pthread_mutex_unlock(&k->lock);
	return found;
}
