/*
 * capture.h - the output of a job: read from two pipes, appended to its log.
 */
#ifndef WORKER_CAPTURE_H
#define WORKER_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/words.h"

struct slot;
struct worker;

#define STDERR_TAIL SP_WORDS_TAIL

struct capture {
	int fd[2];         /* our ends of stdout and stderr, -1: closed */
	struct sp_buf log; /* not appended yet, */
	int64_t there;     /* and so much of it was */
	int64_t flush_at;  /* when it must be */
	uint64_t logged;   /* bytes, with those */
	uint64_t lost; /* bytes that found no room while the spool was away */
	uint64_t most; /* --log-max */
	uint64_t cut;  /* bytes beyond that */
	struct sp_buf tail;         /* of stdout, for the last JSON line */
	char last[STDERR_TAIL + 1]; /* of stderr */
	size_t last_n;
	bool failed; /* the last append: warned already */
};

/* most: bytes of the log. */
bool capture_open(struct capture *c, uint64_t most, int child_out[2]);
/* Read a chunk of what is there. */
void capture_read(struct capture *c, int which, int64_t now);
int64_t capture_tick(struct worker *w, struct slot *s, int64_t now);
/* Read what is left, close, flush. */
void capture_close(struct worker *w, struct slot *s);
/* What could not be appended, and where it belongs; it is the caller's. */
void capture_rest(struct capture *c, struct sp_buf *text_out, int64_t *at_out);
void capture_reset(struct capture *c);
void capture_clear(struct capture *c);

#endif
