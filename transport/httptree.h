/*
 * httptree.h - a spool as its HTTP server shows it, in the shape of the tree of
 * files that it is (libspool/fs.h): for the verbs of `spool`, which so say the
 * same over https:// as on the disk.  It is the language of the job that goes
 * over the wire, not that of files: httptreeread.c knows which question stands
 * for which file, httptreewrite.c what may be asked for by making one:
 *
 *	tmp/X			stays here
 *	tmp/X -> new/NAME	a job is submitted (so is one to waiting/)
 *	tmp/X -> blobs/...	content is put
 *	hold/ID cancel/ID	made: asked; removed: no longer
 *	drain/WISH		likewise
 *
 * Nothing else can be changed: EROFS.  What the server does not tell is
 * ENOTSUP, never ENOENT.
 */
#ifndef TR_HTTPTREE_H
#define TR_HTTPTREE_H

#include <sys/types.h>

#include "libspool/err.h"
#include "libspool/fs.h"
#include "libspool/spool.h"
#include "transport/http.h"
#include "transport/media.h"

/* For media.c. */
enum sp_status
http_tree_root(const char *url, int *root_out, struct sp_err *err);
extern const struct tr_server http_tree_server;

/* ---- private to its files ---- */

#define TREE_TEXT (32 * 1024 * 1024) /* bytes of what is read as a whole */

/* A file in tmp/, which is here. */
struct http_temp {
	struct http_temp *next;
	char name[SP_NAME_MAX];
	int fd;
	unsigned refs;
};

struct http_tree {
	struct http *h;
	int64_t now, at; /* the server's clock, then */
	pthread_mutex_t lock;
	struct http_temp *temps;
	struct sp_buf workers; /* the last answer, */
	int64_t workers_at;    /* and when it came; -1: not yet */
};

enum http_kind {
	HTTP_DIR,
	HTTP_TEXT,    /* read as a whole */
	HTTP_PIECES,  /* read in pieces: it may be large, or grow */
	HTTP_NOTHING, /* made, and that was all */
	HTTP_TEMP
};

struct http_file {
	enum http_kind kind;
	struct sp_buf text;
	struct sp_buf route; /* of pieces */
	int64_t size;
	int64_t mtime;        /* ms, 0: not known */
	char etag[WIRE_ETAG]; /* of pieces: "" when they need not be of one */
	struct http_temp *temp;
};

int64_t http_tree_now(struct http_tree *t);
/* An errno for a status, negative, and words to stderr where they say more. */
int http_tree_errno(enum sp_status st, const struct sp_err *err);
/* A question: its answer in text, which is empty before; 0 or -errno. */
int http_tree_ask(struct http_tree *t, const char *method, struct sp_buf *path,
    const struct sp_buf *body, struct sp_buf *text);

/* httptreeread.c: what stands at a path.  0 and the file, whose texts are to be
 * cleared; -errno. */
int http_tree_look(struct http_tree *t, const char *path, bool whole,
    struct http_file *file_out);
/* httptreelist.c */
int http_tree_list(void *tree, const char *path, sp_fs_one_fn *one, void *arg);
/* The text of workers/W.json out of what is known of all, and its time. */
int http_tree_worker(struct http_tree *t, const char *worker,
    struct sp_buf *text_out, int64_t *mtime_out);

/* httptreewrite.c */
int http_tree_make(struct http_tree *t, const char *path, int flags,
    struct http_file *file_out);
int
http_tree_rename(void *tree, const char *from, const char *to, unsigned flags);
int http_tree_unlink(void *tree, const char *path);
/* With the lock taken: NULL when there is none. */
struct http_temp *http_temp_find(struct http_tree *t, const char *name);
void http_temp_drop(struct http_tree *t, struct http_temp *temp);

#endif
