/*
 * metricread.c - the files that an order's metrics lie in: which of them count,
 * and what came to them since the last time.  What lines say is metric.c's
 * business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/metric.h"
#include "libspool/scan.h"

#define ENDING ".metrics.jsonl"
#define CHUNK  (4 * SP_METRIC_LINE)

/* "tTaA@W.metrics.jsonl" */
static bool
file_is(const struct sp_id *id, const char *file, struct sp_name *name_out)
{
	char text[SP_NAME_MAX];
	size_t n = strlen(file), end = sizeof ENDING - 1;

	if (n <= end || n > 100 || strcmp(file + n - end, ENDING) != 0)
		return false;
	(void)snprintf(
	    text, sizeof text, "%s.%.*s", id->text, (int)(n - end), file);
	return sp_attempt_parse(text, name_out) == SP_OK;
}

void
sp_metric_file(const struct sp_name *attempt, char file[SP_NAME_MAX + 16])
{
	char text[SP_NAME_MAX];

	sp_attempt_print(attempt, text);
	(void)snprintf(
	    file, SP_NAME_MAX + 16, "%s" ENDING, text + SP_ID_LEN + 1);
}

static int
by_ticket(const void *a, const void *b)
{
	const struct sp_name *x = a, *y = b;

	if (x->ticket != y->ticket)
		return x->ticket < y->ticket ? -1 : 1;
	return strcmp(x->worker, y->worker);
}

enum sp_status
sp_metric_files(int dir, enum sp_state state, const struct sp_name *name,
    struct sp_metric_files *f, struct sp_err *err)
{
	struct sp_names names = { 0 };
	bool over = sp_state_over_is(state);
	struct sp_name found;
	enum sp_status st;
	size_t i, n = 0;

	(void)memset(f, 0, sizeof *f);
	f->attempt = over ? 0 : name->attempt;
	if ((st = sp_list(dir, false, &names, err)) != SP_OK)
		return st;
	if (names.n > 0 && (f->at = calloc(names.n, sizeof *f->at)) == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < names.n; i++) {
		if (!file_is(&name->id, sp_names_at(&names, i), &found) ||
		    found.attempt > name->attempt)
			continue;
		if (over && found.attempt > f->attempt)
			f->attempt = found.attempt;
		f->at[n++] = found;
	}
	sp_names_clear(&names);
	for (i = 0; i < n; i++)
		if (f->at[i].attempt == f->attempt)
			f->at[f->n++] = f->at[i];
	if (f->n > 1)
		qsort(f->at, f->n, sizeof *f->at, by_ticket);
	return st;
}

/* Who reads them: a summary of all metrics, or the curve of one. */
struct reader {
	struct sp_metrics *metrics; /* NULL: */
	struct sp_curve *curve;
	const struct sp_prune *prune;
};

static size_t
add(struct reader *r, const char *text, size_t len)
{
	return r->metrics != NULL ? sp_metrics_add(r->metrics, text, len)
				  : sp_curve_add(r->curve, r->prune, text, len);
}

static int64_t
at_of(const struct reader *r)
{
	return r->metrics != NULL ? r->metrics->at : r->curve->at;
}

/* Is this the file that it has come to? */
static bool
at_is(const struct reader *r, const struct sp_name *file)
{
	const struct sp_metrics *m = r->metrics;
	const struct sp_curve *c = r->curve;

	if (m != NULL)
		return file->ticket == m->ticket &&
		    file->attempt == m->attempt &&
		    strcmp(file->worker, m->worker) == 0;
	return file->ticket == c->ticket && file->attempt == c->attempt &&
	    strcmp(file->worker, c->worker) == 0;
}

static void
go_to(struct reader *r, const struct sp_name *file)
{
	if (r->metrics != NULL)
		sp_metrics_file(r->metrics, file);
	else
		sp_curve_file(r->curve, file);
}

static void
forget(struct reader *r)
{
	if (r->metrics != NULL)
		sp_metrics_init(r->metrics);
	else
		sp_curve_clear(r->curve);
}

/* Where to go on; what is known of files that are not there any more is
 * forgotten. */
static size_t
files_at(const struct sp_metric_files *f, struct reader *r)
{
	const char *worker =
	    r->metrics != NULL ? r->metrics->worker : r->curve->worker;
	size_t i;

	if (worker[0] == '\0')
		return 0;
	for (i = 0; i < f->n; i++)
		if (at_is(r, &f->at[i]))
			return i;
	forget(r);
	return 0;
}

/* Fold one file from where it is.  SP_GONE: it is shorter than that, and so not
 * the one that was read. */
static enum sp_status
fold(const struct sp_spool *spool, int dir, const struct sp_name *name,
    int64_t *room, char *buf, struct reader *r, bool *more, struct sp_err *err)
{
	char file[SP_NAME_MAX + 16];
	enum sp_status st;
	struct stat info;
	size_t took = 1;
	ssize_t n;
	int fd;

	sp_metric_file(name, file);
	if ((st = sp_open(dir, file, 0, &fd, &info, err)) != SP_OK)
		return st == SP_RETRY ? st : SP_OK; /* no file of ours */
	if (info.st_size < at_of(r))
		st = SP_GONE;
	while (st == SP_OK && took > 0 && at_of(r) < info.st_size) {
		if (*room <= 0) {
			*more = true;
			break;
		}
		n = sp_fs_pread(fd, buf, CHUNK, at_of(r));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			st = sp_err_sys(
			    err, "read runs/%s/%s", name->id.text, file);
		if (n <= 0)
			break;
		took = add(r, buf, (size_t)n);
		*room -= (int64_t)took;
		sp_alive(spool);
	}
	(void)sp_fs_close(fd);
	return st == SP_OK || st == SP_GONE ? st : SP_RETRY;
}

static enum sp_status
fold_all(const struct sp_spool *spool, int dir, const struct sp_metric_files *f,
    int64_t *room, struct reader *r, bool *more, struct sp_err *err)
{
	size_t i = files_at(f, r);
	enum sp_status st = SP_OK;
	char *buf;

	if (f->n == 0)
		return SP_OK;
	if ((buf = malloc(CHUNK)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (; st == SP_OK && i < f->n && !*more; i++) {
		if (!at_is(r, &f->at[i]))
			go_to(r, &f->at[i]);
		st = fold(spool, dir, &f->at[i], room, buf, r, more, err);
	}
	free(buf);
	return st;
}

static enum sp_status
read_all(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, int64_t most, struct reader *r, bool *more_out,
    struct sp_err *err)
{
	int64_t room = most > 0 ? most : INT64_MAX;
	struct sp_metric_files f = { 0 };
	enum sp_status st;
	int dir;

	*more_out = false;
	st = sp_run_open(spool, &name->id, false, &dir, err);
	if (st != SP_OK) {
		forget(r);
		return st == SP_RETRY ? st : SP_OK;
	}
	if ((st = sp_metric_files(dir, state, name, &f, err)) == SP_OK)
		st = fold_all(spool, dir, &f, &room, r, more_out, err);
	if (st == SP_GONE) { /* put there anew: from the beginning */
		forget(r);
		st = fold_all(spool, dir, &f, &room, r, more_out, err);
	}
	free(f.at);
	(void)sp_fs_close(dir);
	return st == SP_RETRY ? st
			      : SP_OK; /* what we may not read is not there */
}

enum sp_status
sp_metrics_read(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, int64_t most, struct sp_metrics *m,
    bool *more_out, struct sp_err *err)
{
	struct reader r = { .metrics = m };

	return read_all(spool, state, name, most, &r, more_out, err);
}

enum sp_status
sp_curve_read(const struct sp_spool *spool, const struct sp_id *id,
    const struct sp_prune *prune, int64_t most, struct sp_curve *c,
    bool *more_out, struct sp_err *err)
{
	struct reader r = { .curve = c, .prune = prune };
	struct sp_name name = { .id = *id, .attempt = SP_COUNT_MAX };

	return read_all(spool, SP_DONE, &name, most, &r, more_out, err);
}
