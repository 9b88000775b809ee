/*
 * stage.c - the work directory of one attempt: what bring.c brings, and our own
 * files, whose names begin with a dot and so cannot be a job's.  What the job
 * leaves there is read here, as the planted thing it may be, and all of it is
 * removed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "workerd/slot.h"
#include "workerd/stage.h"
#include "workerd/outcopy.h"
#include "workerd/workdir.h"
#include "workerd/worker.h"

#define METRICS_CHUNK 65536
#define METRICS_RATE  65536      /* bytes a second, beyond METRICS_BURST; */
#define METRICS_MOST  (64 << 20) /* when an attempt has brought so many, */
#define METRICS_LATE  1024       /* so many a second */

static char metrics_buf[METRICS_CHUNK + 1];

static void
path_in(const struct slot *s, const char *name, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/%s", s->dir, name);
}

void
stage_data(const struct slot *s, char out[PATH_MAX])
{
	out[0] = '\0';
	if (s->job.data[0] == '\0')
		return;
	/* scripts/x and data/x: two files that want one name. */
	if (strcmp(s->job.data, s->job.script) == 0)
		path_in(s, ".spool-data", out);
	else
		path_in(s, s->job.data, out);
}

static enum sp_status
trouble(struct slot *s, const char *what)
{
	(void)snprintf(
	    s->why, sizeof s->why, "%.120s: %s", what, strerror(errno));
	return SP_RETRY;
}

/* In a directory that an earlier attempt left: what we make ourselves is made
 * anew, whatever the script did to it. */
static void
make_room(const struct slot *s)
{
	static const char *const ours[] = { STAGE_JOB, STAGE_OUTCOME,
		STAGE_METRICS };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof ours / sizeof *ours; i++) {
		path_in(s, ours[i], path);
		rmtree(path);
	}
	path_in(s, s->job.script, path);
	rmtree(path);
	stage_data(s, path);
	if (path[0] != '\0')
		rmtree(path);
}

/* What an earlier attempt was made of, so that this one is made of the same. */
static enum sp_status
pins_read(struct worker *w, struct slot *s, struct bring *b)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct sp_err err = { "" };
	enum sp_status st;

	(void)memset(&b->pin, 0, sizeof b->pin);
	if (s->name.ticket == 1)
		return SP_OK; /* there was none */
	st = w->ops->pins(w->tr, &s->name.id, &text, &err);
	if (st == SP_OK && !sp_pins_parse(text.data, text.len, &b->pin))
		sp_warn("pins order=%s: not what we wrote; not followed",
		    s->name.id.text);
	sp_buf_clear(&text);
	if (st == SP_RETRY || st == SP_FATAL) {
		(void)snprintf(s->why, sizeof s->why, "%.250s", err.text);
		return SP_RETRY;
	}
	s->pinned = st == SP_OK;
	return SP_OK;
}

static enum sp_status
make(struct worker *w, struct slot *s, const struct sp_buf *dressed)
{
	(void)snprintf(s->dir, sizeof s->dir, "%s/work.%u", w->dir, s->serial);
	s->kept = kept_take(w, s);
	if (s->kept)
		make_room(s);
	s->work =
	    workdir_make(w, s->dir, s->kept, STAGE_JOB, dressed, s->job.script);
	if (s->work == NULL)
		return trouble(s, s->dir);
	(void)snprintf(s->dir, sizeof s->dir, "%s", s->work->path);
	return SP_OK;
}

/* Where the spool has no directories of this machine: one of our own. */
static enum sp_status
make_out(struct worker *w, struct slot *s)
{
	struct sp_err err = { "" };
	char path[PATH_MAX];

	if (outbox_out(w, &s->name, path, &err) == SP_OK)
		s->copy = outcopy_new(
		    w->direct, w->tr, &s->name, path, w->commit.event);
	if (s->copy != NULL)
		return SP_OK;
	(void)snprintf(s->why, sizeof s->why, "$SPOOL_OUT: %.250s",
	    err.text[0] != '\0' ? err.text : "no memory");
	return SP_RETRY;
}

enum sp_status
stage_make(struct worker *w, struct slot *s, const struct sp_buf *dressed)
{
	struct bring *b = s->bring;
	enum sp_status st;

	if ((st = make(w, s, dressed)) != SP_OK)
		return st;
	if (b == NULL && (b = s->bring = calloc(1, sizeof *b)) == NULL)
		return trouble(s, "memory");
	b->all = &w->bringing;
	b->job = &s->job;
	b->dir = s->dir;
	b->quick = true;
	b->fresh = !s->kept;
	b->script_ino = s->work->script_ino;
	atomic_store(&b->stop, false);
	if ((st = pins_read(w, s, b)) != SP_OK ||
	    (w->far && (st = make_out(w, s)) != SP_OK))
		return st;
	b->out = s->name.ticket > 1 ? s->copy : NULL;
	b->old = false;
	b->status = w->far ? SP_LOST : bring(b);
	if (b->status != SP_LOST)
		return stage_made(s);
	b->fresh = false;
	if (porter_start(b))
		return SP_LOST;
	b->quick = false; /* no thread to be had: then here */
	b->status = bring(b);
	return stage_made(s);
}

enum sp_status
stage_made(struct slot *s)
{
	const struct bring *b = s->bring;

	if (b->status == SP_OK)
		return SP_OK;
	s->unfit = b->unfit;
	if (s->stop == STOP_NO)
		(void)snprintf(s->why, sizeof s->why, "%s", b->why);
	return b->status == SP_BAD ? SP_BAD : SP_RETRY;
}

void
stage_forget(struct slot *s)
{
	if (s->bring == NULL)
		return;
	s->bring->status = SP_GONE; /* that was another one */
	s->bring->busy = false;
}

bool
stage_busy_is(const struct slot *s)
{
	return s->bring != NULL && s->bring->busy;
}

void
stage_pin(struct worker *w, struct slot *s)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	struct sp_err err = { "" };
	enum sp_status st;

	if (s->pinned || s->bring == NULL || s->bring->loose ||
	    s->bring->status != SP_OK)
		return;
	sp_pins_print(&s->bring->is, &text);
	st = text.failed ? SP_RETRY
			 : w->ops->pin(w->tr, &s->name.id, &text, &err);
	s->pinned = st == SP_OK || st == SP_LOST;
	if (!s->pinned && sp_warn_due("pin"))
		sp_warn("pin order=%s: %s", s->name.id.text, err.text);
	sp_buf_clear(&text);
}

void
stage_clear(struct worker *w, struct slot *s)
{
	if (s->work != NULL)
		workdir_drop(w, s->work, STAGE_JOB, s->job.script,
		    s->bring == NULL ? 0 : s->bring->script_ino,
		    s->gone_by == 0);
	else if (s->dir[0] != '\0')
		rmtree(s->dir);
	s->work = NULL;
	s->dir[0] = '\0';
}

void
stage_keep(struct worker *w, struct slot *s)
{
	if (s->dir[0] == '\0' || w->as.on || !kept_put(w, s))
		return;
	workdir_forget(s->work);
	s->work = NULL;
	s->dir[0] = '\0';
}

/* ---- what the job leaves ---- */

/* A FIFO, a device or a link in the place of our file must not hold us up or
 * lead us elsewhere. */
static int
open_left(const struct worker *w, const struct slot *s, const char *name,
    struct stat *st)
{
	int fd;

	if (s->work == NULL)
		return -1;
	fd = openat(s->work->fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	/* As root we could read through a second name what he cannot. */
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
	    (!w->as.on || st->st_uid == s->owner.uid))
		return fd;
	(void)close(fd);
	return -1;
}

/* So much more may be copied now; true: and there was too much. */
static bool
metrics_refill(struct slot *s, off_t size)
{
	off_t more = s->metrics_n < METRICS_MOST ? METRICS_RATE : METRICS_LATE;

	s->metrics_room += more;
	if (s->metrics_room > METRICS_BURST)
		s->metrics_room = METRICS_BURST;
	return size - s->metrics > s->metrics_room;
}

/* A script that writes faster than anybody can look at costs us, and all who
 * read after us, no more than the last of it: go to the first whole line of
 * what there is room for.  A line longer than that waits for more room. */
static void
metrics_skip(struct slot *s, int fd, off_t size)
{
	off_t from = size - s->metrics_room;
	const char *nl = NULL;
	ssize_t n;

	n = pread(fd, metrics_buf, METRICS_CHUNK, from - 1);
	if (n > 0)
		nl = memchr(metrics_buf, '\n', (size_t)n);
	from = nl != NULL ? from + (nl - metrics_buf) : size;
	if (s->metrics_lost == 0)
		sp_info("metrics order=%s: too many, some are passed over",
		    s->name.id.text);
	s->metrics_lost += from - s->metrics;
	s->metrics = from;
}

/* Whole lines only, for a script may be in the middle of one; at the end the
 * rest as well, as a line.  True: there may be more. */
static bool
metrics_chunk(struct worker *w, struct slot *s, int fd, off_t size, bool final)
{
	char *buf = metrics_buf;
	off_t left = size - s->metrics, end;
	const char *nl;
	ssize_t n;

	n = pread(fd, buf, left < METRICS_CHUNK ? (size_t)left : METRICS_CHUNK,
	    s->metrics);
	if (n <= 0)
		return false;
	if ((nl = memrchr(buf, '\n', (size_t)n)) != NULL)
		n = nl + 1 - buf;
	end = s->metrics + n;
	if (nl == NULL && n < METRICS_CHUNK) {
		if (!final)
			return false;
		buf[n++] = '\n';
	}
	if (s->metrics_rest.len > 0 || (final && w->far) ||
	    w->ops->append(w->tr, &s->name, TR_METRICS, s->metrics_n, buf,
		(size_t)n, NULL) != SP_OK) {
		if (!final)
			return false; /* the same bytes next time */
		sp_buf_put(&s->metrics_rest, buf, (size_t)n);
		if (s->metrics_rest.failed)
			return false;
	}
	s->metrics = end;
	s->metrics_n += n;
	s->metrics_room -= n;
	return true;
}

void
stage_metrics(struct worker *w, struct slot *s, bool final)
{
	struct stat st;
	int fd;

	if ((fd = open_left(w, s, STAGE_METRICS, &st)) == -1)
		return;
	if (st.st_size < s->metrics)
		s->metrics = 0; /* written anew */
	if (metrics_refill(s, st.st_size))
		metrics_skip(s, fd, st.st_size);
	while (st.st_size > s->metrics &&
	    metrics_chunk(w, s, fd, st.st_size, final))
		;
	(void)close(fd);
}

bool
stage_outcome(
    const struct worker *w, const struct slot *s, struct sp_buf *text_out)
{
	struct stat st;
	char *at;
	ssize_t n;
	int fd;

	if ((fd = open_left(w, s, STAGE_OUTCOME, &st)) == -1)
		return false;
	sp_buf_reset(text_out);
	/* One byte more than is allowed shows that it is too long. */
	while ((at = sp_buf_room(text_out, 65536)) != NULL &&
	    text_out->len <= SP_OUTCOME_MAX && (n = read(fd, at, 65536)) > 0)
		text_out->len += (size_t)n;
	(void)close(fd);
	/* Opened and then nothing written: as if it were not there. */
	for (n = 0; (size_t)n < text_out->len; n++)
		if (strchr(" \t\r\n", text_out->data[n]) == NULL)
			return true;
	return false;
}
