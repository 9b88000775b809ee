/*
 * cgroupfile.c - the files of one control group: read, written, its processes
 * listed and killed, those below it gone through.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/cgroupfile.h"

bool
cg_write(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = write(fd, text, strlen(text));
	(void)close(fd);
	return n == (ssize_t)strlen(text);
}

int
cg_open(int at, const char *path)
{
	return openat(
	    at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Each child group of it: f(dir, name). */
void
cg_each(int dir, void (*f)(int dir, const char *name, void *arg), void *arg)
{
	int at = cg_open(dir, ".");
	struct dirent *e;
	DIR *d;

	if (at == -1 || (d = fdopendir(at)) == NULL) {
		if (at != -1)
			(void)close(at);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			f(dir, e->d_name, arg);
	(void)closedir(d);
}

static void
remove_below(int dir, const char *name, void *arg)
{
	int fd;

	(void)arg;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 ||
	    (fd = cg_open(dir, name)) == -1)
		return;
	cg_each(fd, remove_below, NULL);
	(void)close(fd);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

void
cg_remove(int dir, const char *name)
{
	remove_below(dir, name, NULL);
}

static void
kill_below(int dir, const char *name, void *arg)
{
	struct procs all = { 0 };
	int fd = cg_open(dir, name);
	size_t i;

	(void)arg;
	if (fd == -1)
		return;
	cg_procs(fd, &all);
	for (i = 0; i < all.n; i++)
		(void)proc_signal(&all.at[i], SIGKILL);
	procs_clear(&all);
	cg_each(fd, kill_below, NULL);
	(void)close(fd);
}

void
cg_kill(int fd)
{
	if (cg_write(fd, "cgroup.kill", "1"))
		return;
	/* Before Linux 5.14: so that none starts another one meanwhile. */
	(void)cg_write(fd, "cgroup.freeze", "1");
	kill_below(fd, ".", NULL);
	(void)cg_write(fd, "cgroup.freeze", "0");
}

static bool
says_empty(const char *text, bool *frozen_out)
{
	if (frozen_out != NULL)
		*frozen_out = strstr(text, "frozen 0") == NULL;
	return strstr(text, "populated 1") == NULL;
}

bool
cg_empty_is(int fd, bool *frozen_out)
{
	char text[256];

	if (proc_text(fd, "cgroup.events", text, sizeof text) < 0)
		return errno == ENOENT || errno == ENODEV; /* removed */
	return says_empty(text, frozen_out);
}

int
cg_events_open(int fd)
{
	return openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
}

bool
cg_events_empty_is(int events, bool *frozen_out)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof text - 1, 0);

	if (n < 0)
		return errno == ENODEV; /* removed */
	text[n] = '\0';
	return says_empty(text, frozen_out);
}

void
cg_procs(int fd, struct procs *all)
{
	char buf[16384], *at = buf, *end;
	struct proc *p;
	long pid;

	procs_clear(all);
	if (proc_text(fd, "cgroup.procs", buf, sizeof buf) <= 0 ||
	    (p = calloc(sizeof buf / 2, sizeof *p)) == NULL)
		return;
	all->at = p;
	all->cap = sizeof buf / 2;
	for (;; at = end) {
		pid = strtol(at, &end, 10);
		if (end == at || *end != '\n')
			return;
		if (proc_read((pid_t)pid, &p[all->n]))
			all->n++;
	}
}
