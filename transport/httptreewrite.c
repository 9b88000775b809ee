/*
 * httptreewrite.c - what may be asked for by making, moving or removing a file
 * of the tree (httptree.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/sha256.h"
#include "libspool/wish.h"
#include "transport/httptree.h"

/* ---- tmp/ ---- */

struct http_temp *
http_temp_find(struct http_tree *t, const char *name)
{
	struct http_temp *temp;

	for (temp = t->temps; temp != NULL; temp = temp->next)
		if (strcmp(temp->name, name) == 0)
			return temp;
	return NULL;
}

void
http_temp_drop(struct http_tree *t, struct http_temp *temp)
{
	struct http_temp **at;

	if (--temp->refs > 0)
		return;
	for (at = &t->temps; *at != NULL; at = &(*at)->next)
		if (*at == temp) {
			*at = temp->next;
			break;
		}
	(void)close(temp->fd);
	free(temp);
}

/* A job stays in memory; what is to be a blob may be large. */
static int
temp_fd(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir != NULL && dir[0] == '/' ? dir : "/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd != -1 ? fd : memfd_create("spool-tmp", MFD_CLOEXEC);
}

static int
temp_make(struct http_tree *t, const char *name, int flags, struct http_file *f)
{
	struct http_temp *temp;
	int rc = 0;

	if (strlen(name) >= sizeof temp->name || strchr(name, '/') != NULL)
		return -ENAMETOOLONG;
	(void)pthread_mutex_lock(&t->lock);
	temp = http_temp_find(t, name);
	if (temp != NULL && (flags & O_EXCL) != 0) {
		rc = -EEXIST;
	} else if (temp == NULL && (flags & O_CREAT) == 0) {
		rc = -ENOENT;
	} else if (temp == NULL && (temp = calloc(1, sizeof *temp)) == NULL) {
		rc = -ENOMEM;
	} else if (temp->refs == 0) {
		(void)snprintf(temp->name, sizeof temp->name, "%s", name);
		temp->fd = temp_fd();
		temp->refs = 1; /* the name's */
		temp->next = t->temps;
		t->temps = temp;
	}
	if (rc == 0 && (flags & O_TRUNC) != 0)
		(void)!ftruncate(temp->fd, 0);
	if (rc == 0) {
		temp->refs++;
		f->kind = HTTP_TEMP;
		f->temp = temp;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return rc == 0 && temp->fd == -1 ? -EMFILE : rc;
}

/* ---- wishes and marks ---- */

static int
mark(struct http_tree *t, const char *which, const char *id, bool set)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	bool hold = strcmp(which, "hold") == 0;
	struct sp_id is;
	int rc;

	if (sp_id_parse(id, &is) != SP_OK)
		return -EROFS;
	/* Cancelled is cancelled; the server takes the mark away itself. */
	if (!hold && !set)
		return 0;
	http_path(&route, "/v1/orders/", id, hold ? "/hold" : "/cancel");
	SP_CRASH("http.mark.before");
	rc = http_tree_ask(t,
	    !hold     ? "POST"
		: set ? "PUT"
		      : "DELETE",
	    &route, NULL, NULL);
	SP_CRASH("http.mark.after");
	/* It is over: who asks will find that out. */
	return rc == -EEXIST ? 0 : rc;
}

static int
wish(struct http_tree *t, const char *file, bool set)
{
	static const char *const words[] = { [SP_WISH_DRAIN] = "drain",
		[SP_WISH_NOW] = "now",
		[SP_WISH_RESUME] = "resume" };
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	char who[SP_WISH_MAX];
	enum sp_wish is;
	int rc;

	if (!sp_wish_parse(file, who, &is))
		return -EROFS;
	http_path(&route, "/v1/wishes/", who, "/");
	sp_buf_puts(&route, words[is]);
	SP_CRASH("http.wish.before");
	rc = http_tree_ask(t, set ? "PUT" : "DELETE", &route, NULL, NULL);
	SP_CRASH("http.wish.after");
	return rc;
}

static int
change(struct http_tree *t, const char *path, bool set)
{
	if (strncmp(path, "hold/", 5) == 0)
		return mark(t, "hold", path + 5, set);
	if (strncmp(path, "cancel/", 7) == 0)
		return mark(t, "cancel", path + 7, set);
	if (strncmp(path, "drain/", 6) == 0)
		return wish(t, path + 6, set);
	return -EROFS;
}

int
http_tree_make(
    struct http_tree *t, const char *path, int flags, struct http_file *f)
{
	if (strncmp(path, "tmp/", 4) == 0)
		return temp_make(t, path + 4, flags, f);
	if ((flags & O_CREAT) == 0)
		return -EROFS;
	f->kind = HTTP_NOTHING;
	return change(t, path, true);
}

int
http_tree_unlink(void *tree, const char *path)
{
	struct http_tree *t = tree;
	struct http_temp *temp;

	if (strncmp(path, "tmp/", 4) != 0)
		return change(t, path, false);
	(void)pthread_mutex_lock(&t->lock);
	temp = http_temp_find(t, path + 4);
	if (temp != NULL) {
		temp->name[0] = '\0';
		http_temp_drop(t, temp);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return temp == NULL ? -ENOENT : 0;
}

/* ---- what is moved out of tmp/ ---- */

/* The order's id is ours: it may be asked for again. */
static int
submit(struct http_tree *t, int fd, const char *file)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH),
		      job = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_name name;
	int rc = 0;

	if (sp_name_parse(file, &name) != SP_OK || name.bundle ||
	    name.ticket != 1 || name.attempt != 0 || name.worker[0] != '\0')
		return -EROFS;
	if (lseek(fd, 0, SEEK_SET) == -1 ||
	    sp_read_fd(fd, file, SP_JOB_MAX, 4096, &job, NULL) != SP_OK)
		rc = -EIO;
	sp_buf_printf(
	    &route, "/v1/orders?id=%s&priority=%d", name.id.text, name.prio);
	if (name.label[0] != '\0')
		http_path(&route, "&label=", name.label, "");
	if (rc == 0)
		rc = http_tree_ask(t, "POST", &route, &job, NULL);
	sp_buf_clear(&route);
	sp_buf_clear(&job);
	return rc;
}

static int
blob(struct http_tree *t, int fd, const char *hex)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	struct sp_err err = { "" };
	enum sp_status st;

	if (!sp_sha_ok(hex))
		return -EROFS;
	http_path(&route, "/v1/blobs/", hex, "");
	st = http_send(t->h, &route, fd, NULL, &err);
	sp_buf_clear(&route);
	return http_tree_errno(st, &err);
}

int
http_tree_rename(void *tree, const char *from, const char *to, unsigned flags)
{
	struct http_tree *t = tree;
	struct http_temp *temp = NULL;
	int rc = -EROFS;

	(void)flags; /* the server keeps what is there, or it is the same */
	if (strncmp(from, "tmp/", 4) != 0)
		return -EROFS;
	(void)pthread_mutex_lock(&t->lock);
	if ((temp = http_temp_find(t, from + 4)) != NULL)
		temp->refs++;
	(void)pthread_mutex_unlock(&t->lock);
	if (temp == NULL)
		return -ENOENT;
	if (strncmp(to, "new/", 4) == 0)
		rc = submit(t, temp->fd, to + 4);
	else if (strncmp(to, "waiting/", 8) == 0)
		rc = submit(t, temp->fd, to + 8);
	else if (strncmp(to, "blobs/sha256/", 13) == 0)
		rc = blob(t, temp->fd, to + 13);
	(void)pthread_mutex_lock(&t->lock);
	if (rc == 0 && temp->name[0] != '\0') {
		temp->name[0] = '\0';
		temp->refs--; /* the name's */
	}
	http_temp_drop(t, temp);
	(void)pthread_mutex_unlock(&t->lock);
	return rc;
}
