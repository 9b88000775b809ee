/*
 * nq.c - nq: no daemon, each job is a process that waits by flock for those
 * before it.  One directory runs one job at a time: a directory for each slot,
 * fed by turns.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define DEADLINE 20.0

static char nq[PATH_MAX];
static const char *line[8];
static size_t given;

static void
lane(size_t i)
{
	char name[16];

	(void)snprintf(name, sizeof name, "lane%zu", i % PEER_SLOTS);
	peer_env_path("NQDIR", name);
}

static void
begin(enum peer_work work, int form)
{
	const char *const *argv = peer_argv(work);
	size_t i;

	(void)form;
	if (peer_find("nq", nq) == NULL)
		bench_die("no nq");
	for (i = 0; i < PEER_SLOTS; i++)
		(void)close(bench_dir("lane%zu", i));
	line[0] = nq;
	for (i = 0; argv[i] != NULL; i++)
		line[i + 1] = argv[i];
}

static void
submit(size_t n)
{
	for (; n > 0; n--) {
		lane(given++);
		peer_call(line);
	}
}

/* What nq writes when a job has ended stands at the end of its file. */
static bool
good(int dirfd, const char *name)
{
	static const char words[] = "[exited with status 0.]";
	char text[4096];
	ssize_t len;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	len = fd == -1 ? -1 : read(fd, text, sizeof text - 1);
	(void)close(fd);
	if (len == -1)
		return false;
	text[len] = '\0';
	return strstr(text, words) != NULL;
}

static size_t
count_good(void)
{
	size_t i, found = 0;
	char name[16];
	struct dirent *e;
	DIR *d;

	for (i = 0; i < PEER_SLOTS; i++) {
		(void)snprintf(name, sizeof name, "lane%zu", i);
		if ((d = opendir(name)) == NULL)
			bench_die("no %s", name);
		while ((e = readdir(d)) != NULL)
			found +=
			    e->d_name[0] == ',' && good(dirfd(d), e->d_name);
		(void)closedir(d);
	}
	return found;
}

/* `nq -w` may come back a moment before the last one's status is there. */
static void
await(size_t n)
{
	double limit = bench_now() + DEADLINE;
	size_t i;

	for (i = n < PEER_SLOTS ? given - n : given - PEER_SLOTS; i < given;
	     i++) {
		lane(i);
		peer_call((const char *[]){ nq, "-w", NULL });
	}
	while (count_good() != given) {
		if (bench_now() > limit)
			bench_die("nq: %zu of %zu jobs ended well",
			    count_good(), given);
		bench_pause(0.001);
	}
}

static void
end(void)
{
}

const struct peer_kind peer_nq = { "nq", NULL, begin, submit, await, end };
