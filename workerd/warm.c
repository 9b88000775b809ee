/*
 * warm.c - the servers of warm interpreters: started when orders ask for them,
 * listened to, kept in spares, given up.  warm.h has the plan; what an order
 * needs is warmkey.c's to say, and how a spare becomes a job warmjob.c's.
 *
 * Nothing here is waited for but a spare that was asked for and is on its way,
 * and that not for long.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/warm.h"

#define START_MS 120000 /* to import everything */
#define HANG_MS  10000  /* to fork */
#define WAIT_MS  250    /* for a spare that is on its way */
#define IDLE_MS  300000 /* then a server ends */
#define YOUNG_MS 10000  /* one used so lately is not ended for another */
#define DEATHS   3      /* so soon after it was ready: unfit */

/* ---- rows ---- */

static bool
alive_is(const struct warm_row *r)
{
	return r->pid > 0;
}

static struct warm_row *
row_of(struct worker *w, const struct warm_want *want)
{
	struct warm *m = w->warm;
	struct warm_row *least = NULL, *r;
	size_t i;

	for (i = 0; i < WARM_ROWS; i++) {
		r = &m->row[i];
		if (r->key.len == want->key.len &&
		    memcmp(r->key.data, want->key.data, r->key.len) == 0)
			return r;
		if (!alive_is(r) && (least == NULL || r->used < least->used))
			least = r;
	}
	if (least == NULL)
		return NULL;
	warm_kill_row(w, least);
	sp_buf_clear(&least->key);
	*least = (struct warm_row){ .control = -1 };
	sp_buf_init(&least->key, want->key.max);
	sp_buf_put(&least->key, want->key.data, want->key.len);
	if (least->key.failed) {
		sp_buf_clear(&least->key);
		return NULL;
	}
	(void)snprintf(least->label, sizeof least->label, "%s", want->label);
	return least;
}

/* ---- the start of a server ---- */

/* Room for one more: of those that run the one used least lately goes. */
static bool
make_room(struct worker *w, int64_t now)
{
	struct warm *m = w->warm;
	struct warm_row *least = NULL, *r;
	size_t i, n = 0;

	for (i = 0; i < WARM_ROWS; i++) {
		r = &m->row[i];
		n += alive_is(r);
		if (alive_is(r) && (least == NULL || r->used < least->used))
			least = r;
	}
	if (n < WARM_SERVERS)
		return true;
	if (now - least->used < YOUNG_MS)
		return false;
	sp_info("warm python=%s end: others are asked for", least->label);
	warm_kill_row(w, least);
	least->state = WARM_SEEN;
	return false; /* until it is gone */
}

static void
start_row(struct worker *w, struct warm_row *r, const struct warm_want *want,
    int64_t now)
{
	char words[128];
	int why;

	/* A sweep over such a variable would start a server for each job. */
	if (want->own && r->seen < 2) {
		(void)snprintf(
		    r->why, sizeof r->why, "the first one with this order.env");
		return;
	}
	if (!make_room(w, now)) {
		(void)snprintf(r->why, sizeof r->why,
		    "%d other interpreters are kept warm", WARM_SERVERS);
		return;
	}
	r->since = now;
	if ((why = warm_start(w, r, want)) != 0) {
		(void)snprintf(
		    words, sizeof words, "cannot start: %s", strerror(why));
		warm_unfit(w, r, now, words);
		return;
	}
	r->state = WARM_STARTS;
	(void)snprintf(r->why, sizeof r->why, "the server is starting");
	sp_info("warm python=%s start pid=%d", r->label, (int)r->pid);
}

/* ---- its end ---- */

static void
server_died(struct worker *w, struct warm_row *r, int status, int64_t now)
{
	bool young = now - r->since < YOUNG_MS;
	char words[128];

	warm_hang_up(w, r);
	r->pid = 0;
	if (r->state == WARM_SEEN || r->state == WARM_UNFIT)
		return; /* as it was to be */
	if (WIFSIGNALED(status))
		(void)snprintf(words, sizeof words, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(words, sizeof words, "ended with exit code %d",
		    WEXITSTATUS(status));
	if (r->state == WARM_READY && !young)
		r->deaths = 0;
	if (r->state == WARM_STARTS && WIFEXITED(status)) {
		warm_unfit(w, r, now, words);
	} else if (++r->deaths >= DEATHS) {
		warm_unfit(w, r, now, words);
	} else {
		sp_warn("warm python=%s server %s; those that it forked stay",
		    r->label, words);
		(void)snprintf(r->why, sizeof r->why, "the server %s", words);
		r->state = WARM_SEEN;
	}
}

/* The kernel kills who is born in a group that it was killed in before, or
 * would have been (spawn.c): after that they enter theirs as jobs. */
static bool
killed_is(int group, int status)
{
	return group != -1 && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL;
}

bool
warm_reaped(struct worker *w, pid_t pid, int status)
{
	int64_t now = sp_mono_ms();
	struct warm_row *r;
	unsigned k;
	size_t i;

	for (i = 0; w->warm != NULL && i < WARM_ROWS; i++) {
		r = &w->warm->row[i];
		if (r->pid == pid) {
			/* Its last words first. */
			(void)warm_listen_to(w, r, now);
			server_died(w, r, status, now);
			return true;
		}
		for (k = 0; k < r->spares; k++)
			if (r->spare[k].pid == pid) {
				if (killed_is(r->spare[k].group.fd, status))
					w->warm->bare = true;
				warm_forget_spare(w, r, k);
				warm_ask(w, r, now);
				return true;
			}
	}
	return false;
}

bool
warm_own_is(const struct worker *w, pid_t pid, pid_t sid)
{
	const struct warm_row *r;
	unsigned k;
	size_t i;

	for (i = 0; w->warm != NULL && i < WARM_ROWS; i++) {
		r = &w->warm->row[i];
		if (r->pid > 0 && (r->pid == pid || r->pid == sid))
			return true;
		for (k = 0; k < r->spares; k++)
			if (r->spare[k].pid == pid)
				return true;
	}
	return false;
}

int
warm_groups(const struct worker *w, const struct group **all)
{
	const struct warm_row *r;
	unsigned k;
	size_t i;
	int n = 0;

	for (i = 0; w->warm != NULL && i < WARM_ROWS; i++) {
		r = &w->warm->row[i];
		for (k = 0; k < r->spares && n < WARM_GROUPS; k++)
			all[n++] = &r->spare[k].group;
		for (k = 0; k < r->aheads && n < WARM_GROUPS; k++)
			all[n++] = &r->ahead[k];
	}
	return n;
}

int64_t
warm_tick(struct worker *w, int64_t now)
{
	int64_t next = FAR, due;
	struct warm_row *r;
	size_t i;

	for (i = 0; w->warm != NULL && i < WARM_ROWS; i++) {
		r = &w->warm->row[i];
		if (!alive_is(r))
			continue;
		if (r->state == WARM_STARTS)
			due = r->since + START_MS;
		else if (r->state == WARM_READY && r->asked > 0)
			due = r->asked_at + HANG_MS;
		else if (r->state == WARM_READY)
			due = r->used + IDLE_MS;
		else
			continue;
		if (now < due) {
			next = due < next ? due : next;
		} else if (r->state == WARM_READY && r->asked == 0) {
			sp_info(
			    "warm python=%s end: nobody asks for it", r->label);
			warm_kill_row(w, r);
			r->state = WARM_SEEN;
		} else {
			warm_unfit(w, r, now,
			    r->state == WARM_STARTS ? "not ready in two minutes"
						    : "it does not answer");
		}
	}
	return next;
}

/* ---- a job ---- */

/* One is on its way: it comes in less time than a cold start takes. */
static void
await_spare(struct worker *w, struct warm_row *r, int64_t now)
{
	struct pollfd fd = { .fd = r->control, .events = POLLIN };
	int64_t end = now + WAIT_MS;

	while (r->spares == 0 && r->asked > 0 && r->control != -1 &&
	    now < end && poll(&fd, 1, (int)(end - now)) > 0) {
		now = sp_mono_ms();
		if (!warm_listen_to(w, r, now))
			warm_hang_up(w, r);
	}
}

static bool
give_one(struct worker *w, struct warm_row *r, struct slot *s,
    const struct call *call, struct spawn *how, pid_t *pid_out)
{
	const char *why = "no process was ready in time";
	bool done = false;

	if (r->spares == 0)
		await_spare(w, r, sp_mono_ms());
	while (r->spares > 0 && !done) {
		done = warm_give(w, s, call, how, &r->spare[0], &why);
		*pid_out = r->spare[0].pid;
		warm_forget_spare(w, r, 0);
	}
	if (!done)
		(void)snprintf(s->warm_why, sizeof s->warm_why, "%s", why);
	return done;
}

bool
warm_spawn(struct worker *w, struct slot *s, const struct call *call,
    struct spawn *how, pid_t *pid_out)
{
	int64_t now = sp_mono_ms();
	struct warm_want want;
	struct warm_row *r = NULL;
	bool done = false;

	s->warm = SP_WARM_UNSAID;
	if (w->warm != NULL && warm_want(w, s, call, &want) &&
	    (r = row_of(w, &want)) != NULL) {
		s->warm = SP_WARM_COLD;
		r->used = now;
		r->seen++;
		if (r->state == WARM_UNFIT && now >= r->until)
			r->state = WARM_SEEN;
		if (r->state == WARM_SEEN && r->pid == 0)
			start_row(w, r, &want, now);
		if (r->state == WARM_READY || r->spares > 0)
			done = give_one(w, r, s, call, how, pid_out);
		else
			(void)snprintf(
			    s->warm_why, sizeof s->warm_why, "%.120s", r->why);
		warm_ask(w, r, now);
	}
	if (w->warm != NULL)
		sp_buf_clear(&want.key);
	if (done)
		s->warm = SP_WARM_YES;
	return done;
}

/* ---- all of it ---- */

int
warm_fd(const struct worker *w)
{
	return w->warm == NULL ? -1 : w->warm->epoll;
}

void
warm_open(struct worker *w)
{
	struct warm *m;
	size_t i;

	if (w->opt.cold || (m = calloc(1, sizeof *m)) == NULL)
		return;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll == -1) {
		free(m);
		return;
	}
	for (i = 0; i < WARM_ROWS; i++)
		m->row[i].control = -1;
	w->warm = m;
}

void
warm_close(struct worker *w)
{
	struct warm *m = w->warm;
	struct warm_row *r;
	unsigned k;
	size_t i;

	for (i = 0; m != NULL && i < WARM_ROWS; i++) {
		r = &m->row[i];
		for (k = 0; k < r->spares; k++)
			(void)kill(r->spare[k].pid, SIGKILL);
		for (k = 0; k < r->spares; k++)
			(void)waitpid(r->spare[k].pid, NULL, 0);
		/* No job is left, so its session is all its own. */
		if (r->pid > 0)
			(void)kill(-r->pid, SIGKILL);
		warm_kill_row(w, r);
		if (r->pid > 0)
			(void)waitpid(r->pid, NULL, 0);
		sp_buf_clear(&r->key);
	}
	if (m != NULL)
		(void)close(m->epoll);
	free(m);
	w->warm = NULL;
}
