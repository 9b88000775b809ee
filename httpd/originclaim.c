/*
 * originclaim.c - an order for an original worker: the first in new/ that may
 * run now and asks for nothing that such a worker cannot do.
 */
#include <stdlib.h>

#include "httpd/origin.h"
#include "httpd/queue.h"
#include "httpd/server.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/imports.h"
#include "libspool/job.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/wish.h"

#define LOOK_MOST 256 /* orders read for one that is bored */

/* It runs `python -u python-scripts/NAME JSON` with what it has there, stops
 * nothing and limits nothing.  (A time-out we keep in its stead: the order is
 * taken back.) */
static bool
can(const struct sp_job *job)
{
	return sp_python_is(job->script) && job->gpus == 0 && job->cpus == 0 &&
	    job->memory == 0 && !job->exclusive && job->python[0] == '\0' &&
	    job->requires_n == 0 && job->env_n == 0 &&
	    job->script_sha[0] == '\0' && job->data_sha[0] == '\0' &&
	    job->code[0] == '\0' && job->prune.method == SP_PRUNE_NO;
}

/* An earlier attempt was made of files that only our own workers bring. */
static bool
pinned(const struct sp_spool *sp, const struct sp_name *name)
{
	struct stat st;
	bool there;
	int run;

	if (name->ticket == 1 ||
	    sp_run_open(sp, &name->id, false, &run, NULL) != SP_OK)
		return false;
	there = sp_fs_lstat(run, "pins.json", &st) == 0;
	(void)sp_fs_close(run);
	return there;
}

static void
refuse(const struct sp_spool *sp, const struct sp_name *name, const char *words)
{
	struct sp_err err = { "" };

	if (sp_end(sp, SP_NEW, name, SP_ST_INVALID, false, words, &err) ==
	    SP_OK)
		sp_info("refuse order=%s: %s", name->id.text, words);
	else
		sp_warn("refuse order=%s: %s", name->id.text, err.text);
}

static enum sp_status
try_one(const struct sp_spool *as, const struct sp_name *name,
    struct sp_name *claimed_out, struct sp_buf *text_out)
{
	struct sp_job job = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;

	sp_buf_reset(text_out);
	st = sp_order_read(as, SP_NEW, name, text_out, NULL);
	if (st == SP_OK)
		st = sp_job_parse(text_out->data, text_out->len, &job, &err);
	/* Nobody may come who would say so. */
	if (st == SP_BAD && job.object)
		refuse(as, name, err.text);
	if (st == SP_OK && (!can(&job) || pinned(as, name)))
		st = SP_LOST;
	sp_job_clear(&job);
	if (st != SP_OK)
		return st;
	sp_buf_reset(text_out);
	st = sp_claim(as, name, claimed_out, text_out, &err);
	if (st == SP_OK)
		sp_info("claim order=%s attempt=%u worker=%s", name->id.text,
		    name->attempt + 1, as->actor);
	else if (st != SP_LOST && st != SP_GONE)
		sp_warn("claim order=%s: %s", name->id.text, err.text);
	return st;
}

static bool
drained(const struct sp_spool *sp, const char *worker)
{
	struct sp_names files = { 0 };
	bool is;

	is = sp_wish_list(sp, &files, NULL) != SP_OK ||
	    sp_wish_is(&files, worker, SP_WISH_DRAIN) ||
	    sp_wish_is(&files, worker, SP_WISH_NOW);
	sp_names_clear(&files);
	return is;
}

enum sp_status
origin_claim(struct server *s, const struct origin_who *who,
    struct sp_name *name_out, struct sp_buf *text_out, struct sp_err *err)
{
	static const struct sp_offer nothing = { .memory = 1 };
	struct sp_names names = { 0 };
	struct queue_pick pick = { "", &nothing, false, LOOK_MOST };
	enum sp_status st;
	struct sp_spool *as;
	struct sp_name name;
	bool more, got = false;
	size_t i;

	if (drained(&s->spool, who->worker))
		return SP_GONE;
	if ((as = malloc(sizeof *as)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	server_as(s, who->worker, as);
	st = queue_list(s->queue, &pick, &names, &more, err);
	for (i = 0; st == SP_OK && !got && i < names.n; i++)
		got = sp_name_parse(sp_names_at(&names, i), &name) == SP_OK &&
		    !name.bundle &&
		    try_one(as, &name, name_out, text_out) == SP_OK;
	sp_names_clear(&names);
	free(as);
	return st == SP_OK && !got ? SP_GONE : st;
}
