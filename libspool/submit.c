/*
 * submit.c - orders from a program: a group is checked, written and synced,
 * then named, then its directories are synced once.  What is accepted here is
 * never lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/movein.h"
#include "libspool/owner.h"
#include "libspool/submit.h"

/* On its way: where to, under which name, and its file in tmp/. */
struct inbound {
	enum sp_state to;
	struct sp_name name;
	char tmp[SP_NAME_MAX];
	int fd;
};

#define GROUP 128 /* written before the first fsync; one handle each */

void
sp_name_first(const struct sp_job *job, const struct sp_id *id,
    const char *label, struct sp_name *name_out)
{
	(void)memset(name_out, 0, sizeof *name_out);
	name_out->prio = job->prio;
	name_out->id = *id;
	name_out->ticket = 1;
	(void)snprintf(name_out->label, sizeof name_out->label, "%s",
	    job->label[0] != '\0' ? job->label : label);
}

/* Is it a job, and where will it stand? */
static enum sp_status
prepare(const struct sp_spool *sp, struct sp_submit *s, struct inbound *in)
{
	struct sp_job job = { .prio = s->prio };
	enum sp_status st;

	if (s->bundle && !s->owned && sp_owner_said(s->text, s->len, true))
		return sp_err_set(&s->err, SP_BAD, SP_OWNER_WORDS);
	if (s->bundle) {
		sp_name_first(&job, &s->id, s->label, &in->name);
		in->name.bundle = true;
		in->to = SP_NEW;
		sp_tmp_name(sp, in->tmp);
		return SP_OK;
	}
	st = sp_job_parse(s->text, s->len, &job, &s->err);
	if (st == SP_OK && job.owned && !s->owned)
		st = sp_err_set(&s->err, SP_BAD, SP_OWNER_WORDS);
	if (st == SP_OK) {
		if (s->prio >= 0)
			job.prio = s->prio;
		sp_name_first(&job, &s->id, s->label, &in->name);
		in->to =
		    job.after_n > 0 || job.not_before > 0 ? SP_WAITING : SP_NEW;
		sp_tmp_name(sp, in->tmp);
	}
	sp_job_clear(&job);
	return st;
}

static enum sp_status
start(const struct sp_spool *sp, struct sp_submit *s, struct inbound *in)
{
	enum sp_status st;

	st = sp_tmp_start(sp, in->tmp, s->text, s->len, &in->fd, &s->err);
	if (st == SP_OK)
		sp_fs_flush_soon(in->fd);
	return st;
}

/* An answer that was lost and asked for again says that it failed; and a worker
 * may have been quick.  Nobody else can make that id. */
static void
not_named(
    const struct sp_spool *sp, struct sp_submit *s, const struct inbound *in)
{
	struct sp_name found;
	enum sp_state at;

	if (s->status == SP_GONE) {
		s->status = sp_find(sp, &s->id, &at, &found, &s->err);
		if (s->status != SP_OK)
			s->status = sp_err_set(
			    &s->err, SP_RETRY, "tmp/%s went away", in->tmp);
	}
	(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], in->tmp);
}

static void
name_one(
    const struct sp_spool *sp, struct sp_submit *s, const struct inbound *in)
{
	char name[SP_NAME_MAX];

	sp_name_print(&in->name, name);
	SP_CRASH("submit.before");
	s->status = sp_move_file(sp->dir[SP_DIR_TMP], in->tmp,
	    sp->dir[(int)in->to], name, true, &s->err);
	SP_CRASH("submit.after");
	if (s->status != SP_OK)
		not_named(sp, s, in);
}

static const enum sp_state ways_in[] = { SP_NEW, SP_WAITING };
#define WAYS_IN (sizeof ways_in / sizeof *ways_in)

/* What the fsync of ways_in[k] came to. */
static void
settled(struct sp_submit *group, const struct inbound *in, size_t n, size_t k,
    enum sp_status st, const struct sp_err *why)
{
	size_t i;

	for (i = 0; st != SP_OK && i < n; i++)
		if (group[i].status == SP_OK && in[i].to == ways_in[k])
			group[i].status = sp_err_set(&group[i].err, st,
			    "%s is in %s/ but may not survive a power cut: "
			    "%.200s",
			    group[i].id.text, sp_state_text(ways_in[k]),
			    why->text);
}

/* One fsync for each directory that got something. */
static void
settle(const struct sp_spool *sp, struct sp_submit *group,
    const struct inbound *in, size_t n)
{
	enum sp_status st;
	struct sp_err why;
	size_t i, k;
	bool any;

	for (k = 0; k < WAYS_IN; k++) {
		any = false;
		for (i = 0; i < n; i++)
			any |=
			    group[i].status == SP_OK && in[i].to == ways_in[k];
		if (!any)
			continue;
		sp_err_clear(&why);
		st = sp_sync(
		    sp->dir[(int)ways_in[k]], sp_state_text(ways_in[k]), &why);
		settled(group, in, n, k, st, &why);
	}
}

/* Check and write all, start their way to the disk, then wait for each. */
static void
write_group(const struct sp_spool *sp, struct sp_submit *group,
    struct inbound *in, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		group[i].status = prepare(sp, &group[i], &in[i]);
		if (group[i].status == SP_OK)
			group[i].status = start(sp, &group[i], &in[i]);
	}
	for (i = 0; i < n; i++)
		if (group[i].status == SP_OK)
			group[i].status = sp_tmp_done(
			    sp, in[i].tmp, in[i].fd, false, &group[i].err);
}

/* So many that waiting for each of them would take longer than writing out
 * whatever else there is. */
#define MANY 512

static void
write_many(const struct sp_spool *sp, struct sp_submit *group,
    struct inbound *in, size_t n)
{
	enum sp_status st = SP_OK;
	struct sp_err why = { "" };
	size_t i;

	for (i = 0; i < n; i++) {
		group[i].status = prepare(sp, &group[i], &in[i]);
		if (group[i].status == SP_OK)
			group[i].status =
			    sp_tmp_start(sp, in[i].tmp, group[i].text,
				group[i].len, &in[i].fd, &group[i].err);
		if (group[i].status == SP_OK)
			group[i].status = sp_tmp_done(
			    sp, in[i].tmp, in[i].fd, true, &group[i].err);
	}
	if (syncfs(sp->dir[SP_DIR_TMP]) == -1)
		st = sp_err_sys(&why, "syncfs tmp");
	for (i = 0; st != SP_OK && i < n; i++) {
		if (group[i].status != SP_OK)
			continue;
		group[i].status = sp_err_set(&group[i].err, st, "%s", why.text);
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], in[i].tmp);
	}
}

/* ---- over there ---- */

/* All files on the way at once. */
static void
write_far(const struct sp_spool *sp, struct sp_submit *group,
    struct inbound *in, size_t n)
{
	struct sp_fs_op ops[GROUP];
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		group[i].status = prepare(sp, &group[i], &in[i]);
		if (group[i].status == SP_OK)
			ops[k++] = (struct sp_fs_op){ .what = SP_FS_PUT,
				.dir = sp->dir[SP_DIR_TMP],
				.path = in[i].tmp,
				.data = group[i].text,
				.len = group[i].len,
				.flags = SP_PUT_EXCL | SP_PUT_SYNC };
	}
	sp_fs_many(ops, k);
	SP_CRASH("tmp.written");
	for (i = 0, k = 0; i < n; i++) {
		if (group[i].status != SP_OK)
			continue;
		errno = ops[k++].error;
		if (errno == 0)
			continue;
		group[i].status =
		    sp_err_sys(&group[i].err, "write tmp/%s", in[i].tmp);
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], in[i].tmp);
	}
}

/* All renames, and behind them the fsyncs. */
static void
name_far(const struct sp_spool *sp, struct sp_submit *group,
    const struct inbound *in, size_t n)
{
	const int dirs[WAYS_IN] = { sp->dir[SP_DIR_NEW],
		sp->dir[SP_DIR_WAITING] };
	struct move_in *all = calloc(n, sizeof *all);
	int error[WAYS_IN];
	struct sp_err why;
	size_t i, k;

	for (i = 0; i < n && all != NULL; i++) {
		all[i] = (struct move_in){ .from = in[i].tmp,
			.todir = sp->dir[(int)in[i].to],
			.out = group[i].status != SP_OK };
		sp_name_print(&in[i].name, all[i].to);
	}
	SP_CRASH("submit.before");
	if (all != NULL)
		move_in_far(sp->dir[SP_DIR_TMP], all, n, dirs, WAYS_IN, error);
	SP_CRASH("submit.after");
	for (i = 0; i < n; i++) {
		if (group[i].status != SP_OK)
			continue;
		errno = all == NULL ? ENOMEM : all[i].error;
		if (errno == 0)
			continue;
		group[i].status =
		    sp_err_sys(&group[i].err, "rename tmp/%s", in[i].tmp);
		not_named(sp, &group[i], &in[i]);
	}
	for (k = 0; k < WAYS_IN && all != NULL; k++) {
		sp_err_clear(&why);
		settled(group, in, n, k,
		    sp_sync_said(error[k], sp_state_text(ways_in[k]), &why),
		    &why);
	}
	free(all);
}

/* ---- both ---- */

enum sp_status
sp_submit(const struct sp_spool *sp, struct sp_submit *group, size_t n,
    struct sp_err *err)
{
	enum sp_status worst = SP_OK;
	int64_t now = sp_wall_ms();
	uint32_t dice = sp_dice() & 0x7fffffffu;
	bool far = sp_fs_far(sp->root);
	struct inbound *in;
	size_t i;

	if ((in = calloc(n == 0 ? 1 : n, sizeof *in)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++) {
		sp_err_clear(&group[i].err);
		/* Counting bits: a group keeps its order in the queue. */
		if (!group[i].named)
			sp_id_make(now, dice + (uint32_t)i, &group[i].id);
	}
	if (!far && sp->local && n >= MANY)
		write_many(sp, group, in, n);
	else
		for (i = 0; i < n; i += GROUP)
			(far ? write_far : write_group)(sp, group + i, in + i,
			    n - i < GROUP ? n - i : GROUP);
	for (i = 0; i < n && !far; i++)
		if (group[i].status == SP_OK)
			name_one(sp, &group[i], &in[i]);
	if (far)
		name_far(sp, group, in, n);
	else
		settle(sp, group, in, n);
	SP_CRASH("submit.synced");
	for (i = 0; i < n; i++)
		if (group[i].status != SP_OK && worst == SP_OK)
			worst = sp_err_set(
			    err, group[i].status, "%s", group[i].err.text);
	free(in);
	return worst;
}
