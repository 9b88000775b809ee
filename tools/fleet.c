/*
 * fleet.c - the workers of a spool as their beats tell, and what an order meets
 * at each of them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "tools/spool.h"

#define RUNS_MOST 1024

static void
read_one(void *arg, const char *file, const struct sp_buf *text,
    const struct stat *st)
{
	struct fleet *fleet = arg;
	struct fleet_one *one = &fleet->one[fleet->n];

	(void)file;
	if (sp_beat_parse(sp_buf_text(text), text->len, &one->beat, NULL) !=
	    SP_OK) {
		sp_beat_clear(&one->beat);
		return;
	}
	one->silent = (double)(fleet->now - (int64_t)st->st_mtim.tv_sec * 1000 -
			  st->st_mtim.tv_nsec / 1000000) /
	    1000;
	if (one->silent < 0)
		one->silent = 0;
	fleet->n++;
}

enum sp_status
fleet_read(struct tool *tool, struct fleet *fleet, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	int64_t took;

	memset(fleet, 0, sizeof *fleet);
	fleet->lease = tool->spool.policy.lease;
	st = sp_server_now(&tool->spool, &fleet->now, &took, err);
	if (st == SP_OK)
		st = sp_list(
		    tool->spool.dir[SP_DIR_WORKERS], false, &names, err);
	if (st == SP_OK) {
		fleet->one = calloc(names.n + 1, sizeof *fleet->one);
		if (fleet->one == NULL)
			st = sp_err_set(err, SP_RETRY, "no memory");
	}
	if (st == SP_OK)
		sp_read_each(tool->spool.dir[SP_DIR_WORKERS], &names,
		    SP_BEAT_MAX, read_one, fleet);
	sp_names_clear(&names);
	return st;
}

void
fleet_clear(struct fleet *fleet)
{
	size_t i;

	for (i = 0; i < fleet->n; i++)
		sp_beat_clear(&fleet->one[i].beat);
	free(fleet->one);
	memset(fleet, 0, sizeof *fleet);
}

bool
fleet_works_is(const struct fleet *fleet, const struct fleet_one *one)
{
	return strcmp(one->beat.role, "worker") == 0 &&
	    one->silent <= fleet->lease;
}

bool
fleet_never_is(
    const struct fleet *fleet, const struct sp_job *job, char why[256])
{
	struct sp_reason r;
	bool found = false;
	size_t i;

	for (i = 0; i < fleet->n; i++) {
		if (!fleet_works_is(fleet, &fleet->one[i]))
			continue;
		sp_reason(job, &fleet->one[i].beat, NULL, 0, &r);
		if (r.kind != SP_REASON_NEVER)
			return false;
		(void)snprintf(why, 256, "%.60s: %.180s",
		    fleet->one[i].beat.worker, r.words);
		found = true;
	}
	return found;
}

/* What a running order took, and when it will have ended. */
static void
run_read(struct tool *tool, const char *file, struct sp_reason_run *run)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_name name;
	struct sp_row row;
	struct sp_job job;

	if (sp_name_parse(file, &name) != SP_OK)
		return;
	run->id = name.id;
	if (sp_order_read(&tool->spool, SP_ASSIGNED, &name, &text, NULL) ==
	    SP_OK) {
		if (sp_job_parse(sp_buf_text(&text), text.len, &job, NULL) ==
		    SP_OK) {
			run->gpus = job.gpus;
			run->cpus = job.cpus;
			run->memory = job.memory;
		}
		sp_job_clear(&job);
	}
	sp_buf_clear(&text);
	if (see_row(&tool->spool, &name.id, &row, NULL) == SP_OK &&
	    row.state == SP_ASSIGNED)
		run->eta = row.eta;
}

void
fleet_reason(struct tool *tool, const struct fleet_one *one,
    const struct sp_job *job, struct sp_reason *reason)
{
	size_t n = one->beat.running_n, i;
	struct sp_reason_run *run;

	/* Only who is busy is asked about what it runs. */
	sp_reason(job, &one->beat, NULL, 0, reason);
	if (reason->kind != SP_REASON_BUSY || n == 0)
		return;
	n = n > RUNS_MOST ? RUNS_MOST : n;
	if ((run = calloc(n, sizeof *run)) == NULL)
		return;
	for (i = 0; i < n; i++)
		run_read(tool, one->beat.running[i], &run[i]);
	sp_reason(job, &one->beat, run, n, reason);
	free(run);
}
