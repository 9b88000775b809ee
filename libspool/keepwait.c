/*
 * keepwait.c - the keeper's look at waiting/: promote what may run, end what
 * never can, drop marks that have served.
 *
 * An order waits for its back-off (its ctime by the server's clock: the rename
 * that brought it here set it), its notBefore, its dependencies, and a hold
 * mark.  Nothing of that is stored; so it is read once and kept in memory.
 * Where a medium knows no ctimes the back-off begins when we first see it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"

#define SOONEST 20    /* ms */
#define LATEST  2000  /* ms, while anything waits for another job */
#define IDLE    10000 /* ms */

static int
by_key(const void *a, const void *b)
{
	uint64_t x = ((const struct waiting *)a)->key;
	uint64_t y = ((const struct waiting *)b)->key;

	return x < y ? -1 : x > y;
}

/* Read what an order waits for.  False: it was ended, or is no longer there. */
static bool
learn(struct sp_keep *k, const struct sp_name *name, const char *file,
    int64_t server, struct waiting *w)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	struct sp_job job = { 0 };
	enum sp_status s;
	struct stat st;
	unsigned tries;
	int64_t since;

	s = sp_read(k->sp->dir[SP_DIR_WAITING], file,
	    name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, &text, &st, &err);
	if (s == SP_OK && !name->bundle)
		s = sp_job_parse(text.data, text.len, &job, &err);
	if (s == SP_OK) {
		w->ready = job.not_before;
		since = (int64_t)st.st_ctim.tv_sec * 1000 +
		    st.st_ctim.tv_nsec / 1000000;
		if ((sp_fs_facts(k->sp->root) & SP_FS_FINE_TIMES) == 0)
			since = server;
		/* A bundle comes here when a try to explode it has failed:
		 * two tickets each. */
		tries = name->attempt + (name->bundle ? name->ticket / 2 : 0);
		if (tries > 0) {
			int64_t off = since +
			    (int64_t)(sp_backoff(
					  &k->sp->policy, tries, &name->id) *
				1000);
			if (off > w->ready)
				w->ready = off;
		}
		w->after = job.after; /* taken over */
		w->after_n = job.after_n;
		job.after = NULL;
		job.after_n = 0;
	} else if (s == SP_BAD)
		(void)keep_end(k, SP_WAITING, name, SP_ST_INVALID, err.text);
	else
		keep_trouble("read", s, &err);
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return s == SP_OK;
}

static void
promote(struct sp_keep *k, const struct sp_name *name)
{
	struct sp_err err = { "" };
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(
	    k->sp, SP_STEP_PROMOTE, SP_WAITING, SP_NEW, name, &to, &err);
	keep_trouble("promote", st, &err);
	k->half_now |= st == SP_BAD;
	if (st == SP_OK) {
		(void)sp_move_sync(k->sp, &to.id, SP_NEW, SP_WAITING, NULL);
		sp_info("promote order=%s -> new", name->id.text);
	}
}

/* One waiting order that is not marked.  Returns ms until it is worth another
 * look. */
static int64_t
one(struct sp_keep *k, const struct sp_name *name, struct waiting *w,
    int64_t server)
{
	enum sp_status st;
	char why[128];

	if (w->after_n > 0) {
		st = keep_after(k, w->after, &w->after_n, why);
		if (st == SP_BAD) {
			(void)keep_end(
			    k, SP_WAITING, name, SP_ST_DEPENDENCY, why);
			return IDLE;
		}
		if (st != SP_OK)
			return LATEST;
	}
	if (w->ready > server)
		return w->ready - server;
	promote(k, name);
	return LATEST; /* if it is still here */
}

/* Marks of orders that are over have served. */
static void
spend_marks(struct sp_keep *k, enum sp_dir which, const struct sp_names *ids)
{
	struct sp_id id;
	size_t i;
	int status;

	for (i = 0; i < ids->n; i++)
		if (sp_id_parse(sp_names_at(ids, i), &id) == SP_OK &&
		    sp_find_status(k->sp, &id, &status, NULL) == SP_OK)
			(void)sp_mark_unset(k->sp, which, &id, NULL);
}

/* Go through the listing; fills fresh[] with what is remembered. */
static int64_t
round_of(struct sp_keep *k, const struct sp_names *names,
    const struct keep_marks *marks, int64_t server, struct waiting *fresh,
    size_t *fresh_n)
{
	int64_t next = IDLE, in;
	struct waiting *old, w;
	struct sp_name name;
	const char *file;
	size_t i;

	for (i = 0; i < names->n; i++) {
		file = sp_names_at(names, i);
		if (sp_name_parse(file, &name) != SP_OK ||
		    name.worker[0] != '\0')
			continue;
		if (sp_names_has(&marks->cancel, name.id.text)) {
			(void)keep_end(k, SP_WAITING, &name, SP_ST_CANCELLED,
			    "cancelled before it started");
			continue;
		}
		(void)memset(&w, 0, sizeof w);
		w.key = keep_key(file);
		old = k->wait_n == 0
		    ? NULL
		    : bsearch(&w, k->wait, k->wait_n, sizeof w, by_key);
		if (old != NULL) {
			w = *old;
			old->after = NULL; /* moved over */
			old->after_n = 0;
		} else if (!learn(k, &name, file, server, &w))
			continue;
		if (!sp_names_has(&marks->hold, name.id.text)) {
			in = one(k, &name, &w, server);
			next = in < next ? in : next;
		}
		fresh[(*fresh_n)++] = w;
	}
	return next < SOONEST ? SOONEST : next;
}

int64_t
keep_wait(struct sp_keep *k, int64_t now)
{
	struct waiting *fresh = NULL;
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct keep_marks marks;
	int64_t server, next = LATEST;
	enum sp_status st;
	size_t i, n = 0;

	st = keep_marks(k, &marks);
	if (st == SP_OK)
		st = keep_server_now(k, now, &server);
	if (st == SP_OK)
		st = sp_list(k->sp->dir[SP_DIR_WAITING], false, &names, &err);
	if (st == SP_OK && (fresh = calloc(names.n + 1, sizeof *fresh)) == NULL)
		st = SP_RETRY;
	keep_trouble("list waiting", st, &err);
	if (st == SP_OK) {
		sp_refresh(k->sp, SP_DIR_OUTCOMES);
		next = round_of(k, &names, &marks, server, fresh, &n);
		for (i = 0; i < k->wait_n; i++)
			free(k->wait[i].after);
		free(k->wait);
		qsort(fresh, n, sizeof *fresh, by_key);
		k->wait = fresh;
		k->wait_n = n;
		spend_marks(k, SP_DIR_CANCEL, &marks.cancel);
		spend_marks(k, SP_DIR_HOLD, &marks.hold);
	}
	sp_names_clear(&names);
	keep_marks_clear(&marks);
	return next;
}
