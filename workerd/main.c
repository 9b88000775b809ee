/*
 * main.c - workerd(8): take orders from a spool, run them, hand the outcomes
 * back.  Here: what it was told, setting up, one loop that waits, farewell.
 * The loop holds no policy; worker.h has the plan of the house.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/log.h"
#include "transport/reach.h"
#include "transport/media.h"
#include "workerd/boss.h"
#include "workerd/capture.h"
#include "workerd/medium.h"
#include "workerd/offer.h"
#include "workerd/options.h"
#include "workerd/outcopy.h"
#include "workerd/probe.h"
#include "workerd/prune.h"
#include "workerd/report.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/stray.h"
#include "workerd/worker.h"

#define EXIT_WRONG 100 /* what was asked for cannot be */
#define EXIT_LATER 111 /* it may work later */

/* ---- signals ---- */

#define LAST_S 60 /* after the third SIGTERM */

static bool
runs_is(const struct worker *w)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].state != SLOT_FREE)
			return true;
	return false;
}

bool
worker_idle_is(struct worker *w)
{
	return !runs_is(w) && commit_idle_is(&w->commit);
}

/* Told to end soon, and what is left waits on our disk for the spool. */
static bool
worker_leaves_is(struct worker *w)
{
	unsigned least = w->opt.preempt ? 1 : 0;

	return !runs_is(w) && w->terms + least > 1 &&
	    commit_saved_is(&w->commit);
}

/* Once: claim no more, and give back what does not run yet.  Twice: stop what
 * runs.  Three times: at once, and whatever hangs is left to the minder.  With
 * --preempt the first is as the second: whoever sends it will not wait. */
static void
terminate(struct worker *w)
{
	unsigned least = w->opt.preempt ? 1 : 0;
	int64_t now = sp_mono_ms();
	int i;

	w->terms++;
	w->heart.next = now; /* say so */
	if (w->terms == 1 && w->opt.preempt)
		sp_info("end: no more claims; what runs is stopped and goes "
			"back");
	else if (w->terms == 1)
		sp_info("end: no more claims; what runs may end (a second "
			"signal stops it)");
	for (i = 0; i < w->opt.slots; i++) {
		if (w->terms + least > 1 || w->slot[i].state == SLOT_STAGES)
			slot_stop(&w->slot[i], STOP_QUIT,
			    "the worker was told to end", now);
		if (w->terms + least > 2)
			w->slot[i].kill_at = now;
	}
	/* Nobody handles that signal: it ends us, also in a read that hangs. */
	if (w->terms + least > 2)
		(void)alarm(LAST_S);
}

static void
take_signals(struct worker *w)
{
	struct signalfd_siginfo si;

	while (read(w->signals, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo == SIGCHLD)
			slot_reap(w);
		else if (si.ssi_signo == SIGHUP) {
			health_forgive(w);
			gpu_again(w);
			look_soon(w);
		} else
			terminate(w);
	}
}

static enum sp_status
open_signals(struct worker *w, struct sp_err *err)
{
	static const int ours[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct sigaction dfl = { .sa_handler = SIG_DFL },
			 ign = { .sa_handler = SIG_IGN };
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof ours / sizeof *ours; i++)
		(void)sigaddset(&set, ours[i]);
	/* An ignored SIGCHLD would take our children's ends from us. */
	(void)sigaction(SIGCHLD, &dfl, NULL);
	(void)sigaction(SIGTERM, &dfl, NULL);
	(void)sigaction(SIGALRM, &dfl, NULL);
	(void)sigaction(SIGPIPE, &ign, NULL);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signals == -1 ? sp_err_sys(err, "signalfd") : SP_OK;
}

/* ---- the loop ---- */

#define OURS     6     /* handles that are no job's */
#define QUIET_MS 15000 /* at the end, for what copies */
#define CALM_MS  100 /* between looks whether what we took over is delivered */

static int64_t
keep_tick(struct worker *w, int64_t now)
{
	int64_t due = w->keep_at > w->keep_least ? w->keep_at : w->keep_least;

	if (w->terms > 0)
		return FAR;
	if (now < due)
		return due;
	if (outbox_calm_is(w, now))
		return now + CALM_MS;
	w->keep_at = now + w->ops->keep(w->tr, !runs_is(w), now);
	/* A third of our time at most; far away, where nobody claims
	 * meanwhile, a tenth. */
	w->keep_least = sp_mono_ms() + (w->far ? 9 : 2) * (sp_mono_ms() - now);
	return w->keep_at;
}

static void
take_wake(struct worker *w)
{
	w->ops->drain(w->tr);
	look_soon(w);
	w->look.empty = 0;
	w->keep_at = 0;
	beat_soon(w); /* it may be a wish to cancel */
}

/* Wait for the first of: a signal, a change in the spool, a commit, output of a
 * job, the deadline. */
static void
wait_for(struct worker *w, struct pollfd *fds, int64_t ms)
{
	nfds_t n = 0, k;
	int i, which;
	int64_t now;
	uint64_t count;

	fds[n++] = (struct pollfd){ .fd = w->signals, .events = POLLIN };
	fds[n++] =
	    (struct pollfd){ .fd = w->ops->wake(w->tr), .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->commit.event, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->bringing.event, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->gpus.out, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = warm_fd(w), .events = POLLIN };
	for (i = 0; i < w->opt.slots; i++)
		for (which = 0; which < 2; which++)
			fds[n++] =
			    (struct pollfd){ .fd = w->slot[i].cap.fd[which],
				    .events = POLLIN };
	if (poll(fds, n, ms > 60000 ? 60000 : (int)ms) <= 0)
		return;
	now = sp_mono_ms();
	/* Output before deaths: what was printed last belongs to the log. */
	for (k = OURS; k < n; k++)
		if (fds[k].revents != 0)
			capture_read(&w->slot[(k - OURS) / 2].cap,
			    (int)(k - OURS) % 2, now);
	if (fds[OURS - 1].revents != 0)
		warm_take(w);
	if (fds[1].revents != 0)
		take_wake(w);
	if (fds[2].revents != 0 && commit_done(&w->commit) > 0) {
		look_more(w); /* something may have waited for it */
		w->keep_at = 0;
	}
	if (fds[3].revents != 0)
		(void)!read(w->bringing.event, &count, sizeof count);
	if (fds[4].revents != 0)
		gpuread_take(w);
	if (fds[0].revents != 0)
		take_signals(w);
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
loop(struct worker *w)
{
	struct pollfd *fds =
	    calloc(OURS + 2 * (size_t)w->opt.slots, sizeof *fds);
	int64_t now, next;

	if (fds == NULL)
		abort(); /* at start-up */
	while (!w->done) {
		now = sp_mono_ms();
		next = beat_tick(w, now);
		next = least(next, slot_tick(w, now));
		next = least(next, kin_tick(w, now));
		next = least(next, outbox_tick(w, now));
		next = least(next, limit_tick(w, now));
		next = least(next, floor_tick(w, now));
		next = least(next, health_tick(w, now));
		next = least(next, gpu_tick(w, now));
		next = least(next, look_tick(w, now));
		boss_tick(w, now);
		next = least(next, keep_tick(w, now));
		next = least(next, look_drained_tick(w, now));
		next = least(next, kept_tick(w, now));
		next = least(next, warm_tick(w, now));
		if (w->terms > 0 && (worker_idle_is(w) || worker_leaves_is(w)))
			w->done = true;
		commit_more(&w->commit, runs_is(w));
		now = sp_mono_ms();
		if (!w->done)
			wait_for(w, fds, next > now ? next - now : 0);
	}
	free(fds);
}

/* ---- setting up ---- */

static enum sp_status
make_dir(struct worker *w, struct sp_err *err)
{
	const char *tmp = w->opt.work;
	int n;

	n = snprintf(
	    w->dir, sizeof w->dir, "%s/spool-%s", tmp, w->ops->worker(w->tr));
	if (n < 0 || n >= (int)sizeof w->dir)
		return sp_err_set(err, SP_FATAL, "--work: too long");
	if (mkdir(w->dir, 0700) == -1) {
		(void)sp_err_set(err, SP_FATAL,
		    "cannot make the work directory %s: %s; name another place "
		    "with --work DIR",
		    w->dir, strerror(errno));
		w->dir[0] = '\0';
		return SP_FATAL;
	}
	return SP_OK;
}

static void
open_cgroup(struct worker *w)
{
	char why[128] = "--cgroup none";

	w->cgroup.base = -1;
	if (!w->opt.no_cgroup)
		cgroup_open(&w->cgroup, w->ops->worker(w->tr), why);
	if (w->cgroup.on)
		sp_debug("cgroup=%s controllers=%s%s", w->cgroup.path,
		    w->cgroup.memory ? "memory " : "",
		    w->cgroup.cpu ? "cpu" : "");
	else
		sp_debug("cgroup none: %s", why);
}

static enum sp_status
reach(struct worker *w, struct sp_err *err)
{
	enum sp_status st;
	char scheme[16];

	if ((w->ops = tr_find(w->opt.url)) == NULL)
		return sp_err_set(err, SP_FATAL,
		    "%s: workerd reaches directories, http:// and https:// "
		    "only: mount the spool here and give its path",
		    w->opt.url);
	tr_scheme(w->opt.url, scheme, NULL);
	w->direct = w->ops;
	w->far = w->ops->far || scheme[0] != '\0';
	st = w->ops->open(w->opt.url, w->opt.name, &w->tr, err);
	if (st == SP_OK)
		w->policy = w->ops->policy(w->tr);
	return st;
}

static enum sp_status
set_up(struct worker *w, struct sp_err *err)
{
	enum sp_status st;
	int i;

	/* What we were started with is not for jobs. */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	w->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	offer_init(w);
	kin_init(w);
	gpu_open(w);
	if (w->opt.slots == 0)
		w->opt.slots = gpu_slots(w);
	if ((st = spawn_files(w->opt.slots, err)) != SP_OK)
		return st;
	w->slot = calloc((size_t)w->opt.slots, sizeof *w->slot);
	if (w->null == -1 || w->slot == NULL)
		return sp_err_sys(err, "start");
	for (i = 0; i < w->opt.slots; i++)
		slot_reset(&w->slot[i]);
	w->claims_left = w->opt.once ? 1 : -1;
	w->look.over = w->look.dirty = true;
	w->look.again = FAR;
	limit_init(w);
	health_init(w);
	guard_init(w);

	if ((st = open_signals(w, err)) != SP_OK ||
	    (st = reach(w, err)) != SP_OK || (st = make_dir(w, err)) != SP_OK ||
	    (st = as_open(w, err)) != SP_OK ||
	    (st = bringing_open(w, err)) != SP_OK ||
	    (open_cgroup(w), st = stray_open(w, err)) != SP_OK ||
	    (st = medium_open(w, err)) != SP_OK ||
	    (st = commit_open(&w->commit, w->direct, w->tr, w->far, err)) !=
		SP_OK)
		return st;
	outbox_open(w);
	kept_open(w);
	warm_open(w);
	beat_init(w);
	report_init(w);
	if ((st = boss_open(w, err)) != SP_OK)
		return st;
	return pulse_open(w, err);
}

static void
farewell(struct worker *w)
{
	struct sp_err err = { "" };
	bool leaves, quiet;
	int i;

	guard_close(w);
	pulse_close(w);
	leaves = !commit_idle_is(&w->commit);
	commit_close(&w->commit, leaves);
	boss_close(w);
	if (!leaves)
		kept_last(w);
	if (!leaves && w->ops->bye(w->tr, &err) != SP_OK)
		sp_warn("bye: %s", err.text);
	warm_close(w);
	kin_sweep(w);
	gpu_close(w);
	for (i = 0; i < w->opt.slots; i++)
		capture_clear(&w->slot[i].cap);
	look_clear(w);
	beat_clear(w);
	kept_close(w);
	probe_close(w);
	bringing_close(w);
	as_close(w);
	rmtree(w->dir);
	workdir_close(w);
	stray_close(w);
	cgroup_close(&w->cgroup);
	kin_clear(w);
	medium_close(w);
	quiet = prune_close(w, QUIET_MS);
	quiet = outcopy_quiet(QUIET_MS) && quiet;
	outbox_close(w);
	/* Who hangs in a call still needs it. */
	if (quiet)
		w->ops->close(w->tr);
	free(w->slot);
	options_clear(&w->opt);
}

int
main(int argc, char **argv)
{
	static struct worker w;
	struct sp_err err = { "" };
	enum sp_status st;

	if (tr_begin(argv, &err) != SP_OK) {
		sp_warn("%s", err.text);
		return EXIT_WRONG;
	}
	if (!options_parse(argc, argv, &w.opt))
		return EXIT_WRONG;
	sp_log_level(1 + w.opt.verbose);
	if (geteuid() == 0 && !w.opt.allow_root && !w.opt.as_owner) {
		sp_warn("not as root: jobs run as the user that workerd runs "
			"as; start it as an ordinary user (or say --allow-root "
			"where everything is root's, as in a container, or "
			"--as-owner)");
		return EXIT_WRONG;
	}
	if ((st = set_up(&w, &err)) != SP_OK) {
		sp_warn("%s", err.text);
		/* The minder, if there is one, clears away what was made. */
		return st == SP_RETRY ? EXIT_LATER : EXIT_WRONG;
	}
	sp_info("work worker=%s spool=%s slots=%d", w.ops->worker(w.tr),
	    w.opt.url, w.opt.slots);
	loop(&w);
	farewell(&w);
	return 0;
}
