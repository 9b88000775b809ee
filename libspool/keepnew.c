/*
 * keepnew.c - the keeper's look at new/: admit drops, explode bundles, refuse
 * what is no valid job, put aside what has to wait, honour marks.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"

#define YOUNG_MS 250   /* a drop is not whole yet */
#define LOCAL_MS 30000 /* inotify tells the rest */
#define SLICE_MS 200   /* then beat and index have their turn */

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
seen_is(const struct sp_keep *k, uint64_t key)
{
	return k->seen_n > 0 &&
	    bsearch(&key, k->seen, k->seen_n, sizeof key, by_value) != NULL;
}

static void
hold(struct sp_keep *k, const struct sp_name *name, const char *why)
{
	struct sp_err err = { "" };
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(
	    k->sp, SP_STEP_HOLD, SP_NEW, SP_WAITING, name, &to, &err);
	keep_trouble("hold", st, &err);
	k->half_now |= st == SP_BAD;
	if (st == SP_OK) {
		(void)sp_move_sync(k->sp, &to.id, SP_WAITING, SP_NEW, NULL);
		sp_info("wait order=%s: %s", name->id.text, why);
		k->due[CHORE_WAIT] = 0;
	}
}

/* A canonical name whose content is no JSON object: while it is young somebody
 * may be writing it there. */
static void
broken(struct sp_keep *k, const struct sp_name *name, const struct stat *st,
    int64_t server, const struct sp_err *why)
{
	char file[SP_NAME_MAX];
	struct sp_err err = { "" };

	if (server - (int64_t)st->st_ctim.tv_sec * 1000 <
	    (int64_t)(k->sp->policy.settle * 1000)) {
		k->due[CHORE_NEW] = 0;
		return;
	}
	sp_name_print(name, file);
	keep_trouble("set aside",
	    sp_set_bad(k->sp, k->sp->dir[SP_DIR_NEW], file, why->text, &err),
	    &err);
}

/* Does what the job says let it stand in new/?  True: yes. */
static bool
ready(struct sp_keep *k, const struct sp_name *name, struct sp_job *job,
    int64_t server)
{
	enum sp_status st;
	char why[128];

	if (job->not_before > server) {
		hold(k, name, "not before its time");
		return false;
	}
	if (job->after_n == 0)
		return true;
	st = keep_after(k, job->after, &job->after_n, why);
	if (st == SP_BAD)
		(void)keep_end(k, SP_NEW, name, SP_ST_DEPENDENCY, why);
	else if (st == SP_GONE)
		hold(k, name, "its dependencies have not succeeded yet");
	return st == SP_OK;
}

/* Look into an order once.  True: it is in order and need not be read again. */
static bool
examine(struct sp_keep *k, const struct sp_name *name, int64_t server)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	struct sp_job job;
	enum sp_status s;
	struct stat st;
	bool fine = false;

	sp_name_print(name, file);
	s = sp_read(k->sp->dir[SP_DIR_NEW], file, SP_JOB_MAX, &text, &st, &err);
	if (s == SP_OK && st.st_nlink > 1) {
		k->half_now = true;
	} else if (s == SP_OK) {
		s = sp_job_parse(text.data, text.len, &job, &err);
		if (s == SP_OK)
			fine = ready(k, name, &job, server);
		else if (s == SP_BAD && job.object)
			(void)keep_end(
			    k, SP_NEW, name, SP_ST_INVALID, err.text);
		else if (s == SP_BAD)
			broken(k, name, &st, server, &err);
		sp_job_clear(&job);
	} else if (s == SP_BAD) {
		if (sp_fs_lstat(k->sp->dir[SP_DIR_NEW], file, &st) == 0)
			broken(k, name, &st, server, &err);
	} else /* also what we may not read: others may */
		keep_trouble("read", s, &err);
	sp_buf_clear(&text);
	return fine;
}

static bool
marked(struct sp_keep *k, const struct sp_name *name,
    const struct keep_marks *marks)
{
	if (sp_names_has(&marks->cancel, name->id.text)) {
		(void)keep_end(k, SP_NEW, name, SP_ST_CANCELLED,
		    "cancelled before it started");
		return true;
	}
	if (sp_names_has(&marks->hold, name->id.text)) {
		hold(k, name, "on hold");
		return true;
	}
	return false;
}

/* For an entry that was seen: so it is the name of an order. */
static bool
marks_has(const struct keep_marks *marks, const char *entry)
{
	char id[SP_ID_LEN + 1] = "";

	if (marks->hold.n == 0 && marks->cancel.n == 0)
		return false;
	(void)memcpy(id, entry + 3, SP_ID_LEN);
	return sp_names_has(&marks->hold, id) ||
	    sp_names_has(&marks->cancel, id);
}

/* One entry of new/.  Returns true when its key may be remembered; *young when
 * it must be looked at again soon. */
static bool
one(struct sp_keep *k, const char *entry, const struct keep_marks *marks,
    int64_t server, bool *young, bool *admitted)
{
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_drop kind;
	enum sp_status st;

	kind = sp_drop_kind(entry, &name);
	if (kind == SP_DROP_IGNORE)
		return false;
	if (kind != SP_DROP_ORDER) {
		st = sp_admit(k->sp, entry, kind, server, &name, &err);
		if (st == SP_RETRY)
			*young = true;
		if (err.text[0] != '\0')
			keep_trouble("admit", st, &err);
		*admitted |= st == SP_OK;
		if (st != SP_OK || name.ticket == 0)
			return false;
		if (!name.bundle)
			(void)examine(k, &name, server);
	} else if (marked(k, &name, marks))
		return false;
	if (name.bundle) {
		st = sp_bundle_explode(k->sp, &name, &err);
		keep_trouble("explode", st, &err);
		k->due[CHORE_NEW] = 0; /* its lines are new */
		return false;
	}
	return kind == SP_DROP_ORDER &&
	    (seen_is(k, keep_key(entry)) || examine(k, &name, server));
}

/* Go through the listing for a slice of time; what was seen before needs none.
 * Returns false when there is more to do. */
static bool
slice(struct sp_keep *k, const struct sp_names *names,
    const struct keep_marks *marks, int64_t server, int64_t until,
    uint64_t *seen, size_t *n, bool *young)
{
	struct sp_err err = { "" };
	bool admitted = false, all = true;
	const char *entry;
	uint64_t key;
	size_t i;

	for (i = 0; i < names->n; i++) {
		sp_alive(k->sp);
		entry = sp_names_at(names, i);
		key = keep_key(entry);
		/* The long queue costs none of it, for what stands behind it
		 * must have its turn. */
		if (seen_is(k, key) && !marks_has(marks, entry)) {
			seen[(*n)++] = key;
		} else if (sp_mono_ms() < until) {
			if (one(k, entry, marks, server, young, &admitted))
				seen[(*n)++] = key;
		} else if (sp_drop_kind(entry, NULL) != SP_DROP_IGNORE)
			all = false;
	}
	if (admitted)
		keep_trouble("admit",
		    sp_sync(k->sp->dir[SP_DIR_NEW], "new", &err), &err);
	return all;
}

int64_t
keep_new(struct sp_keep *k, int64_t now)
{
	struct sp_names names = { 0 };
	struct keep_marks marks;
	struct sp_err err = { "" };
	bool young = false, all = true, again;
	uint64_t *seen = NULL;
	enum sp_status st;
	int64_t server, began = sp_mono_ms(), listed, until;
	size_t n = 0;

	k->due[CHORE_NEW] = now + 1;
	st = keep_marks(k, &marks);
	if (st == SP_OK)
		st = keep_server_now(k, now, &server);
	if (st == SP_OK)
		st = sp_list(k->sp->dir[SP_DIR_NEW], false, &names, &err);
	if (st == SP_OK &&
	    (seen = malloc((names.n + 1) * sizeof *seen)) == NULL)
		st = SP_RETRY;
	keep_trouble("list new", st, &err);
	if (st == SP_OK) {
		listed = sp_mono_ms();
		/* Half of the time at least is for the entries. */
		until = listed +
		    (listed - began > SLICE_MS ? listed - began : SLICE_MS);
		all = slice(k, &names, &marks, server, until, seen, &n, &young);
		qsort(seen, n, sizeof *seen, by_value);
		free(k->seen);
		k->seen = seen;
		k->seen_n = n;
	}
	sp_names_clear(&names);
	keep_marks_clear(&marks);
	again = k->due[CHORE_NEW] == 0;
	if (!all)
		return 1;
	if (st != SP_OK || young || again)
		return YOUNG_MS;
	return k->sp->local ? LOCAL_MS : (int64_t)(k->sp->policy.poll * 1000);
}
