/*
 * sweepput.c - the runs of a sweep go in: in short bundles (libspool/bundle.h)
 * as far as that is possible, all at once.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/submit.h"
#include "tools/sweepput.h"

void
sweepput_init(struct sweep_put *put, struct tool *tool, const char *file,
    const char *beside, bool no_pin)
{
	(void)memset(put, 0, sizeof *put);
	put->tool = tool;
	put->file = file;
	put->no_pin = no_pin;
	sp_buf_init(&put->text, 2 * (size_t)SP_BUNDLE_SHORT + 16);
	sp_sweep_make(sp_wall_ms(), sp_dice(), put->sweep);
	if (!no_pin) {
		pin_init(&put->pin, tool);
		pin_from(&put->pin, beside);
	}
}

void
sweepput_clear(struct sweep_put *put)
{
	size_t i;

	for (i = 0; i < put->ways; i++) {
		union {
			const char *theirs;
			char *ours;
		} text = { .theirs = put->way[i].text };

		free(text.ours);
	}
	free(put->way);
	free(put->id);
	sp_buf_clear(&put->text);
	if (!put->no_pin)
		pin_clear(&put->pin);
	(void)memset(put, 0, sizeof *put);
}

static struct sp_submit *
way_new(struct sweep_put *put)
{
	struct sp_submit *more;
	size_t cap;

	if (put->ways == put->cap) {
		cap = put->cap == 0 ? 16 : put->cap * 2;
		if ((more = realloc(put->way, cap * sizeof *more)) == NULL)
			return NULL;
		put->way = more;
		put->cap = cap;
	}
	more = &put->way[put->ways++];
	(void)memset(more, 0, sizeof *more);
	more->named = true;
	more->prio = -1;
	return more;
}

static enum sp_status
id_add(struct sweep_put *put, unsigned number)
{
	struct sp_id *more;
	size_t cap;

	if (put->n == put->id_cap) {
		cap = put->id_cap == 0 ? 256 : put->id_cap * 2;
		if ((more = realloc(put->id, cap * sizeof *more)) == NULL)
			return SP_RETRY;
		put->id = more;
		put->id_cap = cap;
	}
	sp_sweep_id(put->sweep, number, &put->id[put->n++]);
	return SP_OK;
}

/* The bundle that is open is as long as it will be. */
static enum sp_status
close_bundle(struct sweep_put *put)
{
	struct sp_submit *way;

	if (put->lines == 0)
		return SP_OK;
	if (put->text.failed || (way = way_new(put)) == NULL)
		return SP_RETRY;
	way->bundle = true;
	way->prio = put->prio;
	(void)strcpy(way->label, put->label);
	way->text = put->text.data; /* taken over */
	way->len = put->text.len;
	/* The lines' ids follow it. */
	sp_sweep_id(put->sweep, put->next - (unsigned)put->lines - 1, &way->id);
	sp_buf_init(&put->text, 2 * (size_t)SP_BUNDLE_SHORT + 16);
	put->lines = 0;
	return SP_OK;
}

/* What waits for something, or has a priority of its own, is a file. */
static enum sp_status
add_alone(struct sweep_put *put, const struct sp_buf *job)
{
	struct sp_submit *way;

	if (close_bundle(put) != SP_OK || (way = way_new(put)) == NULL ||
	    (way->text = strndup(sp_buf_text(job), job->len)) == NULL)
		return SP_RETRY;
	way->len = job->len;
	sp_sweep_id(put->sweep, put->next, &way->id);
	return id_add(put, put->next++);
}

static enum sp_status
add_line(
    struct sweep_put *put, const struct sp_buf *job, const struct sp_job *is)
{
	size_t most = (size_t)put->tool->spool.policy.slice;

	if (put->lines > 0 &&
	    (put->lines == most || put->prio != is->prio ||
		put->text.len + job->len >= SP_BUNDLE_SHORT) &&
	    close_bundle(put) != SP_OK)
		return SP_RETRY;
	if (put->lines == 0) {
		put->next++; /* the bundle's own */
		put->prio = is->prio;
		(void)strcpy(put->label, is->label);
	}
	sp_buf_put(&put->text, sp_buf_text(job), job->len);
	sp_buf_put(&put->text, "\n", 1);
	put->lines++;
	return id_add(put, put->next++);
}

enum sp_status
sweepput_add(struct sweep_put *put, struct amended *one, struct sp_err *err)
{
	enum sp_status st;

	if (put->next + 2 > SP_SWEEP_MOST)
		return sp_err_set(err, SP_BAD, "there are too many runs");
	if (!put->no_pin &&
	    (st = pin_apply(&put->pin, put->file, one, err)) != SP_OK)
		return st;
	if (one->job.after_n > 0 || one->job.not_before > 0)
		st = add_alone(put, &one->text);
	else
		st = add_line(put, &one->text, &one->job);
	return st == SP_OK ? st : sp_err_set(err, st, "no memory");
}

int
sweepput_all(struct sweep_put *put)
{
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i, in = 0;

	if ((st = close_bundle(put)) == SP_OK)
		st = sp_submit(&put->tool->spool, put->way, put->ways, &err);
	if (st == SP_OK)
		return ANSWER_YES;
	for (i = 0; i < put->ways; i++)
		in += put->way[i].status == SP_OK;
	if (in > 0)
		complain("%s: some of its runs went in: see to %s", put->file,
		    put->sweep);
	return complain_of(st, &err, put->file);
}
