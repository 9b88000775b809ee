/*
 * boss.c - how many orders we want of an original Boss: as many as have a slot
 * free, now that we may claim.
 */
#include <string.h>

#include "transport/media.h"
#include "transport/origin.h"
#include "workerd/boss.h"
#include "workerd/look.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define CLOSE_MS 10000

enum sp_status
boss_open(struct worker *w, struct sp_err *err)
{
	const char *path = w->opt.url;

	if (w->opt.origin == NULL)
		return SP_OK;
	if (strcmp(w->ops->scheme, "dir") != 0)
		return sp_err_set(err, SP_FATAL,
		    "--origin: the spool must be a directory here, not %s",
		    path);
	path += strncmp(path, "dir:", 4) == 0 ? 4 : 0;
	path += strncmp(path, "file:", 5) == 0 ? 5 : 0;
	path += strncmp(path, "//", 2) == 0;
	if (tr_origin == NULL)
		return sp_err_set(err, SP_FATAL,
		    "--origin: found %s, expected http[s]://HOST[:PORT]",
		    w->opt.origin);
	return tr_origin->open(w->opt.origin, path, w->opt.name, &w->boss, err);
}

void
boss_tick(struct worker *w, int64_t now)
{
	int i, n = 0;

	if (w->boss == NULL)
		return;
	for (i = 0; i < w->opt.slots && look_may(w, now); i++)
		n += w->slot[i].state == SLOT_FREE;
	if (w->claims_left >= 0 && n > w->claims_left)
		n = w->claims_left;
	tr_origin->want(w->boss, n);
}

bool
boss_quiet(struct worker *w)
{
	return w->boss == NULL || tr_origin->quiet(w->boss);
}

void
boss_close(struct worker *w)
{
	if (w->boss != NULL)
		tr_origin->close(w->boss, CLOSE_MS);
	w->boss = NULL;
}
