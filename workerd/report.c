/*
 * report.c - what came of an attempt: its outcome and where it goes, or back to
 * the queue.  The status and its words are libspool's to judge (outcome.h); who
 * ended it, and why, is known here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/json.h"
#include "libspool/log.h"
#include "workerd/artifact.h"
#include "workerd/report.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define SHELL_KILL (128 + SIGKILL)
#define AT_ONCE_MS 5000 /* so soon again: not at once */
#define SHY_LEAST  1000 /* beyond its back-off: for others to take it */
#define SHY_MOST   30000

/* How often the kernel has killed for memory; -1: it does not say. */
static int64_t
oom_kills(void)
{
	char buf[16384];
	const char *at;
	ssize_t n;
	int fd;

	if ((fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, buf, sizeof buf - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	at = strstr(buf, "\noom_kill ");
	return at == NULL ? -1 : strtoll(at + 10, NULL, 10);
}

void
report_init(struct worker *w)
{
	w->oom_kills = oom_kills();
}

/* The kernel has killed for memory since we last asked; it does not say whom.
 */
static bool
kernel_killed(struct worker *w, const struct slot *s, const struct sp_run *run)
{
	int64_t kills;

	if (s->killed ||
	    (run->signal != SIGKILL && run->exit_code != SHELL_KILL))
		return false;
	if ((kills = oom_kills()) <= w->oom_kills)
		return false;
	w->oom_kills = kills;
	return true;
}

/* Signals that a process brings upon itself, having said why. */
static bool
spoke_is(int sig)
{
	return sig == SIGABRT || sig == SIGBUS || sig == SIGTRAP;
}

static void
signal_words(struct slot *s, struct sp_run *run, const struct sp_words *words)
{
	const char *name = sp_signal_text(run->signal);
	bool spoke = spoke_is(run->signal);

	run->cause = spoke && words->cause != SP_CAUSE_EXIT ? words->cause
							    : SP_CAUSE_SIGNAL;
	(void)snprintf(s->why, sizeof s->why, "killed by signal %d (%s)%s%s",
	    run->signal, name != NULL ? name : "?",
	    spoke && words->line[0] != '\0' ? ": " : "",
	    spoke ? words->line : "");
}

/* A shell says 128 + n when what it ran was killed by signal n. */
static void
exit_words(struct slot *s, struct sp_run *run, const struct sp_words *words)
{
	const char *name = sp_signal_text(run->exit_code - 128);

	run->cause = words->cause;
	if (words->cause == SP_CAUSE_EXIT && name != NULL) {
		run->cause = SP_CAUSE_SIGNAL;
		(void)snprintf(s->why, sizeof s->why,
		    "exit code %d: what it ran was killed by signal %d "
		    "(%s)%s%s",
		    run->exit_code, run->exit_code - 128, name,
		    words->line[0] != '\0' ? ": " : "", words->line);
		return;
	}
	(void)snprintf(s->why, sizeof s->why, "exit code %d%s%s%s",
	    run->exit_code, words->line[0] != '\0' ? ": " : "", words->line,
	    words->blind ? " (order.gpus asks for none)" : "");
}

/* How the process ended: run's cause, code and signal, and words. */
static void
how_it_ended(struct worker *w, struct slot *s, struct sp_run *run)
{
	struct sp_last last = { .err = s->cap.last,
		.err_n = s->cap.last_n,
		.out = s->cap.tail.data,
		.out_n = s->cap.tail.len,
		.gpu = s->job.gpus > 0 };
	struct sp_words words;

	run->exit_code = -1;
	if (s->unfit != SP_CAUSE_OK) {
		run->cause = s->unfit;
		return;
	}
	if (WIFEXITED(s->wait))
		run->exit_code = WEXITSTATUS(s->wait);
	else
		run->signal = WTERMSIG(s->wait);
	if (s->oom) { /* limit.c has the words */
		run->cause = SP_CAUSE_OOM;
		return;
	}
	if (s->stop == STOP_TIMEOUT) {
		run->cause = SP_CAUSE_TIMEOUT;
		return;
	}
	if (s->stop == STOP_CANCEL) {
		run->cause = SP_CAUSE_CANCELLED;
		return;
	}
	if (s->stop == STOP_PRUNED) {
		run->cause = SP_CAUSE_PRUNED;
		run->pruned_metric = s->job.prune.metric;
		run->pruned_best = s->pruned_best;
		run->pruned_step = s->pruned_step;
		return;
	}
	if (run->exit_code == 0) {
		run->cause = SP_CAUSE_OK;
		return;
	}
	if (s->stop != STOP_NO) {
		run->cause = run->signal != 0 ? SP_CAUSE_SIGNAL : SP_CAUSE_EXIT;
		return; /* the words are those of the stop */
	}
	if (kernel_killed(w, s, run)) {
		run->cause = SP_CAUSE_OOM;
		(void)snprintf(s->why, sizeof s->why,
		    "out of memory: the kernel killed it (%ld MiB at most)",
		    s->usage.ru_maxrss / 1024);
		return;
	}
	sp_words_read(&last, &words);
	if (run->signal != 0)
		signal_words(s, run, &words);
	else
		exit_words(s, run, &words);
	if (w->as.on && run->exit_code == AS_REFUSED)
		run->cause = SP_CAUSE_BAD_HOST; /* he is unknown here */
}

/* The script's own object: the file before the last line of stdout. */
static const char *
own_words(
    struct worker *w, struct slot *s, struct sp_buf *file, size_t *len_out)
{
	if (s->dir[0] != '\0' && stage_outcome(w, s, file)) {
		*len_out = file->len;
		return file->data;
	}
	if (s->cap.tail.len == 0)
		return NULL;
	return sp_outcome_find(s->cap.tail.data, s->cap.tail.len, len_out);
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
back(struct slot *s, enum tr_release how, const char *cause)
{
	s->give = GIVE_RELEASE;
	s->how = how;
	s->cause = cause;
}

/* Stopped for our sake and not finished in spite of that, or by its own wish:
 * it goes on later, here or elsewhere. */
static bool
preempted_is(const struct slot *s, const struct sp_run *run, bool spoke)
{
	if (s->unfit != SP_CAUSE_OK || s->stop == STOP_TIMEOUT || s->oom ||
	    s->stop == STOP_CANCEL || s->stop == STOP_PRUNED ||
	    s->name.ticket >= SP_COUNT_MAX) /* there is no next one */
		return false;
	if (run->exit_code == EXIT_PREEMPTED)
		return true;
	return (s->stop == STOP_QUIT || s->stop == STOP_SILENT) &&
	    (run->exit_code != 0 || !spoke);
}

static void
preempt(struct worker *w, struct slot *s)
{
	int64_t ms = 0;

	if (s->stop == STOP_NO) {
		if (s->ended - s->began < AT_ONCE_MS)
			ms = cool_again(w, &s->name.id, s->ended);
		else
			cool_forget(w, &s->name.id);
		(void)snprintf(s->why, sizeof s->why,
		    "it asked to be queued again (exit code %d)",
		    EXIT_PREEMPTED);
		if (ms > 0)
			(void)snprintf(s->why + strlen(s->why),
			    sizeof s->why - strlen(s->why),
			    " at once; here again in %llds",
			    (long long)(ms / 1000));
	}
	back(s, TR_PREEMPTED, sp_cause_text(SP_CAUSE_PREEMPTED));
}

static bool
again_is(const struct worker *w, const struct slot *s, enum sp_cause cause)
{
	int attempts =
	    s->job.attempts > 0 ? s->job.attempts : w->policy->attempts;

	return !sp_status_good_is(s->status) && s->name.ticket < SP_COUNT_MAX &&
	    (s->job.retry & 1U << cause) != 0 &&
	    (int)s->name.attempt + 1 < attempts;
}

/* Back to the queue, for a while; where it is this host's fault rather for
 * others. */
static void
elsewhere(struct worker *w, struct slot *s, enum sp_cause cause)
{
	double off = sp_backoff(w->policy, s->name.attempt + 1, &s->name.id);
	int64_t more = (int64_t)(off * 4000);

	back(s, TR_RETRY, sp_cause_text(cause));
	if (cause != SP_CAUSE_BAD_HOST && cause != SP_CAUSE_DISK_FULL)
		return;
	more = more < SHY_LEAST ? SHY_LEAST : more > SHY_MOST ? SHY_MOST : more;
	cool_avoid(w, &s->name.id, s->ended + (int64_t)(off * 1000) + more);
}

/* Is it tried again?  What fails here and does well elsewhere is not the job's
 * failure, whatever it looks like. */
static void
again(struct worker *w, struct slot *s, enum sp_cause *cause)
{
	char words[sizeof s->why];

	if (health_ended(w, s, *cause, s->why) &&
	    again_is(w, s, SP_CAUSE_BAD_HOST)) {
		(void)snprintf(words, sizeof words, "%s", s->why);
		(void)snprintf(
		    s->why, sizeof s->why, "on this host only: %.300s", words);
		*cause = SP_CAUSE_BAD_HOST;
	}
	if (again_is(w, s, *cause))
		elsewhere(w, s, *cause);
}

/* What it was made of, as far as it came. */
static void
what_ran(const struct slot *s, struct sp_run *run)
{
	if (s->bring == NULL || s->pid == 0)
		return;
	run->script_sha256 = s->bring->is.script;
	run->data_sha256 = s->bring->is.data;
	run->code_sha256 = s->bring->is.code;
	run->python = s->facts.path;
	run->python_version = s->facts.version;
	run->environment = s->facts.environment;
}

static void
judge(struct worker *w, struct slot *s)
{
	struct sp_buf file = SP_BUF_INIT(SP_OUTCOME_MAX + 3 * 65536);
	struct sp_run run = { .name = s->name,
		.started = s->started,
		.finished = s->finished,
		.seconds = (double)(s->ended - s->began) / 1000,
		.max_rss_kib = s->usage.ru_maxrss,
		.memory_peak = s->peak,
		.artifacts = artifact_get(s),
		.metrics = s->metrics_n,
		.metrics_dropped = s->metrics_lost,
		.warm = s->pid > 0 ? s->warm : SP_WARM_UNSAID,
		.warm_why = s->pid > 0 ? s->warm_why : NULL,
		.cpu_seconds =
		    seconds(s->usage.ru_utime) + seconds(s->usage.ru_stime) };
	struct sp_run_gpu gpus[SP_GPU_MOST];
	const char *own;
	size_t len = 0;

	run.gpus = gpus;
	run.gpus_n = (size_t)gpu_run(w, s, gpus);
	(void)snprintf(run.host, sizeof run.host, "%s", w->heart.self.host);
	how_it_ended(w, s, &run);
	what_ran(s, &run);
	own = own_words(w, s, &file, &len);
	if (preempted_is(s, &run, own != NULL)) {
		preempt(w, s);
	} else {
		sp_buf_init(&s->outcome, SP_OUTCOME_MAX + 65536);
		s->give = s->stop == STOP_CANCEL ? GIVE_CANCEL : GIVE_COMMIT;
		if (sp_outcome_make(&run, s->job.outcome_required, own, len,
			s->why[0] != '\0' ? s->why : NULL, &s->outcome,
			&s->status) != SP_OK) {
			(void)snprintf(
			    s->why, sizeof s->why, "no memory for the outcome");
			if (s->give == GIVE_COMMIT)
				back(s, TR_PREEMPTED,
				    sp_cause_text(SP_CAUSE_PREEMPTED));
			sp_buf_clear(&s->outcome);
		} else if (s->give == GIVE_COMMIT)
			again(w, s, &run.cause);
		sp_info("end order=%s status=%d cause=%s seconds=%.3f%s%s",
		    s->name.id.text, s->status, sp_cause_text(run.cause),
		    run.seconds, s->why[0] != '\0' ? ": " : "", s->why);
	}
	sp_buf_clear(&file);
}

/* It never ran: it was stopped before, or it was this host's fault. */
static void
unstarted(struct worker *w, struct slot *s)
{
	s->status = 0;
	if (s->stop == STOP_CANCEL) {
		s->give = GIVE_CANCEL;
		return;
	}
	back(s, TR_BACK, "host");
	if (s->stop != STOP_NO)
		return;
	if (stage_busy_is(s)) { /* nobody's fault, yet */
		sp_info("start order=%s failed: %s; it goes back",
		    s->name.id.text, s->why);
		(void)cool_again(w, &s->name.id, s->ended);
		return;
	}
	sp_warn(
	    "start order=%s failed: %s; it goes back", s->name.id.text, s->why);
	(void)health_ended(w, s, SP_CAUSE_BAD_HOST, s->why);
	/* When the pause is over others come first, or it would be claimed
	 * again and again, and nothing else. */
	(void)cool_again(w, &s->name.id,
	    w->look.pause > s->ended ? w->look.pause : s->ended);
}

/* A file of it that never rests: when that has been tried for long enough, the
 * job is at fault. */
static void
patience(struct worker *w, struct slot *s)
{
	int64_t ms = cool_since(w, &s->name.id, s->ended);
	size_t n = strlen(s->why);

	if (s->pid != 0 || s->unfit != SP_CAUSE_OK || s->stop != STOP_NO ||
	    !stage_busy_is(s) || ms == 0 || (double)ms < w->opt.patience * 1000)
		return;
	s->unfit = SP_CAUSE_INVALID;
	(void)snprintf(s->why + n, sizeof s->why - n,
	    ", still after %.3g s (workerd --patience): write it elsewhere, "
	    "move it there (mv) when it is whole, and submit the job again",
	    (double)ms / 1000);
	cool_forget(w, &s->name.id);
}

void
report(struct worker *w, struct slot *s)
{
	patience(w, s);
	if (s->stop == STOP_GONE) {
		s->give = GIVE_NOTHING;
	} else if (s->pid == 0 && s->unfit == SP_CAUSE_OK) {
		unstarted(w, s);
	} else
		judge(w, s);
	health_over(w, s);
}
