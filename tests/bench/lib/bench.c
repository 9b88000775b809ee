/*
 * bench.c - clock, scratch and output of the benchmarks; nothing here is
 * measured but the few calls that create, rename and sync, of which the floors
 * are made.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define REST                                                                   \
	" \"hiddenLayers\": [64, 64, 32], \"activation\": \"relu\","           \
	" \"optimizer\": \"adam\", \"learningRate\": 0.00125,"                 \
	" \"momentum\": 0.9, \"weightDecay\": 1e-05, \"dropout\": 0.25,"       \
	" \"batchSize\": 128, \"epochs\": 40, \"seed\": 20261122,"             \
	" \"lossFunction\": \"categorical_crossentropy\","                     \
	" \"metrics\": [\"accuracy\", \"precision\", \"recall\"],"             \
	" \"trainShare\": 0.8, \"shuffle\": true, \"standardize\": true,"      \
	" \"description\": \"a job that does nothing, at the size of one that" \
	" does something\", \"order\": {\"name\": \"bench\"}}\n"

const char bench_job[] =
    "{\"projectName\": \"bench\", \"scriptName\": \"true\"," REST;
const char bench_python[] =
    "{\"projectName\": \"bench\", \"scriptName\": \"true.py\"," REST;

static char bin[PATH_MAX];
static double began;

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

void
bench_begin(int argc, char **argv)
{
	if (argc != 3)
		bench_die("usage: %s SCRATCH BINDIR", argv[0]);
	if (realpath(argv[2], bin) == NULL || chdir(argv[1]) == -1)
		bench_die("no such directories: %s %s", argv[1], argv[2]);
	began = bench_now();
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void
bench_program(const char *name, char path_out[])
{
	if (snprintf(path_out, PATH_MAX, "%s/%s", bin, name) >= PATH_MAX)
		bench_die("path too long");
	if (access(path_out, X_OK) == -1)
		bench_die("%s is not built", name);
}

/* ---- how much, how long ---- */

bool
bench_quick(void)
{
	const char *text = getenv("BENCH_QUICK");

	return text != NULL && text[0] != '\0' && strcmp(text, "0") != 0;
}

/* Rounds enough for a median, but `make bench` is to end within seven minutes
 * on a slow disk too. */
bool
bench_round(size_t done)
{
	if (done == 0)
		return true;
	return !bench_quick() && done < 7 && bench_now() - began < 50;
}

size_t
bench_many(size_t usual)
{
	return bench_quick() ? usual / 20 + 1 : usual;
}

double
bench_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
bench_pause(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);

	(void)nanosleep(&t, NULL);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double
bench_percentile(double *value, size_t n, double p)
{
	size_t at = (size_t)((double)n * p);

	qsort(value, n, sizeof *value, by_value);
	return value[at < n ? at : n - 1];
}

void
bench_row(
    const char *row, const char *unit, double ours, double before, double after)
{
	(void)printf(
	    "%s\t%s\t%.6g\t%.6g\t%.6g\n", row, unit, ours, before, after);
}

void
bench_skip(const char *row, const char *why)
{
	(void)printf("SKIP\t%s\t%s\n", row, why);
}

/* ---- files ---- */

void
bench_fresh(const char *kind, char path_out[BENCH_PATH])
{
	static unsigned count;

	(void)snprintf(path_out, BENCH_PATH, "%.40s.%ld.%u", kind,
	    (long)getpid(), count++);
}

int
bench_dir(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int fd;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	(void)mkdir(path, 0777);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		bench_die("cannot make %s", path);
	return fd;
}

void
bench_spool(const char *path, struct sp_spool *spool_out)
{
	struct sp_err err = { 0 };

	if (sp_spool_make(path, &err) != SP_OK ||
	    sp_spool_open(path, "bench", spool_out, &err) != SP_OK)
		bench_die("%s: %s", path, err.text);
}

void
bench_names(struct sp_name *names_out, size_t n)
{
	int64_t now = sp_wall_ms();
	size_t i;

	(void)memset(names_out, 0, n * sizeof *names_out);
	for (i = 0; i < n; i++) {
		sp_id_make(now, (uint32_t)i, &names_out[i].id);
		names_out[i].prio = SP_PRIO_USUAL;
		names_out[i].ticket = 1;
		(void)strcpy(names_out[i].label, "bench");
	}
}

struct sp_name *
bench_orders(const char *path, const char *from, const char *script,
    const char *job, size_t n)
{
	char text[SP_NAME_MAX], file[BENCH_PATH + 32];
	struct sp_name *name;
	struct sp_spool sp;
	size_t i;

	bench_spool(path, &sp);
	(void)snprintf(file, sizeof file, "%s/scripts/%s", path, script);
	bench_copy(from, file);
	if ((name = calloc(n, sizeof *name)) == NULL)
		bench_die("no memory");
	bench_names(name, n);
	for (i = 0; i < n; i++) {
		sp_name_print(&name[i], text);
		bench_write(sp.dir[SP_DIR_NEW], text, job, strlen(job), false);
	}
	bench_settle(sp.root);
	sp_spool_close(&sp);
	return name;
}

struct sp_run
bench_run(const struct sp_name *claimed)
{
	int64_t now = sp_wall_ms();

	return (struct sp_run){ .name = *claimed,
		.host = "bench",
		.started = now,
		.finished = now,
		.seconds = 0.001,
		.cause = SP_CAUSE_OK };
}

int
bench_create(
    int dirfd, const char *name, const void *text, size_t len, bool sync)
{
	int fd;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len)
		bench_die("cannot write %s", name);
	if (sync)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return fd;
}

void
bench_finish(int fd, bool sync)
{
	if (sync)
		bench_sync(fd);
	if (close(fd) == -1)
		bench_die("close failed");
}

void
bench_write(
    int dirfd, const char *name, const void *text, size_t len, bool sync)
{
	bench_finish(bench_create(dirfd, name, text, len, sync), sync);
}

void
bench_rename(int fromfd, const char *from, int tofd, const char *to)
{
	if (renameat(fromfd, from, tofd, to) == -1)
		bench_die("cannot rename %s to %s", from, to);
}

void
bench_sync(int fd)
{
	if (fsync(fd) == -1)
		bench_die("fsync failed");
}

void
bench_settle(int fd)
{
	if (syncfs(fd) == -1)
		bench_die("syncfs failed");
}

void
bench_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char block[65536];
	ssize_t n;

	if (in == -1 || out == -1)
		bench_die("cannot copy %s to %s", from, to);
	while ((n = read(in, block, sizeof block)) > 0)
		if (write(out, block, (size_t)n) != n)
			bench_die("cannot write %s", to);
	if (n == -1 || close(in) == -1 || close(out) == -1)
		bench_die("cannot copy %s to %s", from, to);
}

size_t
bench_count(const char *path)
{
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}
