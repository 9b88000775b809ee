/*
 * world.c - whose turn it is, and what befalls him.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/cast.h"
#include "tests/model/world.h"

#define STACK    (512 * 1024)
#define CHAOS_MS 90000 /* then no more faults */
#define END_MS   600000
#define STEPS    400000

struct world *W;

const char *const role_text[ROLES] = { "submitter", "dropper", "worker",
	"keeper", "canceller" };
const char *const event_text[EV_KINDS] = { "switch", "stall", "crash",
	"crash-after", "server-cut", "host-cut", "fails", "answer-lost",
	"asked-again", "done-late" };

static char *stacks[SLOTS_MOST]; /* kept from world to world */

void
world_fail(const char *fmt, ...)
{
	va_list ap;

	if (W->failed[0] != '\0')
		return;
	W->promise = fmt;
	va_start(ap, fmt);
	(void)vsnprintf(W->failed, sizeof W->failed, fmt, ap);
	va_end(ap);
	if (W->trace)
		printf("!!! %s\n", W->failed);
}

void
world_trace(const char *fmt, ...)
{
	va_list ap;

	if (!W->trace)
		return;
	if (W->me != NULL)
		printf("%9.4f %s%d@%d/%u  ", (double)W->now / 1e6,
		    role_text[W->me->role], W->me->n, W->me->host,
		    W->me->calls);
	else
		printf("%9.4f ", (double)W->now / 1e6);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

/* ---- turns ---- */

static void
yield(void)
{
	struct slot *s = W->me;

	(void)swapcontext(&s->at, &W->director);
}

void
world_sleep(int64_t ms)
{
	struct slot *s = W->me;

	if (s->dead)
		return;
	s->wake = W->now + ms * 1000;
	yield();
}

bool
world_dead(void)
{
	return W->me->dead;
}

int
world_pid(void)
{
	return W->me == NULL ? 1 : 1000 + W->me->n * 100 + W->me->inc % 100;
}

bool
world_alive(int host, int pid, int *inc_out)
{
	int n = (pid - 1000) / 100;
	const struct slot *s;

	if (pid < 1000 || n >= W->n)
		return false;
	s = &W->slot[n];
	*inc_out = s->inc;
	return s->host == host && s->up && !s->dead &&
	    s->inc % 100 == pid % 100;
}

uint32_t
world_dice(void)
{
	uint64_t *at = W->me == NULL ? &W->dice : &W->me->dice;

	*at = model_mix(*at);
	return (uint32_t)(*at >> 32);
}

/* ---- late requests ---- */

static void
late_do(const struct late *l)
{
	int rc;

	if (l->what == 'r')
		rc = disk_rename(
		    &W->disk, l->from, l->name, l->to, l->as, 0, true);
	else if (l->what == 'l') {
		struct inode *i = disk_find(l->from, l->name);

		rc = i == NULL ? -ENOENT
			       : disk_link(&W->disk, i, l->to, l->as, true);
	} else
		rc = disk_unlink(&W->disk, l->from, l->name, l->dir, true);
	world_trace("(late %c %s: %s)", l->what, l->name, strerror(-rc));
}

void
world_late(const struct late *l, int64_t ms)
{
	if (W->late_n == 16)
		return; /* it never arrives */
	W->late[W->late_n] = *l;
	W->late[W->late_n++].when = W->now + ms * 1000;
}

static void
tick(int64_t us)
{
	struct slot *me = W->me;
	int i;

	W->now += us;
	W->disk.now = W->now;
	for (i = 0; i < W->late_n;)
		if (W->late[i].when <= W->now) {
			struct late l = W->late[i];

			W->late[i] = W->late[--W->late_n];
			W->me = NULL;
			late_do(&l);
			W->me = me;
		} else
			i++;
}

/* ---- events ---- */

void
world_cut(uint64_t dice)
{
	int i;

	for (i = 0; i < W->n; i++) {
		W->slot[i].gap = true;
		if (W->slot[i].host == 0)
			W->slot[i].dead = true;
	}
	W->boots++;
	W->late_n = 0;
	mounts_resend();
	disk_cut(&W->disk, dice);
	mounts_host_gone(0);
	oracle_cut();
}

static void
host_cut(int host)
{
	int i;

	for (i = 0; i < W->n; i++)
		if (W->slot[i].host == host)
			W->slot[i].dead = true;
	mounts_host_gone(host);
}

static void
gap_draw(void)
{
	uint64_t all = 0, u;
	int k;

	for (k = 0; k < EV_KINDS; k++)
		all += W->plan->rate[k];
	if (all == 0) {
		W->gap = INT64_MAX;
		return;
	}
	/* Evenly up to twice the mean is as good as any law. */
	W->dice = model_mix(W->dice);
	u = W->dice >> 11;
	W->gap = 1 + (int64_t)(u % (2000000 / all + 1));
}

static uint32_t
arg_draw(enum event_kind kind)
{
	uint32_t u;

	W->dice = model_mix(W->dice);
	u = (uint32_t)(W->dice >> 33);
	switch (kind) {
	case EV_STALL: /* some beyond the lease, some beyond patience */
		return u % 4 == 0 ? u % 60000
		    : u % 4 == 1  ? u % 25000
				  : u % 2000;
	case EV_LATE:
		return u % 3 == 0 ? u % 30000 : u % 500;
	default:
		return u;
	}
}

static void
make_up(const struct slot *s)
{
	uint64_t all = 0, at;
	int k;

	if (W->gap-- > 1)
		return;
	gap_draw();
	if (W->event_n == EVENTS_MOST)
		return;
	for (k = 0; k < EV_KINDS; k++)
		all += W->plan->rate[k];
	W->dice = model_mix(W->dice);
	at = (W->dice >> 11) % all;
	for (k = 0; at >= W->plan->rate[k]; k++)
		at -= W->plan->rate[k];
	W->event[W->event_n++] = (struct event){ .slot = (uint8_t)s->n,
		.kind = (uint8_t)k,
		.nth = s->calls,
		.arg = arg_draw((enum event_kind)k) };
}

static void
befall(struct slot *s, const struct event *e, enum sort sort, const char *what,
    enum reply *reply, int *why)
{
	bool far = s->host > 0;

	W->befell[e->kind]++;
	world_trace("## %s %u before %s", event_text[e->kind], e->arg, what);
	switch (e->kind) {
	case EV_SWITCH:
		s->wake = W->now;
		s->turn = ++W->turns;
		yield();
		break;
	case EV_STALL:
		s->stalled = true;
		world_sleep(e->arg);
		s->stalled = false;
		break;
	case EV_CRASH:
		s->dead = true;
		break;
	case EV_AFTER:
		*reply = REPLY_AFTER;
		break;
	case EV_CUT:
		world_cut(model_mix(e->arg));
		break;
	case EV_HOST:
		if (far)
			host_cut(s->host);
		break;
	case EV_FAILS:
		*reply = REPLY_NOT;
		*why = sort == CALL_DATA && e->arg % 2 ? ENOSPC
		    : far && e->arg % 4 < 2            ? ETIMEDOUT
						       : EIO;
		break;
	case EV_LOST:
		if (far && W->plan->soft) {
			*reply = REPLY_LOST;
			*why = e->arg % 2 ? ETIMEDOUT : EIO;
		}
		break;
	case EV_AGAIN:
		if (far)
			*reply = REPLY_AGAIN;
		break;
	case EV_LATE:
		if (far && W->plan->soft) {
			*reply = REPLY_LATE;
			*why = (int)e->arg;
		}
		break;
	default:
		break;
	}
}

int
world_call(enum sort sort, const char *what, enum reply *reply, int *why)
{
	struct slot *s = W->me;
	size_t i, n;

	*reply = REPLY_PLAIN;
	*why = EIO;
	if (s == NULL)
		return 0;
	if (!s->dead) {
		s->calls++;
		W->steps++;
		tick(s->host == 0 ? 100 : 1000);
		if (!W->told && !W->calm)
			make_up(s);
		n = W->event_n;
		for (i = W->told ? 0
			 : n > 0 ? n - 1
				 : 0;
		     !W->calm && i < n; i++)
			if (W->event[i].slot == s->n &&
			    W->event[i].nth == s->calls)
				befall(s, &W->event[i], sort, what, reply, why);
	}
	if (!s->dead)
		return 0;
	/* It unwinds; nothing that it asks for happens any more. */
	if (s->unwound++ > 100000) {
		world_fail("an actor that died does not come to an end");
		s->wake = INT64_MAX;
		yield();
	}
	errno = EIO;
	return -1;
}

void
world_after(enum reply reply)
{
	if (reply == REPLY_AFTER && W->me != NULL)
		W->me->dead = true;
}

/* ---- actors ---- */

static void
play(void)
{
	struct slot *s = W->me;

	cast_play(s);
	s->up = false;
	mounts_slot_gone(s->n);
	world_trace(s->dead ? "is dead" : "has gone");
	s->wake = s->dead && !W->over
	    ? W->now + 1000 * (int64_t)(model_mix(s->dice) % 15000)
	    : INT64_MAX;
	yield();
}

static void
raise_one(struct slot *s)
{
	s->up = true;
	s->dead = false;
	s->stalled = false;
	s->actor[0] = '\0';
	s->gap = s->unsynced = false;
	s->beat = W->now;
	s->unwound = 0;
	s->inc++;
	s->born = W->now;
	s->dice = model_mix(
	    W->plan->seed ^ (uint64_t)s->n << 40 ^ (uint64_t)s->inc << 48);
	(void)getcontext(&s->at);
	s->at.uc_stack.ss_sp = s->stack;
	s->at.uc_stack.ss_size = STACK;
	s->at.uc_link = &W->director;
	makecontext(&s->at, play, 0);
}

/* Who is due, he who had his turn longest ago first. */
static struct slot *
next_one(void)
{
	struct slot *best = NULL;
	int i;

	for (i = 0; i < W->n; i++) {
		struct slot *s = &W->slot[i];

		if (s->off || s->wake == INT64_MAX)
			continue;
		if (best == NULL ||
		    (s->wake <= W->now && best->wake > W->now) ||
		    (s->wake <= W->now && s->turn < best->turn) ||
		    (best->wake > W->now && s->wake < best->wake))
			best = s;
	}
	return best;
}

static void
turn(struct slot *s)
{
	if (s->wake > W->now)
		tick(s->wake - W->now);
	s->wake = W->now;
	s->turn = ++W->turns;
	W->me = s;
	if (!s->up)
		raise_one(s);
	(void)swapcontext(&W->director, &s->at);
	W->me = NULL;
}

static void
people(void)
{
	int i;

	for (i = 0; i < W->n; i++) {
		struct slot *s = &W->slot[i];

		(void)memset(s, 0, sizeof *s);
		s->n = i;
		s->host = W->plan->slot[i].host;
		s->role = W->plan->slot[i].role;
		s->off = W->plan->slot[i].off;
		if (stacks[i] == NULL && (stacks[i] = malloc(STACK)) == NULL)
			abort();
		s->stack = stacks[i];
		s->wake = (int64_t)i * 1000;
	}
}

/* Let them end what they are at.  Frames that are left would be lost memory. */
static void
bury(void)
{
	int i;

	W->calm = W->over = true;
	for (i = 0; i < W->n; i++) {
		W->slot[i].dead = true;
		if (W->slot[i].up && W->slot[i].wake != INT64_MAX)
			turn(&W->slot[i]);
	}
}

/* Does anybody still believe in what was long ago? */
static bool
stalled(void)
{
	int i;

	for (i = 0; i < W->n; i++)
		if (W->slot[i].stalled && W->slot[i].up)
			return true;
	return false;
}

void
world_run(const struct plan *plan, struct event *events, size_t n, bool told,
    bool trace, struct world *w)
{
	struct slot *s;

	(void)memset(w, 0, sizeof *w);
	W = w;
	w->plan = plan;
	w->event = events;
	w->event_n = n;
	w->told = told;
	w->trace = trace;
	w->n = plan->n;
	w->dice = model_mix(plan->seed);
	disk_init(&w->disk, plan->journal);
	w->disk.entry = oracle_entry;
	w->disk.stepped = oracle_stepped;
	oracle_init();
	mounts_init();
	cast_init();
	cast_spool();
	people();
	gap_draw();
	while (w->failed[0] == '\0' && (s = next_one()) != NULL) {
		turn(s);
		if (!w->calm &&
		    (w->now > CHAOS_MS * 1000LL || w->steps > STEPS / 2 ||
			oracle_over())) {
			w->calm = true;
			world_trace("no more faults");
			for (int i = 0; i < w->n; i++)
				if (!w->slot[i].up && w->slot[i].dead)
					w->slot[i].wake = w->now;
		}
		if (w->calm && oracle_over() && !stalled())
			break;
		if (w->now > END_MS * 1000LL || w->steps > STEPS) {
			char left[200];

			oracle_left(left, sizeof left);
			world_fail("stranded: %s", left);
		}
	}
	if (w->failed[0] == '\0')
		oracle_end();
	bury();
}

void
world_clear(struct world *w)
{
	W = w;
	mounts_clear();
	disk_clear(&w->disk);
	W = NULL;
}
