/*
 * media.h - the table of media: how a spool is reached whose URL begins with a
 * scheme.  There are two of these tables, and each program is linked with one:
 *
 *	near.c	of programs that reach only what is mounted here
 *	media.c	of those that reach all
 *
 * The libraries that speak with other machines, and what these stand on, are
 * some thirty: to load them costs each start some 5 ms, and 4 MiB.  So `spool`
 * and `workerd` are near ones, and become their namesakes in far/ (as they lie
 * in build/) or ../libexec/spool/ when a URL is among their words.
 */
#ifndef TR_MEDIA_H
#define TR_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"

struct sp_buf;
struct sp_spool;
struct tr_ops;
struct tr_origin_ops;

struct tr_medium {
	const char *scheme; /* before "://", the last one NULL */
	const struct tr_ops *ops;
	/* A handle on the root of that spool's files, which is connected, or
	 * SP_FATAL (it is not to be reached so) or SP_RETRY (not now), with
	 * words. */
	enum sp_status (*root)(
	    const char *url, int *root_out, struct sp_err *err);
};

extern const struct tr_medium tr_media[];
/* NULL: an original Boss is out of reach. */
extern const struct tr_origin_ops *const tr_origin;

/* The language of the job, where a spool is reached by its HTTP server. */
struct tr_server {
	bool (*is)(const struct sp_spool *spool);
	/* A path, and a part that is encoded, and what follows. */
	void (*path)(struct sp_buf *path, const char *front, const char *part,
	    const char *end);
	/* ms: for the answer, 0: as short as usual. */
	enum sp_status (*get)(const struct sp_spool *spool,
	    const struct sp_buf *path, int64_t ms, struct sp_buf *text_out,
	    struct sp_err *err);
};
extern const struct tr_server *const tr_server; /* NULL: there is none */

/* post.h's post_json; NULL: out of reach. */
typedef enum sp_status tr_post_fn(const char *url, const void *text, size_t len,
    int *status_out, struct sp_err *err);
extern tr_post_fn *const tr_post;

/* First of all in main.  Does not return where another program does the work;
 * SP_FATAL, in words: one is needed, and is not there. */
enum sp_status tr_begin(char **argv, struct sp_err *err);
/* Become that program whatever its words are, after tr_begin; SP_OK: we are it.
 */
enum sp_status tr_far(struct sp_err *err);

#endif
