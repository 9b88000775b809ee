/*
 * oracle.c - the three promises, held against the server's directories alone,
 * after every change of a name and after every loss of power.
 *
 * A job carries a number, "k", by which it is known wherever its file goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/name.h"
#include "tests/model/world.h"

#define IDS 8

struct record {
	bool accepted; /* for good */
	bool raw;      /* it has just left its raw name */
	int admits;    /* the slot that has just admitted it, + 1 */
	bool seen;     /* it stood somewhere as an order */
	int places;    /* new, waiting, assigned, done, failed */
	int over;      /* of these done and failed */
	int ids;
	char id[IDS][SP_ID_LEN + 1];
	/* The outcome that anybody could have read. */
	bool published, there;
	char said_id[SP_ID_LEN + 1];
	uint64_t said;
	/* What its worker was promised. */
	bool told;
	uint64_t told_said;
	char where[SP_NAME_MAX + 32];
};

static struct record record[ORDERS_MOST];
/* Stages of bundles that are in done/: what lies there is on its way. */
static char stages[ORDERS_MOST][SP_NAME_MAX + 2];
static size_t stages_n;
static int touched[ORDERS_MOST], touched_n;

enum place {
	NOWHERE,
	LIVES,
	OVER,
	OUTCOMES,
	BAD,
	STAGE
};

static uint64_t
hash(const char *text, size_t len)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return h;
}

void
oracle_init(void)
{
	(void)memset(record, 0, sizeof record);
	stages_n = 0;
	touched_n = 0;
}

static enum place
place_of(const struct inode *dir)
{
	const struct inode *up = dir->up;

	if (up == NULL)
		return NOWHERE;
	if (up->up == NULL) {
		if (strcmp(dir->name, "new") == 0 ||
		    strcmp(dir->name, "waiting") == 0 ||
		    strcmp(dir->name, "assigned") == 0)
			return LIVES;
		if (strcmp(dir->name, "outcomes") == 0)
			return OUTCOMES;
		return strcmp(dir->name, "bad") == 0 ? BAD : NOWHERE;
	}
	if (up->up->up == NULL && strcmp(up->name, "tmp") == 0)
		return STAGE;
	if (up->up->up == NULL &&
	    (strcmp(up->name, "done") == 0 || strcmp(up->name, "failed") == 0))
		return OVER;
	return NOWHERE;
}

static int
key_of(struct inode *i)
{
	const char *at;

	if (i->key >= 0 || i->dir || i->len == 0)
		return i->key;
	at = i->len < 5 ? NULL : memmem(i->data, i->len, "\"k\":", 4);
	if (at != NULL && at + 4 < i->data + i->len)
		i->key = atoi(at + 4) % ORDERS_MOST;
	return i->key;
}

static struct record *
by_id(const char *id)
{
	int k, n;

	for (k = 0; k < ORDERS_MOST; k++)
		for (n = 0; n < record[k].ids; n++)
			if (memcmp(record[k].id[n], id, SP_ID_LEN) == 0)
				return &record[k];
	return NULL;
}

static void
knows_id(struct record *r, const char *id)
{
	int n;

	for (n = 0; n < r->ids; n++)
		if (memcmp(r->id[n], id, SP_ID_LEN) == 0)
			return;
	if (r->ids == IDS)
		return;
	(void)memcpy(r->id[r->ids], id, SP_ID_LEN);
	r->id[r->ids++][SP_ID_LEN] = '\0';
}

static void
touch(const struct record *r)
{
	if (touched_n < ORDERS_MOST)
		touched[touched_n++] = (int)(r - record);
}

/* ---- bundles ---- */

/* Of each line of a bundle, or of the one job; -1 behind the last. */
#define KEYS 16

static void
keys_of(const struct inode *i, int keys[KEYS])
{
	const char *at = i->data, *end = at + i->len;
	int n = 0;

	while (!i->dir && at != NULL && n < KEYS - 1 &&
	    (at = memmem(at, (size_t)(end - at), "\"k\":", 4)) != NULL) {
		at += 4;
		keys[n++] = atoi(at) % ORDERS_MOST;
	}
	keys[n] = -1;
}

static bool
holds_key(const struct inode *i, int key)
{
	int keys[KEYS], n;

	keys_of(i, keys);
	for (n = 0; keys[n] != -1; n++)
		if (keys[n] == key)
			return true;
	return false;
}

static void
bundle_entry(enum place place, const struct inode *dir, const char *name,
    const struct inode *to, bool comes)
{
	struct sp_name parsed;
	int keys[KEYS], n;

	keys_of(to, keys);
	if (place == OVER && comes && strcmp(dir->up->name, "done") == 0 &&
	    sp_name_parse(name, &parsed) == SP_OK && stages_n < ORDERS_MOST) {
		sp_attempt_print(&parsed, stages[stages_n]);
		(void)strcat(stages[stages_n++], ".d");
	}
	for (n = 0; keys[n] != -1; n++) {
		if (place == LIVES)
			record[keys[n]].places += comes ? 1 : -1;
		touch(&record[keys[n]]);
	}
}

/* Wherever it is: by itself, in a bundle, or staged by a bundle's commit.  What
 * is staged has no text yet when its name is made; a stage that was removed
 * comes back by a power cut alone, and then all are reckoned anew. */
static int
places(const struct record *r)
{
	const struct inode *dir, *tmp = disk_find(W->disk.root, "tmp");
	int n = r->places, key = (int)(r - record);
	size_t i, k = 0;

	while (tmp != NULL && k < stages_n) {
		if ((dir = disk_find(tmp, stages[k])) == NULL) {
			(void)memmove(
			    stages[k], stages[--stages_n], sizeof stages[k]);
			continue;
		}
		for (i = 0; i < dir->live.n; i++)
			n += holds_key(dir->live.at[i].to, key);
		k++;
	}
	return n;
}

/* ---- names come and go ---- */

/* From whom?  Who beats all the time has it taken from him by nobody. */
static void
taken(const struct record *r, const struct sp_name *name)
{
	const struct slot *s;
	int i;

	for (i = 0; i < W->n; i++) {
		s = &W->slot[i];
		if (W->me != NULL && s != W->me && s->up && !s->dead &&
		    !s->gap && strcmp(s->actor, name->worker) == 0 &&
		    W->now - s->beat < 10000000 && W->now - s->born > 0)
			world_fail("job %d was taken from a living worker",
			    (int)(r - record));
	}
}

/* The text of what has a canonical name must last.  A job here ends in two
 * braces; the lines of a bundle in a newline each, which theirs lose. */
static bool
text_ok(const struct inode *i, const char *name)
{
	size_t n = i->len;

	if (n > 0 && i->data[n - 1] == '\n')
		n--;
	else if (strstr(name, ".jsonl") != NULL)
		return false;
	return n > 9 && memcmp(i->data + n - 2, "}}", 2) == 0 &&
	    memmem(i->data, n, "\"k\":", 4) != NULL;
}

static void
order_entry(enum place place, const struct inode *dir, const char *name,
    struct inode *to, bool comes)
{
	struct sp_name parsed;
	struct record *r;
	int key = key_of(to);

	if (key < 0 || name[0] == '.')
		return;
	if (strlen(name) > 6 &&
	    strcmp(name + strlen(name) - 6, ".jsonl") == 0) {
		bundle_entry(place, dir, name, to, comes);
		return;
	}
	r = &record[key];
	if (sp_name_parse(name, &parsed) == SP_OK) {
		if (comes) {
			knows_id(r, parsed.id.text);
			/* What was written at the server itself and not synced
			 * no client can sync. */
			if (r->raw && W->me != NULL &&
			    (W->me->host == 0 ||
				(!to->dirty && text_ok(to, name))))
				r->admits = W->me->n + 1;
			r->raw = false;
		} else if (strcmp(dir->name, "assigned") == 0)
			taken(r, &parsed);
	} else if (strcmp(dir->name, "new") != 0)
		return; /* a drop is at home there and nowhere else */
	else
		r->raw = !comes; /* its canonical name comes next */
	if (comes) {
		r->seen = true;
		(void)snprintf(r->where, sizeof r->where, "%s/%s",
		    place == OVER ? dir->up->name : dir->name, name);
	}
	r->places += comes ? 1 : -1;
	if (place == OVER)
		r->over += comes ? 1 : -1;
	touch(r);
}

static void
outcome_entry(const char *name, const struct inode *to, bool comes)
{
	struct record *r;
	uint64_t says;

	if (strlen(name) != SP_ID_LEN + 5 || name[0] == '.' ||
	    (r = by_id(name)) == NULL)
		return;
	r->there = comes;
	touch(r);
	if (!comes)
		return;
	says = hash(to->data, to->len);
	if (r->published &&
	    (r->said != says || memcmp(r->said_id, name, SP_ID_LEN) != 0))
		world_fail("two outcomes for job %d: %s, then %.27s",
		    (int)(r - record), r->said_id, name);
	r->published = true;
	r->said = says;
	(void)memcpy(r->said_id, name, SP_ID_LEN);
	if (r->told && r->told_said != says)
		world_fail("job %d: its worker was told that its outcome "
			   "counts; another one does",
		    (int)(r - record));
}

void
oracle_entry(void *arg, struct inode *dir, const char *name, struct inode *to,
    bool comes)
{
	enum place place = place_of(dir);
	int key;

	(void)arg;
	switch (place) {
	case LIVES:
	case OVER:
		order_entry(place, dir, name, to, comes);
		break;
	case OUTCOMES:
		outcome_entry(name, to, comes);
		break;
	case BAD:
		if (comes && (key = key_of(to)) >= 0 && text_ok(to, name))
			world_fail(
			    "job %d is in order and in bad/ as %s", key, name);
		break;
	case STAGE: {
		int keys[KEYS];

		keys_of(to, keys);
		for (key = 0; keys[key] != -1; key++)
			touch(&record[keys[key]]);
		break;
	}
	case NOWHERE:
		break;
	}
}

/* ---- the promises ---- */

static void
hold(const struct record *r, const char *when)
{
	int k = (int)(r - record);

	if (places(r) > 1)
		world_fail("%s job %d has %d names, the last %s", when, k,
		    places(r), r->where);
	if (r->accepted && places(r) == 0)
		world_fail("%s job %d was accepted and is lost; it was %s",
		    when, k, r->where);
	if (r->published && r->over != 1)
		world_fail("%s job %d has a published outcome and is not over",
		    when, k);
	if (r->told && r->over != 1)
		world_fail(
		    "%s job %d: its worker was told that it is over", when, k);
}

void
oracle_stepped(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < touched_n; i++) {
		const struct record *r = &record[touched[i]];

		if (r->published && !r->there)
			world_fail(
			    "the outcome of job %d was taken away", touched[i]);
		hold(r, "after a step");
	}
	touched_n = 0;
}

static void
count(struct inode *dir)
{
	struct sp_name name;
	size_t i;

	for (i = 0; i < dir->live.n; i++) {
		struct dent *e = &dir->live.at[i];

		if (e->to->dir)
			count(e->to);
		else {
			oracle_entry(NULL, dir, e->name, e->to, true);
			if (place_of(dir) == LIVES &&
			    !text_ok(e->to, e->name) &&
			    sp_name_parse(e->name, &name) == SP_OK)
				world_fail("after a power cut %s has lost its "
					   "text",
				    e->name);
		}
	}
}

void
oracle_cut(void)
{
	int k;

	stages_n = 0;
	for (k = 0; k < ORDERS_MOST; k++) {
		record[k].places = record[k].over = 0;
		record[k].there = false;
	}
	count(W->disk.root);
	touched_n = 0;
	for (k = 0; k < ORDERS_MOST; k++)
		hold(&record[k], "after a power cut");
}

void
oracle_admitted(void)
{
	int k;

	for (k = 0; k < ORDERS_MOST; k++)
		if (record[k].admits == W->me->n + 1) {
			record[k].admits = 0;
			if (!W->me->dead && !W->me->unsynced &&
			    record[k].places == 1)
				record[k].accepted = true;
		}
}

void
oracle_accepted(int key, const char *id)
{
	record[key].accepted = true;
	if (id != NULL)
		knows_id(&record[key], id);
	hold(&record[key], "when it was accepted,");
}

void
oracle_told(const char *id, const char *text, size_t len)
{
	struct record *r = by_id(id);
	uint64_t says = hash(text, len);

	if (r == NULL) {
		world_fail("committed what was never there: %s", id);
		return;
	}
	if (r->told && r->told_said != says)
		world_fail("job %d: two workers were told that theirs counts",
		    (int)(r - record));
	r->told = true;
	r->told_said = says;
	if (!r->published || !r->there)
		world_fail("job %d: its worker was told that it is over, and "
			   "there is no outcome",
		    (int)(r - record));
	else if (r->said != says)
		world_fail("job %d: its worker was told that its outcome "
			   "counts; another one does",
		    (int)(r - record));
	hold(r, "when its worker was told,");
}

/* ---- the end ---- */

static bool
settled(const struct record *r)
{
	if (!r->accepted && places(r) == 0)
		return true;
	return r->places == 1 && r->over == 1 && r->published && r->there;
}

bool
oracle_over(void)
{
	int i;

	for (i = 0; i < W->n; i++)
		if (!W->slot[i].off && W->slot[i].wake != INT64_MAX &&
		    (W->slot[i].role == SUBMITTER ||
			W->slot[i].role == DROPPER))
			return false;
	for (i = 0; i < ORDERS_MOST; i++)
		if (!settled(&record[i]))
			return false;
	return W->late_n == 0;
}

void
oracle_left(char *out, size_t size)
{
	size_t at = 0;
	int k;

	out[0] = '\0';
	for (k = 0; k < ORDERS_MOST && at + 1 < size; k++)
		if (!settled(&record[k]))
			at += (size_t)snprintf(out + at, size - at,
			    "job %d (%s%s%s%s) ", k,
			    record[k].accepted ? "" : "not accepted, ",
			    places(&record[k]) == 0 ? "nowhere"
						    : record[k].where,
			    record[k].published ? ", published" : "",
			    record[k].there ? "" : ", no outcome");
}

void
oracle_end(void)
{
	int k;

	for (k = 0; k < ORDERS_MOST; k++)
		hold(&record[k], "at the end");
}

int
oracle_orders(void)
{
	int k, n = 0;

	for (k = 0; k < ORDERS_MOST; k++)
		n += record[k].accepted || record[k].seen;
	return n;
}
