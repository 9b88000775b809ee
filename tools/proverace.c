/*
 * proverace.c - several processes want the same at the same moment: of those
 * who rename a file one must win, of those who create one likewise, and who
 * reads a file that is replaced must find the old one or the new one.
 *
 * The racers are children of ours.  They meet at a counter in shared memory
 * before each heat, so that they are as near to each other as two processors
 * allow.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/move.h"
#include "tools/prove.h"

#define RACERS   2
#define HEATS    200
#define SECONDS  20 /* for all heats of a race */
#define REPLACES 200

/* What a racer says of a heat. */
enum said {
	NOTHING, /* there was no such heat */
	LOST,    /* it said no, and there is nothing */
	WON,     /* it said yes, and there it is */
	LIED,    /* it said yes, and there is nothing */
	DENIED   /* it said no, and there it is */
};

struct heats {
	atomic_uint met; /* racers, over all heats */
	atomic_int error;
	atomic_bool over;
	int64_t until;
	unsigned char said[RACERS][HEATS];
};

typedef enum said racer_fn(int dir, int heat, int racer, int *error);

/* Until all have come; false: somebody will not. */
static bool
meet(struct heats *h, int heat)
{
	unsigned all = (unsigned)(heat + 1) * RACERS;

	(void)atomic_fetch_add(&h->met, 1);
	while (atomic_load(&h->met) < all) {
		if (prove_ended || atomic_load(&h->over) ||
		    sp_mono_ms() > h->until) {
			atomic_store(&h->over, true);
			return false;
		}
		(void)sched_yield();
	}
	return true;
}

static void
run(struct heats *h, int dir, int racer, racer_fn *fn)
{
	int heat, error;

	for (heat = 0; heat < HEATS && meet(h, heat); heat++) {
		error = 0;
		h->said[racer][heat] =
		    (unsigned char)fn(dir, heat, racer, &error);
		if (error != 0)
			atomic_store(&h->error, error);
	}
}

/* A child of ours, which ends with us.  0: we are it. */
static pid_t
child(void)
{
	pid_t us = getpid(), pid;

	(void)fflush(stdout);
	if ((pid = fork()) != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != us)
		_exit(1);
	return 0;
}

static void
await(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

/* All heats of a race, NULL with a finding.  Free with unrace. */
static struct heats *
race(struct prove *p, const char *what, int dir, racer_fn *fn)
{
	struct heats *h;
	pid_t pid[RACERS];
	int i;

	h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED) {
		prove_failed(p, what, errno);
		return NULL;
	}
	h->until = sp_mono_ms() + SECONDS * 1000;
	for (i = 0; i < RACERS; i++) {
		if ((pid[i] = child()) == 0) {
			run(h, dir, i, fn);
			_exit(0);
		}
		if (pid[i] == -1) {
			prove_failed(p, what, errno);
			atomic_store(&h->over, true);
		}
	}
	for (i = 0; i < RACERS; i++)
		await(pid[i]);
	return h;
}

static void
unrace(struct heats *h)
{
	(void)munmap(h, sizeof *h);
}

/* What came of it, over all heats. */
struct tally {
	unsigned heats, one, none, more, lied, denied;
};

static struct tally
count(const struct heats *h)
{
	struct tally t = { 0 };
	unsigned won;
	int heat, i;

	for (heat = 0; heat < HEATS; heat++) {
		for (won = 0, i = 0; i < RACERS; i++) {
			enum said said = (enum said)h->said[i][heat];

			if (said == NOTHING)
				return t;
			won += said == WON || said == DENIED;
			t.lied += said == LIED;
			t.denied += said == DENIED;
		}
		t.heats++;
		t.one += won == 1;
		t.none += won == 0;
		t.more += won > 1;
	}
	return t;
}

/* ---- rename ---- */

/* As a claim is: to a name that only this racer makes, in another directory. */
static enum said
rename_one(int dir, int heat, int racer, int *error)
{
	char from[32], to[32];
	struct stat st;
	bool there;
	int why;

	(void)snprintf(from, sizeof from, "a/%d", heat);
	(void)snprintf(to, sizeof to, "b/%d.%d", heat, racer);
	why = sp_rename_said(dir, from, dir, to, 0);
	there = sp_fs_lstat(dir, to, &st) == 0;
	if (why != 0 && why != ENOENT)
		*error = why;
	if (why == 0)
		return there ? WON : LIED;
	return there ? DENIED : LOST;
}

static int
tokens(struct prove *p, int dir)
{
	char name[32];
	int i, error = 0;

	if (sp_fs_mkdir(p->fd, "b", 0777) == -1 && errno != EEXIST)
		return errno;
	for (i = 0; i < HEATS && error == 0; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		error = prove_file(dir, name);
	}
	return error;
}

static void
prove_rename(struct prove *p)
{
	int dir = prove_dir(p, "a"), error;
	struct heats *h;
	struct tally t;

	if (dir == -1)
		return;
	error = tokens(p, dir);
	(void)sp_fs_close(dir);
	if (error != 0) {
		prove_failed(p, "rename", error);
		return;
	}
	if ((h = race(p, "rename", p->fd, rename_one)) == NULL)
		return;
	t = count(h);
	error = atomic_load(&h->error);
	unrace(h);
	if (t.more > 0 || t.none > 0)
		(void)sp_found(&p->found, SP_FOUND_BAD, "rename",
		    "no spool here: a claim must have one winner",
		    "of %u races %u had two winners and %u none%s%s", t.heats,
		    t.more, t.none, error == 0 ? "" : ": ",
		    error == 0 ? "" : strerror(error));
	else if (t.heats < HEATS)
		(void)sp_found(&p->found, SP_FOUND_WARN, "rename",
		    "prove it again when the machine is less busy",
		    "only %u of %d races in %d s, one winner each", t.heats,
		    HEATS, SECONDS);
	else if (t.lied + t.denied > 0)
		(void)sp_found(&p->found, SP_FOUND_WARN, "rename",
		    "it is known and looked for; rather use a mount that "
		    "answers truly",
		    "one winner in each of %u races, but %u were told the "
		    "wrong thing",
		    t.heats, t.lied + t.denied);
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "rename", NULL,
		    "one winner in each of %u races", t.heats);
}

/* ---- O_EXCL ---- */

static enum said
create_one(int dir, int heat, int racer, int *error)
{
	char name[32];
	int fd;

	(void)racer;
	(void)snprintf(name, sizeof name, "x%d", heat);
	fd = sp_fs_open(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd == -1 && errno != EEXIST)
		*error = errno;
	if (fd == -1)
		return LOST;
	(void)sp_fs_close(fd);
	return WON;
}

static void
prove_create(struct prove *p)
{
	struct heats *h;
	struct tally t;
	int dir = prove_dir(p, "x"), error;

	if (dir == -1)
		return;
	h = race(p, "create", dir, create_one);
	(void)sp_fs_close(dir);
	if (h == NULL)
		return;
	t = count(h);
	error = atomic_load(&h->error);
	unrace(h);
	if (t.more > 0 || t.none > 0 || t.heats == 0)
		(void)sp_found(&p->found, SP_FOUND_BAD, "create",
		    "no spool here: O_EXCL must have one winner",
		    "of %u races %u had two winners and %u none%s%s", t.heats,
		    t.more, t.none, error == 0 ? "" : ": ",
		    error == 0 ? "" : strerror(error));
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "create", NULL,
		    "O_EXCL: one winner in each of %u races", t.heats);
}

/* ---- replacing ---- */

struct reader {
	atomic_bool over;
	atomic_uint looks, missing, torn;
	atomic_int error;
};

/* The text is a number, twice: half of one and half of another differ. */
static void
read_on(int dir, struct reader *r)
{
	char text[64];
	ssize_t n;
	int a, b, fd;

	while (!atomic_load(&r->over) && !prove_ended) {
		(void)atomic_fetch_add(&r->looks, 1);
		fd = sp_fs_open(dir, "beat", O_RDONLY, 0);
		if (fd == -1) {
			if (errno == ENOENT)
				(void)atomic_fetch_add(&r->missing, 1);
			else if (errno != ESTALE)
				atomic_store(&r->error, errno);
			(void)sched_yield();
			continue;
		}
		n = sp_fs_read(fd, text, sizeof text - 1);
		text[n < 0 ? 0 : n] = '\0';
		/* A server may have forgotten the old one: read again. */
		if (n >= 0 && (sscanf(text, "%d %d.", &a, &b) != 2 || a != b))
			(void)atomic_fetch_add(&r->torn, 1);
		(void)sp_fs_close(fd);
		(void)sched_yield();
	}
}

static int
replace(int dir, int i)
{
	char text[64];
	int fd, n, why = 0;

	n = snprintf(text, sizeof text, "%d %d.", i, i);
	fd = sp_fs_open(dir, "new", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd == -1)
		return errno;
	if (sp_fs_write(fd, text, (size_t)n) != n)
		why = EIO;
	if (sp_fs_close(fd) == -1 && why == 0)
		why = errno;
	return why != 0 ? why : sp_rename_said(dir, "new", dir, "beat", 0);
}

static void
prove_replace(struct prove *p)
{
	int dir = prove_dir(p, "r"), i, error;
	int64_t until = sp_mono_ms() + SECONDS * 1000;
	struct reader *r;
	pid_t pid;

	r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (dir == -1 || r == MAP_FAILED)
		return;
	error = replace(dir, 0);
	if (error == 0 && (pid = child()) == 0) {
		read_on(dir, r);
		_exit(0);
	} else if (error == 0 && pid > 0) {
		/* On, until it has looked at some of them. */
		for (i = 1;
		     error == 0 && !prove_ended && sp_mono_ms() < until &&
		     (i < REPLACES || atomic_load(&r->looks) < REPLACES);
		     i++)
			error = replace(dir, i);
		atomic_store(&r->over, true);
		await(pid);
	}
	(void)sp_fs_close(dir);
	if (error == 0)
		error = atomic_load(&r->error);
	if (error != 0)
		prove_failed(p, "replace", error);
	else if (atomic_load(&r->missing) + atomic_load(&r->torn) > 0)
		(void)sp_found(&p->found, SP_FOUND_BAD, "replace",
		    "no spool here: a file that is replaced must be the old "
		    "or the new one",
		    "of %u looks at a file that was being replaced %u found "
		    "none and %u a torn one",
		    atomic_load(&r->looks), atomic_load(&r->missing),
		    atomic_load(&r->torn));
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "replace", NULL,
		    "the old or the new file at each of %u looks",
		    atomic_load(&r->looks));
	(void)munmap(r, sizeof *r);
}

void
prove_races(struct prove *p)
{
	prove_rename(p);
	if (!prove_ended)
		prove_create(p);
	if (!prove_ended)
		prove_replace(p);
}
