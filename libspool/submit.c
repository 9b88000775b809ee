/*
 * submit.c - orders from a program: a group is checked, written and synced,
 * then named, then its directories are synced once.  What is accepted here is
 * never lost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/move.h"
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

static enum sp_status
prepare(const struct sp_spool *sp, struct sp_submit *s, struct inbound *in)
{
	struct sp_job job;
	enum sp_status st;

	st = sp_job_parse(s->text, s->len, &job, &s->err);
	if (st == SP_OK) {
		if (s->prio >= 0)
			job.prio = s->prio;
		sp_name_first(&job, &s->id, s->label, &in->name);
		in->to =
		    job.after_n > 0 || job.not_before > 0 ? SP_WAITING : SP_NEW;
		sp_tmp_name(sp, in->tmp);
		st = sp_tmp_start(
		    sp, in->tmp, s->text, s->len, &in->fd, &s->err);
		if (st == SP_OK)
			sp_fs_flush_soon(in->fd);
	}
	sp_job_clear(&job);
	return st;
}

static void
name_one(
    const struct sp_spool *sp, struct sp_submit *s, const struct inbound *in)
{
	char name[SP_NAME_MAX];
	struct sp_name found;
	enum sp_state at;

	sp_name_print(&in->name, name);
	SP_CRASH("submit.before");
	s->status = sp_move_file(sp->dir[SP_DIR_TMP], in->tmp,
	    sp->dir[(int)in->to], name, true, &s->err);
	SP_CRASH("submit.after");
	if (s->status == SP_OK)
		return;
	/* An answer that was lost and asked for again says that it failed; and
	 * a worker may have been quick.  Nobody else can make that id. */
	if (s->status == SP_GONE) {
		s->status = sp_find(sp, &s->id, &at, &found, &s->err);
		if (s->status != SP_OK)
			s->status = sp_err_set(
			    &s->err, SP_RETRY, "tmp/%s went away", in->tmp);
	}
	(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], in->tmp);
}

/* One fsync for each directory that got something. */
static void
settle(const struct sp_spool *sp, struct sp_submit *group,
    const struct inbound *in, size_t n)
{
	static const enum sp_state to[] = { SP_NEW, SP_WAITING };
	enum sp_status st;
	struct sp_err why;
	size_t i, k;
	bool any;

	for (k = 0; k < 2; k++) {
		any = false;
		for (i = 0; i < n; i++)
			any |= group[i].status == SP_OK && in[i].to == to[k];
		if (!any)
			continue;
		sp_err_clear(&why);
		st = sp_sync(sp->dir[(int)to[k]], sp_state_text(to[k]), &why);
		for (i = 0; st != SP_OK && i < n; i++)
			if (group[i].status == SP_OK && in[i].to == to[k]) {
				group[i].status = sp_err_set(&group[i].err, st,
				    "%s is in %s/ but may not survive a power "
				    "cut: %.200s",
				    group[i].id.text, sp_state_text(to[k]),
				    why.text);
			}
	}
}

/* Check and write all, start their way to the disk, then wait for each. */
static void
write_group(const struct sp_spool *sp, struct sp_submit *group,
    struct inbound *in, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		group[i].status = prepare(sp, &group[i], &in[i]);
	for (i = 0; i < n; i++)
		if (group[i].status == SP_OK)
			group[i].status = sp_tmp_done(
			    sp, in[i].tmp, in[i].fd, false, &group[i].err);
}

enum sp_status
sp_submit(const struct sp_spool *sp, struct sp_submit *group, size_t n,
    struct sp_err *err)
{
	enum sp_status worst = SP_OK;
	int64_t now = sp_wall_ms();
	uint32_t dice = sp_dice() & 0x7fffffffu;
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
	for (i = 0; i < n; i += GROUP)
		write_group(
		    sp, group + i, in + i, n - i < GROUP ? n - i : GROUP);
	for (i = 0; i < n; i++)
		if (group[i].status == SP_OK)
			name_one(sp, &group[i], &in[i]);
	settle(sp, group, in, n);
	SP_CRASH("submit.synced");
	for (i = 0; i < n; i++)
		if (group[i].status != SP_OK && worst == SP_OK)
			worst = sp_err_set(
			    err, group[i].status, "%s", group[i].err.text);
	free(in);
	return worst;
}
