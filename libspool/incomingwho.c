/*
 * incomingwho.c - whose drops are, and how many of his may wait at once
 * (ownerJobs, ownerBytes in spool.json).
 *
 * No name says whose an order is, so nobody can count by listing.  What came in
 * is written down, an id and how many follow it, in answers/UID/.book; only
 * when that comes to more than is allowed are new/ and waiting/ listed, and
 * what no longer stands there is crossed out.  The book is a hint: without it
 * somebody may have more in the queue for a while.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incomingin.h"
#include "libspool/json.h"
#include "libspool/owner.h"

#define BOOK     ".book"
#define BOOK_MAX (8 * 1024 * 1024)
#define IDS_MS   1000 /* a listing of the queue is good for so long */

/* ---- who ---- */

static void
name_of(uint32_t uid, char user_out[SP_OWNER_MAX + 1])
{
	struct passwd pw, *found = NULL;
	char text[16384];

	user_out[0] = '\0';
	if (getpwuid_r(uid, &pw, text, sizeof text, &found) == 0 &&
	    found != NULL && sp_owner_name_ok(found->pw_name))
		(void)strcpy(user_out, found->pw_name);
}

enum sp_status
incoming_whose(struct sp_incoming *in, uint32_t uid, size_t *owner_out)
{
	struct incoming_owner *more;
	size_t i;

	for (i = 0; i < in->owners; i++)
		if (in->owner[i].uid == uid) {
			*owner_out = i;
			return SP_OK;
		}
	more = realloc(in->owner, (in->owners + 1) * sizeof *more);
	if (more == NULL)
		return SP_RETRY;
	in->owner = more;
	(void)memset(&more[i], 0, sizeof more[i]);
	more[i].uid = uid;
	name_of(uid, more[i].user);
	*owner_out = in->owners++;
	return SP_OK;
}

void
incoming_owners_clear(struct sp_incoming *in)
{
	size_t i;

	for (i = 0; i < in->owners; i++)
		free(in->owner[i].kept);
	free(in->owner);
	in->owner = NULL;
	in->owners = 0;
}

/* ---- his book ---- */

static bool
keep(struct incoming_owner *o, const struct incoming_kept *one)
{
	size_t cap = o->cap == 0 ? 64 : o->cap * 2;
	struct incoming_kept *more;

	if (o->n == o->cap) {
		if ((more = realloc(o->kept, cap * sizeof *more)) == NULL)
			return false;
		o->kept = more;
		o->cap = cap;
	}
	o->kept[o->n++] = *one;
	o->jobs += one->jobs;
	o->bytes += (uint64_t)one->bytes;
	return true;
}

static void
book_read(struct sp_incoming *in, struct incoming_owner *o)
{
	struct sp_buf text = SP_BUF_INIT(BOOK_MAX);
	struct incoming_kept one;
	char id[SP_ID_LEN + 1];
	const char *at, *nl;
	struct stat st;
	int dir;

	if (o->read)
		return;
	o->read = true;
	if ((dir = incoming_room(in, o->uid)) == -1)
		return;
	if (sp_read(dir, BOOK, BOOK_MAX, &text, &st, NULL) == SP_OK)
		for (at = sp_buf_text(&text); (nl = strchr(at, '\n')) != NULL;
		     at = nl + 1)
			if (sscanf(at, "%27s %u %u %ld", id, &one.span,
				&one.jobs, &one.bytes) == 4 &&
			    sp_id_parse(id, &one.id) == SP_OK && one.bytes >= 0)
				(void)keep(o, &one);
	sp_buf_clear(&text);
	(void)sp_fs_close(dir);
}

static void
book_write(struct sp_incoming *in, const struct incoming_owner *o)
{
	struct sp_buf text = SP_BUF_INIT(BOOK_MAX);
	size_t i;
	int dir;

	for (i = 0; i < o->n; i++)
		sp_buf_printf(&text, "%s %u %u %ld\n", o->kept[i].id.text,
		    o->kept[i].span, o->kept[i].jobs, (long)o->kept[i].bytes);
	dir = incoming_room(in, o->uid);
	if (dir != -1 && !text.failed)
		(void)sp_publish(in->sp, dir, BOOK, text.data, text.len,
		    SP_PUB_REPLACE | SP_PUB_LAZY, NULL);
	if (dir != -1)
		(void)sp_fs_close(dir);
	sp_buf_clear(&text);
}

/* ---- what of it waits ---- */

static bool
one_id(void *arg, const char *name, const struct stat *st)
{
	struct sp_names *ids = arg;
	char id[SP_ID_LEN + 2];
	struct sp_name is;

	(void)st;
	if (sp_name_parse(name, &is) != SP_OK)
		return true;
	(void)snprintf(id, sizeof id, "%s%s", is.id.text, is.bundle ? "*" : "");
	return sp_names_add(ids, id) == SP_OK;
}

static bool
ids_list(struct sp_incoming *in)
{
	int64_t now = sp_mono_ms();

	if (in->ids_at != 0 && now - in->ids_at < IDS_MS)
		return true;
	in->ids.n = in->ids.len = 0;
	in->ids_at = 0;
	if (sp_fs_list(in->sp->dir[SP_DIR_NEW], ".", one_id, &in->ids) == -1 ||
	    sp_fs_list(in->sp->dir[SP_DIR_WAITING], ".", one_id, &in->ids) ==
		-1)
		return false;
	sp_names_sort(&in->ids);
	in->ids_at = sp_mono_ms();
	return true;
}

/* How many jobs of this one stand in the queue?  Its ids are one after the
 * other; as long as one of its bundles is there, all do. */
static unsigned
waiting(const struct sp_incoming *in, const struct incoming_kept *k)
{
	size_t lo = 0, hi = in->ids.n, mid;
	unsigned n = 0;
	struct sp_id last;
	const char *id;

	sp_id_make(sp_id_ms(&k->id), sp_id_bits(&k->id) + k->span, &last);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(sp_names_at(&in->ids, mid), k->id.text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < in->ids.n && n < k->jobs; lo++) {
		id = sp_names_at(&in->ids, lo);
		if (strncmp(id, last.text, SP_ID_LEN) > 0)
			break;
		if (id[SP_ID_LEN] == '*')
			return k->jobs;
		n++;
	}
	return n;
}

static void
count_anew(struct sp_incoming *in, struct incoming_owner *o)
{
	size_t i, n = 0;
	unsigned jobs;

	if (!ids_list(in))
		return;
	o->jobs = o->bytes = 0;
	for (i = 0; i < o->n; i++) {
		struct incoming_kept *k = &o->kept[i];

		if ((jobs = waiting(in, k)) == 0)
			continue;
		k->bytes = k->bytes / (k->jobs > 0 ? k->jobs : 1) * jobs;
		k->jobs = jobs;
		o->jobs += jobs;
		o->bytes += (uint64_t)k->bytes;
		o->kept[n++] = *k;
	}
	if (n != o->n) {
		o->n = n;
		book_write(in, o);
	}
}

/* Those of this group are not in the book yet. */
static void
add_group(
    const struct sp_incoming *in, size_t owner, uint64_t *jobs, uint64_t *bytes)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		if (in->drop[i].owner == owner) {
			*jobs += in->drop[i].jobs;
			*bytes += in->drop[i].text.len;
		}
}

static bool
fits(const struct sp_incoming *in, size_t owner, unsigned jobs, int64_t size)
{
	const struct sp_policy *p = &in->sp->policy;
	uint64_t n = in->owner[owner].jobs + jobs;
	uint64_t bytes = in->owner[owner].bytes + (uint64_t)size;

	add_group(in, owner, &n, &bytes);
	return (p->owner_jobs == 0 || n <= (uint64_t)p->owner_jobs) &&
	    (!(p->owner_bytes > 0) || (double)bytes <= p->owner_bytes);
}

enum sp_status
incoming_may(struct sp_incoming *in, size_t owner, unsigned jobs, int64_t bytes,
    struct sp_err *err)
{
	const struct sp_policy *p = &in->sp->policy;
	struct incoming_owner *o = &in->owner[owner];

	if (p->owner_jobs == 0 && !(p->owner_bytes > 0))
		return SP_OK;
	if (p->owner_jobs > 0 && jobs > (unsigned)p->owner_jobs)
		return sp_err_set(err, SP_BAD,
		    "%u jobs are more than the %d that one user may have in "
		    "the queue: drop fewer at a time",
		    jobs, p->owner_jobs);
	if (p->owner_bytes > 0 && (double)bytes > p->owner_bytes)
		return sp_err_set(err, SP_BAD,
		    "%lld bytes are more than the %.0f that one user may have "
		    "in the queue",
		    (long long)bytes, p->owner_bytes);
	book_read(in, o);
	if (fits(in, owner, jobs, bytes))
		return SP_OK;
	count_anew(in, o);
	if (fits(in, owner, jobs, bytes))
		return SP_OK;
	return sp_err_set(err, SP_LOST,
	    "you have %llu jobs of %llu bytes in the queue, and may have %d "
	    "(0: any number) of %.0f bytes: it waits here until some of them "
	    "have started",
	    (unsigned long long)o->jobs, (unsigned long long)o->bytes,
	    p->owner_jobs, p->owner_bytes);
}

void
incoming_count(struct sp_incoming *in, const struct incoming_drop *drop,
    const struct sp_id *id)
{
	const struct sp_policy *p = &in->sp->policy;
	struct incoming_owner *o = &in->owner[drop->owner];
	struct incoming_kept one = { .id = *id,
		.span = drop->span,
		.jobs = drop->jobs,
		.bytes = (int64_t)drop->text.len };

	if (p->owner_jobs == 0 && !(p->owner_bytes > 0))
		return;
	if (keep(o, &one))
		book_write(in, o);
}
