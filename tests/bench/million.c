/*
 * million.c - a spool with much in it, half waiting and half done: how fast it
 * is indexed, against a loop in C that opens, reads, closes and parses the same
 * files with jansson; the first line of spool ls, show and wait, and the memory
 * and the CPU time of idle daemons, against the limits that we set ourselves.
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define LINE_MS   50.0 /* limits */
#define SPOOLD_MB 64.0
#define WORKER_MB 8.0
#define CPU_SHARE 1.0 /* ms a second: 0.1 % */
#define IDLE      10  /* seconds */

static char spool_path[BENCH_PATH];
static char first_id[SP_ID_LEN + 1], last_id[SP_ID_LEN + 1];

/* ---- the floor ---- */

static size_t
parse_dir(int fd, char *day_out)
{
	static char text[1 << 20];
	struct dirent *e;
	json_error_t why;
	size_t n = 0;
	json_t *json;
	ssize_t len;
	DIR *d;
	int file;

	if ((d = fdopendir(fd)) == NULL)
		bench_die("cannot list");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (day_out != NULL) {
			(void)snprintf(day_out, 16, "%.15s", e->d_name);
			continue;
		}
		file = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
		len = file == -1 ? -1 : read(file, text, sizeof text);
		if (len <= 0 || close(file) == -1)
			bench_die("cannot read %s", e->d_name);
		json = json_loadb(text, (size_t)len, 0, &why);
		if (json == NULL)
			bench_die("%s: %s", e->d_name, why.text);
		json_decref(json);
		n++;
	}
	(void)closedir(d);
	return n;
}

/* Files a second. */
static double
floor_rate(size_t *files_out)
{
	double begin = bench_now();
	char day[16] = "";
	size_t n;

	n = parse_dir(bench_dir("%s/new", spool_path), NULL);
	n += parse_dir(bench_dir("%s/outcomes", spool_path), NULL);
	(void)parse_dir(bench_dir("%s/done", spool_path), day);
	n += parse_dir(bench_dir("%s/done/%s", spool_path, day), NULL);
	*files_out = n;
	return (double)n / (bench_now() - begin);
}

/* ---- ours ---- */

static double
index_rate(size_t files)
{
	char program[PATH_MAX];
	const char *argv[] = { program, "-s", spool_path, "reindex", NULL };
	double begin;

	bench_program("spool", program);
	begin = bench_now();
	bench_reap(bench_start(argv), "reindex");
	return (double)files / (bench_now() - begin);
}

/* Until there is something to read, ms; the rest of it is not waited for. */
static double
first_line(const char *verb, const char *id)
{
	double begin = bench_now(), took;
	char program[PATH_MAX], byte;
	int ends[2], status;
	pid_t pid;

	bench_program("spool", program);
	if (pipe(ends) == -1 || (pid = fork()) == -1)
		bench_die("cannot fork");
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)execl(
		    program, "spool", "-s", spool_path, verb, id, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	/* wait says nothing: its end is the answer */
	if (read(ends[0], &byte, 1) == -1)
		bench_die("%s says nothing", verb);
	took = (bench_now() - begin) * 1000;
	(void)close(ends[0]);
	(void)waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		bench_die("spool %s: %d", verb, WEXITSTATUS(status));
	return took;
}

/* ---- idle ---- */

static double
status_mb(pid_t pid, const char *what)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		bench_die("it is gone");
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, what, strlen(what)) == 0)
			kib = strtod(line + strlen(what) + 1, NULL);
	(void)fclose(f);
	return kib / 1024;
}

/* Of the last `seconds`, ms a second; a tick is 10 ms. */
static double
cpu_share(pid_t pid, int seconds)
{
	double before = bench_cpu(pid), took = bench_now();
	int i;

	for (i = 0; i < seconds; i++)
		bench_pause(0.999);
	took = bench_now() - took;
	return (bench_cpu(pid) - before) * 1000 / took;
}

static double
some(double x)
{
	return x < 0.001 ? 0.001 : x; /* a row has no zeros */
}

/* It has looked at all there is. */
static void
rest(pid_t pid)
{
	double until = bench_now() + 1800;

	while (cpu_share(pid, bench_quick() ? 1 : 2) > 5)
		if (bench_now() > until)
			bench_die("it does not come to rest");
}

static void
limit(const char *what, const char *title, const char *unit, double ours,
    double most)
{
	char row[128];

	(void)snprintf(row, sizeof row, "%s, %s : the limit", what, title);
	bench_row(row, unit, some(ours), most, most);
}

static void
idle(const char *title)
{
	int seconds = bench_quick() ? 1 : IDLE;
	pid_t pid = bench_spoold(spool_path), worker;
	struct sp_spool sp;

	bench_pause(0.9);
	rest(pid);
	limit("spoold, the most", title, "MiB", status_mb(pid, "VmHWM:"),
	    SPOOLD_MB);
	limit("spoold, at rest", title, "ms/s", cpu_share(pid, seconds),
	    CPU_SHARE);
	limit("ls, first line", title, "ms", first_line("ls", NULL), LINE_MS);
	limit("show, first line", title, "ms", first_line("show", last_id),
	    LINE_MS);
	limit("wait", title, "ms", first_line("wait", first_id), LINE_MS);
	bench_stop(pid, "spoold");

	/* With nothing to do, beside a spool that nobody keeps. */
	bench_fresh("million-idle", spool_path);
	bench_spool(spool_path, &sp);
	sp_spool_close(&sp);
	worker = bench_worker(spool_path, "2", NULL);
	bench_await_beat(spool_path, "bench");
	bench_pause(0.9);
	limit("workerd, idle", "empty", "MiB", status_mb(worker, "VmRSS:"),
	    WORKER_MB);
	limit("workerd, at rest", "empty", "ms/s", cpu_share(worker, seconds),
	    CPU_SHARE);
	bench_stop(worker, "workerd");
}

static void
ids(size_t n)
{
	struct dirent *e;
	char path[BENCH_PATH + 16];
	DIR *d;

	(void)n;
	(void)snprintf(path, sizeof path, "%s/outcomes", spool_path);
	if ((d = opendir(path)) == NULL)
		bench_die("no outcomes");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)snprintf(
			    first_id, sizeof first_id, "%.27s", e->d_name);
	(void)closedir(d);
	(void)snprintf(path, sizeof path, "%s/new", spool_path);
	if ((d = opendir(path)) == NULL)
		bench_die("no orders");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)snprintf(
			    last_id, sizeof last_id, "%.27s", e->d_name + 3);
	(void)closedir(d);
}

static void
one_size(size_t n, const char *title)
{
	double before, after, ours;
	size_t files, i;
	char row[128];

	bench_lay("million", n, n, spool_path);
	ids(n);
	for (i = 0; i < (bench_quick() ? 1 : 2); i++) {
		before = floor_rate(&files);
		ours = index_rate(files);
		after = floor_rate(&files);
		(void)snprintf(row, sizeof row,
		    "index, %s : open+read+close+jansson", title);
		bench_row(row, "files/s", ours, before, after);
	}
	idle(title);
}

int
main(int argc, char **argv)
{
	bench_begin(argc, argv);
	if (getenv("BENCH_FULL") == NULL)
		one_size(bench_many(50000), "50k+50k");
	else
		one_size(1000000, "1M+1M");
	return 0;
}
