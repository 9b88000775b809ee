/*
 * cgroup.c - where our control group is, what we may do there, our own part of
 * it.  An attempt's group is group.c's business.
 *
 * A group that has controllers for its children may hold no process itself
 * (but for the root), so to have the memory controller we go into a child of
 * our own first; only if nobody else is in the group that we came from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "workerd/cgroup.h"
#include "workerd/cgroupfile.h"

#define PREFIX "spool-"
#define LEAF   "worker"
#define ROUNDS 200 /* 10 ms apart, until the killed are gone */

/* ---- files of a group ---- */

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

ssize_t
cg_read(int dir, const char *file, char *buf, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	buf[0] = '\0';
	if (fd == -1)
		return -1;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	buf[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

int
cg_open(int at, const char *path)
{
	return openat(
	    at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Each child group of it: f(dir, name). */
static void
each(int dir, void (*f)(int dir, const char *name, void *arg), void *arg)
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
	each(fd, remove_below, NULL);
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
	each(fd, kill_below, NULL);
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

bool
cg_empty_is(int fd)
{
	char text[256];

	if (cg_read(fd, "cgroup.events", text, sizeof text) < 0)
		return errno == ENOENT || errno == ENODEV; /* removed */
	return strstr(text, "populated 1") == NULL;
}

void
cg_procs(int fd, struct procs *all)
{
	char buf[16384], *at = buf, *end;
	struct proc *p;
	long pid;

	procs_clear(all);
	if (cg_read(fd, "cgroup.procs", buf, sizeof buf) <= 0 ||
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

/* ---- where we are ---- */

/* "0::/path" of /proc/self/cgroup. */
static bool
own_path(char out[PATH_MAX])
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f != NULL && !found && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "0::/", 4) == 0;
		if (found)
			(void)snprintf(out, PATH_MAX, "%s", line + 3);
	}
	free(line);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* A line of mountinfo: is it a mount of the unified tree that shows `own`? */
static bool
shows(char *line, const char *own, char out[PATH_MAX])
{
	char root[PATH_MAX], point[PATH_MAX];
	const char *type = strstr(line, " - ");
	struct statfs fs;
	size_t n;
	int len;

	if (type == NULL || strncmp(type, " - cgroup2 ", 11) != 0 ||
	    sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 ||
	    strchr(point, '\\') != NULL)
		return false;
	n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(own, root, n) != 0 || (own[n] != '/' && own[n] != '\0'))
		return false;
	len = snprintf(out, PATH_MAX, "%s%s", point, own + n);
	/* Another mount may cover it. */
	return len > 0 && len < PATH_MAX && statfs(out, &fs) == 0 &&
	    fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool
find_home(char out[PATH_MAX])
{
	char own[PATH_MAX], *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f;

	if (!own_path(own) || strstr(own, "/..") != NULL ||
	    (f = fopen("/proc/self/mountinfo", "re")) == NULL)
		return false;
	if (own[1] == '\0')
		own[0] = '\0';
	while (!found && getline(&line, &size, f) > 0)
		found = shows(line, own, out);
	free(line);
	(void)fclose(f);
	return found;
}

/* ---- ours ---- */

static void
pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* Kill all in it but ourselves and remove it. */
static void
empty_out(int home, const char *name)
{
	int fd = cg_open(home, name), round;

	if (fd == -1)
		return;
	for (round = 0; round < ROUNDS && !cg_empty_is(fd); round++) {
		cg_kill(fd);
		pause_ms(10);
	}
	(void)close(fd);
	cg_remove(home, name);
}

/* A worker's that does not live: nobody holds its lock. */
static void
clear_dead(int home, const char *name, void *arg)
{
	int fd;

	(void)arg;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
	    (fd = cg_open(home, name)) == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		empty_out(home, name);
	(void)close(fd);
}

static bool
has_word(int dir, const char *file, const char *word)
{
	char text[512], *save = NULL, *at;

	if (cg_read(dir, file, text, sizeof text) < 0)
		return false;
	for (at = strtok_r(text, " \n", &save); at != NULL;
	     at = strtok_r(NULL, " \n", &save))
		if (strcmp(at, word) == 0)
			return true;
	return false;
}

static bool
alone_is(int home)
{
	char text[64], self[24];

	(void)snprintf(self, sizeof self, "%d\n", (int)getpid());
	return cg_read(home, "cgroup.procs", text, sizeof text) >= 0 &&
	    strcmp(text, self) == 0;
}

/* Controllers for attempts' groups, as far as we get them. */
static void
controllers(struct cgroup *c, int home)
{
	static const char *const want[] = { "memory", "cpu" };
	char word[16];
	size_t i;

	/* The root alone has no type, and may hold processes anyway. */
	if (has_word(home, "cgroup.controllers", "memory") &&
	    !has_word(home, "cgroup.subtree_control", "memory") &&
	    alone_is(home) && faccessat(home, "cgroup.type", F_OK, 0) == 0 &&
	    mkdirat(c->base, LEAF, 0755) == 0) {
		c->moved = cg_write(c->base, LEAF "/cgroup.procs", "0");
		if (!c->moved)
			cg_remove(c->base, LEAF);
	}
	for (i = 0; i < sizeof want / sizeof *want; i++) {
		(void)snprintf(word, sizeof word, "+%s", want[i]);
		if (!has_word(home, "cgroup.subtree_control", want[i]))
			(void)cg_write(home, "cgroup.subtree_control", word);
		(void)cg_write(c->base, "cgroup.subtree_control", word);
	}
	c->memory = has_word(c->base, "cgroup.subtree_control", "memory");
	c->cpu = has_word(c->base, "cgroup.subtree_control", "cpu");
}

/* Ours, locked before anybody takes it for a dead one's. */
static bool
make_base(struct cgroup *c, int home, const char *name)
{
	struct stat a, b;
	int round;

	for (round = 0; round < 10; round++) {
		if (mkdirat(home, name, 0755) == -1 && errno != EEXIST)
			return false;
		if ((c->base = cg_open(home, name)) == -1)
			continue;
		if (flock(c->base, LOCK_EX | LOCK_NB) == 0 &&
		    fstat(c->base, &a) == 0 &&
		    fstatat(home, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		    a.st_ino == b.st_ino)
			return true;
		(void)close(c->base);
		c->base = -1;
		pause_ms(10);
	}
	return false;
}

void
cgroup_open(struct cgroup *c, const char *worker, char why[128])
{
	char name[128];
	int home;

	*c = (struct cgroup){ .base = -1 };
	why[0] = '\0';
	if (!find_home(c->home)) {
		(void)snprintf(why, 128, "no cgroup2 is mounted here");
		return;
	}
	(void)snprintf(name, sizeof name, PREFIX "%s", worker);
	(void)snprintf(c->path, sizeof c->path, "%.3900s/%s", c->home, name);
	if ((home = cg_open(AT_FDCWD, c->home)) == -1 ||
	    faccessat(home, "cgroup.procs", W_OK, AT_EACCESS) == -1 ||
	    (each(home, clear_dead, NULL), !make_base(c, home, name))) {
		(void)snprintf(why, 128, "not ours: %s", strerror(errno));
		if (home != -1)
			(void)close(home);
		return;
	}
	c->on = true;
	controllers(c, home);
	(void)close(home);
}

/* ---- the end ---- */

static void
kill_attempt(int base, const char *name, void *arg)
{
	(void)arg;
	if (strcmp(name, LEAF) != 0)
		empty_out(base, name);
}

void
cgroup_close(struct cgroup *c)
{
	int home, base;

	if (!c->on)
		return;
	c->on = false;
	while (c->idle_n > 0)
		(void)close(c->idle[--c->idle_n].fd);
	home = cg_open(AT_FDCWD, c->home);
	base = cg_open(AT_FDCWD, c->path);
	if (base != -1)
		each(base, kill_attempt, NULL);
	if (home != -1 && base != -1 && c->moved) {
		(void)cg_write(base, "cgroup.subtree_control", "-memory");
		(void)cg_write(base, "cgroup.subtree_control", "-cpu");
		(void)cg_write(home, "cgroup.subtree_control", "-memory");
		(void)cg_write(home, "cgroup.subtree_control", "-cpu");
		(void)cg_write(home, "cgroup.procs", "0");
	}
	if (base != -1)
		(void)close(base);
	if (home != -1) {
		cg_remove(home, strrchr(c->path, '/') + 1);
		(void)close(home);
	}
	if (c->base != -1)
		(void)close(c->base);
	c->base = -1;
}

struct keep {
	const struct cgroup *c;
	const struct group *const *keep;
	int n;
};

static void
sweep_one(int base, const char *name, void *arg)
{
	const struct keep *k = arg;
	int i, fd;

	for (i = 0; i < k->n; i++)
		if (strcmp(k->keep[i]->name, name) == 0)
			return;
	for (i = 0; i < k->c->idle_n; i++)
		if (strcmp(k->c->idle[i].name, name) == 0)
			return;
	if (strcmp(name, LEAF) == 0 || (fd = cg_open(base, name)) == -1)
		return;
	if (cg_empty_is(fd))
		cg_remove(base, name);
	else
		cg_kill(fd);
	(void)close(fd);
}

void
cgroup_sweep(const struct cgroup *c, const struct group *const *keep, int n)
{
	struct keep k = { .c = c, .keep = keep, .n = n };

	if (c->on)
		each(c->base, sweep_one, &k);
}
