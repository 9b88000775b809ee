/*
 * cast.c - the actors: what spoold, workerd, `spool submit` and people with cp
 * do with libspool, and no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/keep.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/ready.h"
#include "libspool/submit.h"
#include "tests/model/cast.h"

/* As a program does it at its start, until it works. */
static bool
opened(struct sp_spool *sp, const char *base)
{
	struct sp_err err = { "" };

	while (!world_dead()) {
		int root = mount_root();

		if (root != -1 &&
		    sp_spool_open_at(root, "/spool", base, sp, &err) == SP_OK) {
			(void)strcpy(W->me->actor, sp->actor);
			W->me->beat = W->now;
			return true;
		}
		world_sleep(500);
	}
	return false;
}

/* after: NULL, or the order that it waits for. */
static void
job_print(int key, const char *after, char out[200])
{
	(void)snprintf(out, 200,
	    "{\"scriptName\": \"a.py\", \"k\":%d, \"order\": "
	    "{\"attempts\": %d%s%s%s}}\n",
	    key, key % 5 == 0 ? 2 : 9, after == NULL ? "" : ", \"after\": \"",
	    after == NULL ? "" : after, after == NULL ? "" : "\"");
}

/* ---- who brings orders ---- */

/* Orders are dealt out to those who bring them. */
static bool
mine(int key)
{
	int i, n = 0, at = 0;

	for (i = 0; i < W->n; i++)
		if (W->plan->slot[i].role == SUBMITTER ||
		    W->plan->slot[i].role == DROPPER) {
			if (i == W->me->n)
				at = n;
			n++;
		}
	return key / 4 % n == at;
}

/* The first that it has not tried: what was tried and not accepted may have
 * happened all the same, so it is not tried again. */
static uint64_t tried;

void
cast_init(void)
{
	tried = 0;
}

static int
next_key(void)
{
	int key;

	for (key = 0; key < W->plan->orders; key++)
		if (mine(key) && (tried >> key & 1) == 0) {
			tried |= (uint64_t)1 << key;
			return key;
		}
	return -1;
}

static void
submitter(struct sp_spool *sp)
{
	char text[3][200], before[SP_ID_LEN + 1] = "";
	int key[3], n, i;

	while (!world_dead()) {
		struct sp_submit group[3];
		struct sp_err err = { "" };

		(void)memset(group, 0, sizeof group);
		for (n = 0; n < 1 + (int)(world_dice() % 3); n++) {
			if ((key[n] = next_key()) == -1)
				break;
			job_print(key[n],
			    key[n] % 6 == 3 && before[0] != '\0' ? before
								 : NULL,
			    text[n]);
			group[n].text = text[n];
			group[n].len = strlen(text[n]);
			group[n].prio = -1;
		}
		if (n == 0)
			return;
		(void)sp_submit(sp, group, (size_t)n, &err);
		for (i = 0; i < n; i++)
			if (group[i].status == SP_OK) {
				oracle_accepted(key[i], group[i].id.text);
				(void)strcpy(before, group[i].id.text);
				world_trace("ACCEPTED %d", key[i]);
			}
		world_sleep(world_dice() % 300);
	}
}

/* Writes beside, renames into place, as an editor or rsync does; some sync. */
static void
dropper(struct sp_spool *sp)
{
	int dir = sp->dir[SP_DIR_NEW], fd, key, n, i;
	char text[5 * 200], part[32], name[32];
	bool ok, syncs;

	while (!world_dead() && (key = next_key()) != -1) {
		job_print(key, NULL, text);
		for (n = 1; key % 4 == 0 && key / 4 % 3 > 0 && n < 4 &&
		     key + n < W->plan->orders && (tried >> (key + n) & 1) == 0;
		     n++) {
			tried |= (uint64_t)1 << (key + n);
			job_print(key + n, NULL, text + strlen(text));
		}
		(void)snprintf(part, sizeof part, ".job%d.part", key);
		(void)snprintf(
		    name, sizeof name, "job%d.json%s", key, n > 1 ? "l" : "");
		syncs = world_dice() % 2;
		fd = openat(dir, part, O_WRONLY | O_CREAT | O_EXCL, 0666);
		ok = fd != -1 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		    (!syncs || fsync(fd) == 0);
		if (fd != -1)
			ok = close(fd) == 0 && ok;
		if (ok && renameat(dir, part, dir, name) == 0 && syncs &&
		    fsync(dir) == 0 && !world_dead())
			for (i = 0; i < n; i++) {
				oracle_accepted(key + i, NULL);
				world_trace("DROPPED %d", key + i);
			}
		world_sleep(world_dice() % 300);
	}
}

/* Changes its mind: cancels some, and holds some for a while. */
static void
canceller(struct sp_spool *sp)
{
	static const enum sp_dir where[] = { SP_DIR_NEW, SP_DIR_WAITING,
		SP_DIR_ASSIGNED };
	struct sp_names names = { 0 };
	struct sp_name name;
	struct sp_id id;
	size_t i;

	while (!world_dead()) {
		if (sp_mark_list(sp, SP_DIR_HOLD, &names, NULL) == SP_OK)
			for (i = 0; i < names.n; i++)
				if (sp_id_parse(sp_names_at(&names, i), &id) ==
				    SP_OK)
					(void)sp_mark_unset(
					    sp, SP_DIR_HOLD, &id, NULL);
		if (!W->calm &&
		    sp_list(sp->dir[where[world_dice() % 3]], false, &names,
			NULL) == SP_OK &&
		    names.n > 0 &&
		    sp_name_parse(sp_names_at(&names, world_dice() % names.n),
			&name) == SP_OK &&
		    !name.bundle)
			(void)sp_mark_set(sp,
			    world_dice() % 2 ? SP_DIR_HOLD : SP_DIR_CANCEL,
			    &name.id, NULL);
		sp_names_clear(&names);
		world_sleep(100 + world_dice() % 1000);
	}
}

/* ---- workers ---- */

#define RUNS 4

struct run {
	bool on, ended, good, cancelled;
	struct sp_name name;
	char file[SP_NAME_MAX];
	int64_t ends;
	int missing, key;
	struct sp_buf outcome;
};

struct worker {
	struct sp_spool *sp;
	struct sp_keep *keep;
	struct sp_ready ready;
	struct sp_window window;
	struct run run[RUNS];
	int64_t beat_due, keep_due, look_due;
	int64_t count;
};

static void
beat(struct worker *w, const char *role)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	char running[RUNS][SP_NAME_MAX], file[SP_WORKER_MAX + 8];
	struct sp_beat b = { .slots = RUNS, .count = ++w->count };
	int i;

	sp_beat_self(&b);
	(void)strcpy(b.worker, w->sp->actor);
	(void)strcpy(b.role, role);
	(void)strcpy(b.state, "busy");
	b.running = running;
	for (i = 0; i < RUNS; i++)
		if (w->run[i].on)
			(void)strcpy(running[b.running_n++], w->run[i].file);
	sp_beat_print(&b, &text);
	(void)snprintf(file, sizeof file, "%s.json", w->sp->actor);
	if (sp_publish(w->sp, w->sp->dir[SP_DIR_WORKERS], file, text.data,
		text.len, SP_PUB_REPLACE | SP_PUB_LAZY, NULL) == SP_OK) {
		W->me->gap |= W->now - W->me->beat >
		    (int64_t)(w->sp->policy.lease * 500000);
		W->me->beat = W->now;
	}
	sp_buf_clear(&text);
}

static void
run_end(struct run *r)
{
	sp_buf_clear(&r->outcome);
	r->on = false;
}

/* What assigned/ says of us against what we run: given back is what we do not
 * run, forgotten what was taken from us. */
static void
compare(struct worker *w)
{
	struct sp_names names = { 0 }, marks = { 0 };
	struct sp_name name, to;
	size_t n;
	int i;

	if (sp_list(w->sp->dir[SP_DIR_ASSIGNED], false, &names, NULL) !=
	    SP_OK) {
		sp_names_clear(&names);
		return;
	}
	for (n = 0; n < names.n; n++) {
		const char *file = sp_names_at(&names, n);

		if (sp_name_parse(file, &name) != SP_OK ||
		    strcmp(name.worker, w->sp->actor) != 0)
			continue;
		for (i = 0; i < RUNS; i++)
			if (w->run[i].on && strcmp(w->run[i].file, file) == 0)
				break;
		if (i == RUNS &&
		    sp_move_step(w->sp, SP_STEP_RELEASE, SP_ASSIGNED,
			SP_WAITING, &name, &to, NULL) == SP_OK)
			(void)sp_move_sync(
			    w->sp, &name.id, SP_WAITING, SP_ASSIGNED, NULL);
	}
	(void)sp_mark_list(w->sp, SP_DIR_CANCEL, &marks, NULL);
	for (i = 0; i < RUNS; i++)
		if (w->run[i].on && !w->run[i].ended) {
			if (sp_names_has(&marks, w->run[i].name.id.text)) {
				w->run[i].cancelled = true;
				w->run[i].ends = 0;
			}
			if (sp_names_has(&names, w->run[i].file))
				w->run[i].missing = 0;
			else if (w->run[i].missing++ > 0)
				run_end(&w->run[i]);
		}
	sp_names_clear(&names);
	sp_names_clear(&marks);
}

static void
begin(struct run *r, const struct sp_name *claimed, const struct sp_buf *text)
{
	const char *k = strstr(text->data, "\"k\":");

	(void)memset(r, 0, sizeof *r);
	r->on = true;
	r->name = *claimed;
	r->key = k == NULL ? -1 : atoi(k + 4);
	sp_name_print(claimed, r->file);
	sp_buf_init(&r->outcome, SP_OUTCOME_MAX);
	r->ends = sp_mono_ms() +
	    (world_dice() % 16 == 0 ? world_dice() % 30000
				    : world_dice() % 1500);
	world_trace("RUNS %d", r->key);
}

static void
take(struct worker *w)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct sp_name name, claimed;
	enum sp_status st;
	const char *file;
	int i, misses = 0;

	W->me->unsynced = false;
	if (sp_ready_list(&w->ready, &names, &err) == SP_OK) {
		oracle_admitted();
		(void)sp_window_fill(&w->window, &names, 4);
	}
	sp_names_clear(&names);
	for (i = 0; i < RUNS && misses < 6; i++) {
		struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);

		if (w->run[i].on ||
		    (file = sp_window_next(&w->window, sp_dice())) == NULL)
			continue;
		if (sp_name_parse(file, &name) != SP_OK || name.bundle)
			continue;
		st = sp_claim(w->sp, &name, &claimed, &text, &err);
		sp_window_told(&w->window, st == SP_OK);
		if (st == SP_OK)
			begin(&w->run[i], &claimed, &text);
		else {
			misses++;
			i--;
			if (st != SP_LOST)
				w->beat_due = 0;
		}
		sp_buf_clear(&text);
		sp_err_clear(&err);
	}
}

/* Some attempts are worth another one. */
static bool
again(struct worker *w, struct run *r)
{
	enum sp_status st;
	struct sp_name to;

	if (r->cancelled || world_dice() % 12 != 0)
		return false;
	st = sp_move_step(
	    w->sp, SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, &r->name, &to, NULL);
	if (st == SP_OK)
		(void)sp_move_sync(
		    w->sp, &to.id, SP_WAITING, SP_ASSIGNED, NULL);
	if (st == SP_OK || st == SP_LOST)
		run_end(r);
	return true;
}

static void
judge(struct worker *w, struct run *r)
{
	struct sp_run run = { .name = r->name, .exit_code = 0 };
	char script[160];
	int status;

	(void)snprintf(script, sizeof script,
	    "{\"status\": 200, \"k\":%d, \"by\": \"%s\", \"dice\": %u}", r->key,
	    w->sp->actor, world_dice());
	run.cause = world_dice() % 8 == 0 ? SP_CAUSE_EXIT : SP_CAUSE_OK;
	if (r->cancelled)
		run.cause = SP_CAUSE_CANCELLED;
	run.exit_code = run.cause == SP_CAUSE_EXIT;
	if (sp_outcome_make(&run, false, script, strlen(script), NULL,
		&r->outcome, &status) == SP_OK) {
		r->good = sp_status_good_is(status);
		r->ended = true;
	}
}

static void
commit(struct worker *w, int64_t now)
{
	struct sp_ended group[RUNS];
	struct sp_err err = { "" };
	struct run *of[RUNS];
	size_t i, n = 0;
	int k;

	for (k = 0; k < RUNS; k++) {
		struct run *r = &w->run[k];

		if (r->on && !r->ended && r->ends <= now && !again(w, r))
			judge(w, r);
		if (!r->on || !r->ended)
			continue;
		of[n] = r;
		group[n++] = (struct sp_ended){ .name = r->name,
			.text = r->outcome.data,
			.len = r->outcome.len,
			.good = r->good };
	}
	if (n == 0)
		return;
	sp_commit(w->sp, group, n, &err);
	for (i = 0; i < n; i++) {
		world_trace("COMMIT %d: %s", of[i]->key,
		    sp_status_text(group[i].status));
		if (group[i].status == SP_OK && !world_dead())
			oracle_told(
			    of[i]->name.id.text, group[i].text, group[i].len);
		if (group[i].status == SP_OK || group[i].status == SP_LOST)
			run_end(of[i]);
	}
}

static int64_t
keep(struct worker *w, unsigned dirty, int64_t now)
{
	int64_t next;

	W->me->unsynced = false;
	next = sp_keep_tick(w->keep, dirty, now);
	oracle_admitted();
	return next;
}

static void
work(struct worker *w)
{
	int64_t now, next;
	int i;

	now = sp_mono_ms();
	if (now >= w->beat_due) {
		w->beat_due = now + (int64_t)(w->sp->policy.beat * 1000);
		beat(w, "worker");
		compare(w);
	}
	commit(w, now);
	if (now >= w->look_due) {
		w->look_due = now + 200 + world_dice() % 500;
		take(w);
	}
	if (now >= w->keep_due)
		w->keep_due = now + keep(w, 0, now);
	now = sp_mono_ms();
	next = w->look_due < w->beat_due ? w->look_due : w->beat_due;
	for (i = 0; i < RUNS; i++)
		if (w->run[i].on && !w->run[i].ended && w->run[i].ends < next)
			next = w->run[i].ends;
	world_sleep(next > now ? next - now : 1);
}

static void
worker(struct sp_spool *sp, bool spoold)
{
	struct worker w = { .sp = sp };
	int64_t now, next;
	int i;

	if (sp_keep_new(sp, !spoold, &w.keep, NULL) != SP_OK)
		return;
	sp_ready_init(&w.ready, sp);
	sp_window_init(&w.window);
	while (!world_dead()) {
		if (!spoold) {
			work(&w);
			continue;
		}
		now = sp_mono_ms();
		if (now >= w.beat_due) {
			w.beat_due = now + (int64_t)(sp->policy.beat * 1000);
			beat(&w, "spoold");
		}
		/* inotify tells at once, where it reaches. */
		next = keep(&w, sp->local ? SP_DIRTY(SP_DIR_NEW) : 0, now);
		world_sleep(next < 700 ? next : 700 + world_dice() % 600);
	}
	for (i = 0; i < RUNS; i++)
		if (w.run[i].on)
			run_end(&w.run[i]);
	sp_window_clear(&w.window);
	sp_ready_clear(&w.ready);
	sp_keep_free(w.keep);
}

void
cast_play(struct slot *s)
{
	struct sp_spool *sp;
	char base[24];

	if ((sp = calloc(1, sizeof *sp)) == NULL)
		abort();
	(void)snprintf(base, sizeof base, "%c%d", role_text[s->role][0], s->n);
	if (opened(sp, base)) {
		switch (s->role) {
		case SUBMITTER:
			submitter(sp);
			break;
		case DROPPER:
			dropper(sp);
			break;
		case WORKER:
			worker(sp, false);
			break;
		case KEEPER:
			worker(sp, true);
			break;
		default:
			canceller(sp);
		}
		sp_spool_close(sp);
	}
	free(sp);
}

/* An empty spool, by the server itself, all of it on the disk. */
void
cast_spool(void)
{
	static const char policy[] =
	    "{\"format\": 1, \"lease\": 20, \"beat\": 4, \"settle\": 3, "
	    "\"attempts\": 9, \"backoff\": 0.5, \"backoffMax\": 2, "
	    "\"halfRename\": 40, \"tmpAge\": 500, \"poll\": 1, \"slice\": 2}\n";
	struct inode *i, *up;
	size_t k;

	for (k = 0; k < SP_DIRS; k++)
		(void)disk_make(&W->disk, W->disk.root,
		    disk_text(&W->disk, sp_dir_text((enum sp_dir)k)), true,
		    false, &i);
	up = disk_find(W->disk.root, "blobs");
	(void)disk_make(&W->disk, up, "sha256", true, false, &i);
	(void)disk_make(&W->disk, W->disk.root, "spool.json", false, false, &i);
	disk_write(&W->disk, i, 0, policy, sizeof policy - 1);
	disk_sync_file(&W->disk, i);
	disk_sync_all(&W->disk);
}
