/*
 * entry.c - one order of the queue: read once, and does it fit an offer?
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/entry.h"
#include "libspool/find.h"

void
entry_free(struct entry *e)
{
	if (e->taken) {
		e->orphan = true;
		return;
	}
	if (e->job != NULL)
		sp_job_clear(e->job);
	free(e->job);
	free(e->name);
	free(e);
}

struct entry *
entry_new(const char *name)
{
	struct entry *e = calloc(1, sizeof *e);

	if (e != NULL && (e->name = strdup(name)) == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

enum sp_status
entry_read(const struct sp_spool *spool, struct entry *e, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job *job;
	struct sp_name name;
	enum sp_status st;

	if (e->known != UNREAD)
		return SP_OK;
	if (sp_name_parse(e->name, &name) != SP_OK ||
	    (job = calloc(1, sizeof *job)) == NULL)
		return SP_RETRY;
	st = sp_order_read(spool, SP_NEW, &name, &text, err);
	if (st == SP_OK) {
		e->known = sp_job_parse(text.data, text.len, job, NULL) == SP_OK
		    ? READ
		    : WRONG;
		e->gpus = job->gpus;
		e->cpus = job->cpus;
		e->memory = job->memory;
		e->free = job->not_before == 0 && job->after_n == 0;
	} else if (st == SP_BAD) {
		e->known = WRONG;
		st = SP_OK;
	}
	sp_buf_clear(&text);
	if (e->known == READ && (!e->free || job->requires_n > 0)) {
		e->job = job;
		return st;
	}
	sp_job_clear(job);
	free(job);
	return st;
}

bool
entry_fits(const struct entry *e, const struct sp_offer *offer)
{
	struct sp_job bare = {
		.gpus = e->gpus, .cpus = e->cpus, .memory = e->memory
	};
	char why[128];

	return e->known == READ &&
	    (offer == NULL ||
		sp_fit_ok(e->job != NULL ? e->job : &bare, offer, why));
}
