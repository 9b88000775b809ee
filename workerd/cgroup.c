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

#include "libspool/name.h"
#include "workerd/cgroup.h"
#include "workerd/cgroupfile.h"

#define PREFIX "spool-"
#define LEAF   "worker"
#define ROUNDS 200 /* 10 ms apart, until the killed are gone */

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
	for (round = 0; round < ROUNDS && !cg_empty_is(fd, NULL); round++) {
		cg_kill(fd);
		pause_ms(10);
	}
	(void)close(fd);
	cg_remove(home, name);
}

static void
attempt_or(int dir, const char *name, void *arg)
{
	char text[SP_ID_LEN + 1];
	bool *ok = arg;
	struct sp_id id;

	(void)dir;
	(void)snprintf(text, sizeof text, "%.*s", SP_ID_LEN, name);
	*ok = *ok &&
	    (strcmp(name, LEAF) == 0 || strncmp(name, "warm.", 5) == 0 ||
		(sp_id_parse(text, &id) == SP_OK &&
		    strncmp(name + SP_ID_LEN, ".t", 2) == 0));
}

/* A worker's, and no other program's that likes the name: it is called like
 * one, it is ours, and has nothing in it but what workers make. */
static bool
worker_is(int fd, const char *name)
{
	struct procs procs = { 0 };
	struct stat st;
	bool ok = true;

	if (!sp_worker_ok(name + strlen(PREFIX)) || fstat(fd, &st) == -1 ||
	    st.st_uid != geteuid())
		return false;
	cg_procs(fd, &procs);
	ok = procs.n == 0;
	procs_clear(&procs);
	cg_each(fd, attempt_or, &ok);
	return ok;
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
	if (worker_is(fd, name) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		empty_out(home, name);
	(void)close(fd);
}

static bool
has_word(int dir, const char *file, const char *word)
{
	char text[512], *save = NULL, *at;

	if (proc_text(dir, file, text, sizeof text) < 0)
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
	return proc_text(home, "cgroup.procs", text, sizeof text) >= 0 &&
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
	    (cg_each(home, clear_dead, NULL), !make_base(c, home, name))) {
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
		group_close(&c->idle[--c->idle_n]);
	home = cg_open(AT_FDCWD, c->home);
	base = cg_open(AT_FDCWD, c->path);
	if (base != -1)
		cg_each(base, kill_attempt, NULL);
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
	if (cg_empty_is(fd, NULL))
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
		cg_each(c->base, sweep_one, &k);
}
