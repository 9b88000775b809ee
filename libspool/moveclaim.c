/*
 * moveclaim.c - a claim of what has just been read, and several claims at once.
 * Each is the same rename as one alone (movestep.c), and what lies under its
 * own new name decides it; over there all of them take no more round trips than
 * one.
 */
#include <stdlib.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/movein.h"

/* What one of them needs. */
struct one {
	struct move_far m;
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
};

static void
begin(const struct sp_spool *sp, struct sp_claiming *c, struct one *one)
{
	c->status = sp_step_name(SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, &c->order,
	    sp->actor, &c->claimed);
	if (c->status != SP_OK)
		return;
	sp_name_print(&c->order, one->src);
	sp_name_print(&c->claimed, one->dst);
	one->m = (struct move_far){ .at = SP_NEW,
		.to = SP_ASSIGNED,
		.id = &c->order.id,
		.src = one->src,
		.dst = one->dst,
		.links = true,
		.text = c->known ? NULL : &c->text,
		.max = SP_JOB_MAX };
}

/* The rename and the look said `st`. */
static enum sp_status
end(const struct sp_spool *sp, struct sp_claiming *c, struct one *one,
    enum sp_status st, struct sp_err *err)
{
	if (st == SP_OK)
		st = move_claimed(one->dst, &one->m.st, err);
	if (st == SP_OK && c->known && one->m.st.st_size != (off_t)c->text.len)
		st = sp_read(sp->dir[SP_DIR_ASSIGNED], one->dst, SP_JOB_MAX,
		    &c->text, &one->m.st, err);
	return st == SP_GONE ? SP_LOST : st;
}

static void
claim_far(const struct sp_spool *sp, struct sp_claiming *all, size_t n,
    struct one *one, struct move_far *m, enum sp_status *st, struct sp_err *err)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		begin(sp, &all[i], &one[i]);
		if (all[i].status == SP_OK)
			m[k++] = one[i].m;
	}
	SP_CRASH_IN("claim", "before");
	move_steps_far(sp, m, k, st, err);
	SP_CRASH_IN("claim", "after");
	for (i = 0, k = 0; i < n; i++)
		if (all[i].status == SP_OK) {
			one[i].m = m[k];
			all[i].status = end(sp, &all[i], &one[i], st[k++], err);
		}
	SP_CRASH("claim.read");
}

void
sp_claim_all(const struct sp_spool *sp, struct sp_claiming *all, size_t n,
    struct sp_err *err)
{
	struct move_far *m = calloc(n + 1, sizeof *m);
	struct one *one = calloc(n + 1, sizeof *one);
	enum sp_status *st = calloc(n + 1, sizeof *st);
	size_t i;

	if (n > 1 && sp_fs_far(sp->root) && m != NULL && one != NULL &&
	    st != NULL)
		claim_far(sp, all, n, one, m, st, err);
	else
		for (i = 0; i < n; i++)
			all[i].status = sp_claim_known(sp, &all[i].order,
			    all[i].known, &all[i].claimed, &all[i].text, err);
	free(st);
	free(one);
	free(m);
}

/* The same file, untouched since? */
static bool
same_is(const struct stat *was, const struct stat *is)
{
	return was->st_ino == is->st_ino && was->st_dev == is->st_dev &&
	    was->st_size == is->st_size &&
	    was->st_mtim.tv_sec == is->st_mtim.tv_sec &&
	    was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

enum sp_status
sp_claim_read(const struct sp_spool *sp, const struct sp_name *order,
    const struct stat *was, struct sp_name *claimed_out, struct sp_buf *text,
    struct sp_err *err)
{
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;

	if (sp_fs_far(sp->root) || was->st_nlink != 1)
		return sp_claim(sp, order, claimed_out, text, err);
	s = sp_step_name(
	    SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, order, sp->actor, claimed_out);
	if (s != SP_OK)
		return sp_err_set(err, s, "no order to claim");
	sp_name_print(order, src);
	sp_name_print(claimed_out, dst);
	SP_CRASH_IN(sp_step_text(SP_STEP_CLAIM), "before");
	s = move_own_look(
	    sp->dir[SP_DIR_NEW], src, sp->dir[SP_DIR_ASSIGNED], dst, &st, err);
	SP_CRASH_IN(sp_step_text(SP_STEP_CLAIM), "after");
	if (s == SP_OK && !same_is(was, &st))
		s = sp_read(sp->dir[SP_DIR_ASSIGNED], dst,
		    order->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, text, &st, err);
	SP_CRASH("claim.read");
	if (s == SP_OK)
		s = move_claimed(dst, &st, err);
	return s == SP_GONE ? SP_LOST : s;
}
