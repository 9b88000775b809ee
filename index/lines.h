/*
 * lines.h - index/outcomes.jsonl: one accepted outcome a line, appended in the
 * order first seen.
 *
 * How far it goes is written down in the same transaction as whose outcomes it
 * has.  A line is written before that transaction ends; killed between the
 * two, the next start cuts the file to what was written down: no line twice,
 * none lost.  A file made anew grows as outcomes.jsonl.part and takes its name
 * once it has caught up.
 */
#ifndef INDEX_LINES_H
#define INDEX_LINES_H

#include "index/sql.h"
#include "libspool/buf.h"
#include "libspool/err.h"

struct lines {
	int fd;                /* -1: not open */
	struct sql_lines mark; /* as in the database's last transaction */
	struct sql_lines next; /* as in this one */
	struct sp_buf text;    /* not yet written */
	bool part;             /* still outcomes.jsonl.part */
};

/* Take away what stands at the place of a file of ours: a file, a link, an
 * empty directory. */
void lines_clear(int dirfd, const char *path);

void lines_init(struct lines *lines);
void lines_close(struct lines *lines);
/* Open the file that `mark` tells of and cut it there.  SP_GONE: it is not
 * there, or another: make it anew. */
enum sp_status lines_open(struct lines *lines, int dirfd,
    const struct sql_lines *mark, struct sp_err *err);
/* An empty one, instead of whatever part there is. */
enum sp_status lines_make(struct lines *lines, int dirfd, struct sp_err *err);
/* Is it still there, as long as we wrote it? */
bool lines_there_is(const struct lines *lines, int dirfd);
/* The outcome's text, made one line. */
enum sp_status lines_add(
    struct lines *lines, const char *text, size_t len, struct sp_err *err);
/* Write what was added; `next` then says how far it goes. */
enum sp_status lines_write(struct lines *lines, struct sp_err *err);
/* The transaction ended well, or did not. */
void lines_keep(struct lines *lines);
void lines_undo(struct lines *lines);
/* It has caught up: give it its name. */
enum sp_status lines_finish(struct lines *lines, int dirfd, struct sp_err *err);

#endif
