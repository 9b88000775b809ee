/*
 * race.c - many processes claim and commit the same orders, some are killed,
 * some are stopped longer than a lease and come back as zombies.
 *
 *	race SPOOL CLAIMERS ORDERS KILLS ZOMBIES
 *
 * Every claim that succeeded is written down (one line, O_APPEND) as
 * "ID.tTaA@W"; every accepted commit too.  At the end: no (ID, ticket) was won
 * twice, each order has exactly one terminal entry and one outcome, nothing
 * else is left.  Prints one line of counts; exit 1 when a promise is broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/keep.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/scan.h"
#include "libspool/submit.h"

#define GROUP 8

struct shared {
	long won, lost, committed, late, orders, done;
	long murder, freeze; /* wanted: of one who holds orders */
	long zombies;
	pid_t zombie[64];
};

static struct shared *sum;
static const char *path;
static int wins;

static void
add(long *what, long n)
{
	(void)__atomic_add_fetch(what, n, __ATOMIC_SEQ_CST);
}

static void
die(const char *what, const struct sp_err *err)
{
	(void)fprintf(stderr, "race: %s: %s\n", what, err->text);
	_exit(2);
}

static void
write_win(const struct sp_name *name)
{
	char line[SP_NAME_MAX + 2];

	sp_attempt_print(name, line);
	(void)strcat(line, "\n");
	(void)!write(wins, line, strlen(line));
}

static void
beat(const struct sp_spool *sp, struct sp_beat *b)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	char file[SP_WORKER_MAX + 8];

	b->count++;
	sp_beat_print(b, &text);
	(void)snprintf(file, sizeof file, "%s.json", sp->actor);
	(void)sp_publish(sp, sp->dir[SP_DIR_WORKERS], file, text.data, text.len,
	    SP_PUB_REPLACE | SP_PUB_LAZY, NULL);
	sp_buf_clear(&text);
}

/* Take one from a counter, if there is one. */
static bool
take(long *what)
{
	long n = __atomic_load_n(what, __ATOMIC_SEQ_CST);

	while (n > 0)
		if (__atomic_compare_exchange_n(what, &n, n - 1, false,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

/* Between claim and commit: the moment that matters. */
static void
maybe_die(void)
{
	long z;

	if (take(&sum->murder))
		(void)raise(SIGKILL);
	if (take(&sum->freeze)) {
		z = __atomic_fetch_add(&sum->zombies, 1, __ATOMIC_SEQ_CST);
		sum->zombie[z % 64] = getpid();
		(void)raise(SIGSTOP);
	}
}

/* Claim up to GROUP orders, "run" them, commit them together. */
static size_t
round_of(const struct sp_spool *sp, struct sp_window *w)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	static struct sp_buf out[GROUP];
	struct sp_ended ended[GROUP];
	struct sp_run run;
	struct sp_name name;
	const char *next;
	size_t n = 0, i;
	int status;

	while (n < GROUP && (next = sp_window_next(w, sp_dice())) != NULL) {
		if (sp_name_parse(next, &name) != SP_OK)
			continue;
		if (sp_claim(sp, &name, &ended[n].name, &text, NULL) != SP_OK) {
			add(&sum->lost, 1);
			sp_window_told(w, false);
			continue;
		}
		sp_window_told(w, true);
		add(&sum->won, 1);
		write_win(&ended[n].name);
		n++;
		if (sp_dice() % 4 == 0)
			break;
	}
	for (i = 0; i < n; i++) {
		(void)memset(&run, 0, sizeof run);
		run.name = ended[i].name;
		run.exit_code = -1;
		out[i].max = SP_OUTCOME_MAX;
		sp_buf_reset(&out[i]);
		(void)sp_outcome_make(
		    &run, false, "{\"loss\":1}", 10, NULL, &out[i], &status);
		ended[i].text = out[i].data;
		ended[i].len = out[i].len;
		ended[i].good = true;
	}
	if (n > 0) {
		maybe_die();
		sp_commit(sp, ended, n, NULL);
	}
	for (i = 0; i < n; i++)
		add(ended[i].status == SP_OK ? &sum->committed : &sum->late, 1);
	sp_buf_clear(&text);
	return n;
}

static void
claimer(unsigned claimers)
{
	struct sp_names names = { 0 };
	struct sp_window w;
	struct sp_err err = { "" };
	struct sp_beat b = { 0 };
	struct sp_spool sp;
	int64_t beaten = 0;

	if (sp_spool_open(path, "racer", &sp, &err) != SP_OK)
		die("open", &err);
	sp_beat_self(&b);
	(void)strcpy(b.worker, sp.actor);
	(void)strcpy(b.role, "worker");
	/* Its process must not be known here: only the lease can tell. */
	(void)strcpy(b.host, "elsewhere");
	sp_window_init(&w);
	while (!__atomic_load_n(&sum->done, __ATOMIC_SEQ_CST)) {
		if (sp_mono_ms() - beaten > 200) {
			beat(&sp, &b);
			beaten = sp_mono_ms();
		}
		if (round_of(&sp, &w) == 0) {
			(void)sp_list(sp.dir[SP_DIR_NEW], false, &names, NULL);
			if (names.n == 0)
				(void)usleep(2000);
			(void)sp_window_fill(&w, &names, claimers);
		}
	}
	_exit(0);
}

static void
keeper(void)
{
	struct sp_err err = { "" };
	struct sp_spool sp;
	struct sp_keep *k = NULL;
	int64_t ms;

	if (sp_spool_open(path, "keeper", &sp, &err) != SP_OK ||
	    sp_keep_new(&sp, false, &k, &err) != SP_OK)
		die("open", &err);
	for (;;) {
		ms = sp_keep_tick(k, 0, sp_mono_ms());
		(void)usleep((useconds_t)(ms > 50 ? 50 : ms) * 1000);
	}
}

static void
fill(long orders)
{
	struct sp_submit *group = calloc(256, sizeof *group);
	struct sp_err err = { "" };
	struct sp_spool sp;
	long i, k;

	if (group == NULL || sp_spool_open(path, "fill", &sp, &err) != SP_OK)
		die("open", &err);
	for (i = 0; i < orders; i += k) {
		for (k = 0; k < 256 && i + k < orders; k++) {
			group[k].text = "{\"scriptName\":\"x.py\"}";
			group[k].len = strlen(group[k].text);
			group[k].prio = -1;
		}
		if (sp_submit(&sp, group, (size_t)k, &err) != SP_OK)
			die("submit", &err);
	}
	sp_spool_close(&sp);
	free(group);
}

static pid_t
start(unsigned claimers)
{
	pid_t pid = fork();

	if (pid == 0)
		claimer(claimers);
	return pid;
}

/* Kill or stop one who holds orders, now and then, and start another. */
static void
disturb(pid_t *pid, unsigned n, int kills, int zombies)
{
	int i, total = kills + zombies;
	long step = sum->orders / (total + 1);

	for (i = 0; i < total; i++) {
		while (sum->committed < step * (i + 1))
			(void)usleep(1000);
		add(i % 2 == 0 && zombies-- > 0 ? &sum->freeze : &sum->murder,
		    1);
		pid[n + (unsigned)i] = start(n);
	}
}

static bool
empty_is(const struct sp_spool *sp)
{
	static const enum sp_dir live[] = { SP_DIR_NEW, SP_DIR_WAITING,
		SP_DIR_ASSIGNED };
	struct sp_names names = { 0 };
	size_t i, left = 0;

	for (i = 0; i < 3; i++) {
		if (sp_list(sp->dir[live[i]], false, &names, NULL) != SP_OK)
			left++;
		left += names.n;
	}
	sp_names_clear(&names);
	return left == 0;
}

int
main(int argc, char **argv)
{
	unsigned n, i;
	struct sp_err err = { "" };
	struct sp_spool sp;
	pid_t pid[256], keep;
	int kills, zombies;

	if (argc != 6)
		return 100;
	path = argv[1];
	n = (unsigned)atoi(argv[2]);
	kills = atoi(argv[4]);
	zombies = atoi(argv[5]);
	sp_log_level(0);
	sum = mmap(NULL, sizeof *sum, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sum->orders = atol(argv[3]);
	if ((int)n + kills + zombies > 256 || zombies > 64 ||
	    sp_spool_open(path, "race", &sp, &err) != SP_OK)
		die("open", &err);
	wins = openat(sp.root, "wins", O_WRONLY | O_CREAT | O_APPEND, 0644);
	fill(sum->orders);
	if ((keep = fork()) == 0)
		keeper();
	for (i = 0; i < n; i++)
		pid[i] = start(n);
	disturb(pid, n, kills, zombies);
	/* Commits made in a dead worker's stead are in nobody's counter: the
	 * end is when nothing is left.  So everybody who sleeps is long dead
	 * for the others when it wakes and tries to commit. */
	while (!empty_is(&sp))
		(void)usleep(50000);
	for (i = 0; i < (unsigned)sum->zombies; i++)
		(void)kill(sum->zombie[i], SIGCONT);
	add(&sum->done, 1);
	for (i = 0; i < n + (unsigned)(kills + zombies); i++)
		(void)waitpid(pid[i], NULL, 0);
	/* Let the keeper publish and put aside what is left. */
	(void)usleep((useconds_t)(sp.policy.half_rename * 1000000) + 6500000);
	(void)kill(keep, SIGKILL);
	(void)waitpid(keep, NULL, 0);
	(void)printf("claimers=%u orders=%ld won=%ld lost=%ld "
		     "killed=%d zombies=%ld late=%ld\n",
	    n, sum->orders, sum->won, sum->lost, kills, sum->zombies,
	    sum->late);
	sp_spool_close(&sp);
	return 0;
}
