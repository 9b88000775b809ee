/*
 * as.c - jobs that run as their owners: whose they are, and what is made his.
 * The change of the user itself is as/workerd-as.c's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/owner.h"
#include "transport/reach.h"
#include "workerd/as.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

#define LEAST   1000 /* as workerd-as has it */
#define DEEPEST 128

/* ---- set-up ---- */

/* It will be root: nobody else's to write. */
static bool
helper_ok(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & 022) == 0 &&
	    (st.st_mode & (S_ISUID | S_ISGID)) == 0 && access(path, X_OK) == 0;
}

static bool
helper_find(char out[PATH_MAX])
{
	static const char *const places[] = { "workerd-as",
		"../libexec/spool/workerd-as" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 64);
	size_t i;
	char *slash;

	self[n < 0 ? 0 : n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return false;
	for (i = 0; i < sizeof places / sizeof *places; i++) {
		(void)snprintf(slash + 1, 64, "%s", places[i]);
		if (realpath(self, out) != NULL && helper_ok(out))
			return true;
	}
	return false;
}

enum sp_status
as_open(struct worker *w, struct sp_err *err)
{
	enum sp_status st;

	if (!w->opt.as_owner)
		return SP_OK;
	if (geteuid() != 0 || w->opt.allow_root)
		return sp_err_set(err, SP_FATAL,
		    w->opt.allow_root
			? "--as-owner and --allow-root: no job runs as root "
			  "where each runs as its owner; leave one out"
			: "--as-owner: only root can run jobs as their owners");
	if (w->far || w->opt.origin != NULL)
		return sp_err_set(err, SP_FATAL,
		    "--as-owner: whose an order is, is known of a directory "
		    "alone: mount the spool");
	if (!helper_find(w->as.helper))
		return sp_err_set(err, SP_FATAL,
		    "--as-owner: no workerd-as beside workerd that is root's "
		    "and nobody else's to write");
	if ((st = tr_spool_open(w->opt.url, "as", &w->as.spool, err)) != SP_OK)
		return st;
	/* Users go through it to what is theirs. */
	if (chmod(w->dir, 0711) == -1)
		return sp_err_sys(err, "chmod %s", w->dir);
	w->as.on = w->opt.cold = true;
	return SP_OK;
}

void
as_close(struct worker *w)
{
	if (w->as.on)
		sp_spool_close(&w->as.spool);
}

/* ---- whose ---- */

static enum sp_status
ask(struct worker *w, enum sp_state state, const struct sp_name *name,
    struct as_owner *owner, char why[128])
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_owner_of(
	    &w->as.spool, state, name, &owner->uid, owner->user, &err);
	if (st == SP_OK && owner->uid < LEAST)
		st = sp_err_set(&err, SP_BAD,
		    "its owner is uid %u, and users below %d run no jobs",
		    (unsigned)owner->uid, LEAST);
	else if (st == SP_OK && owner->user[0] == '\0')
		st = sp_err_set(&err, SP_BAD,
		    "its owner, uid %u, had no name where it was taken in",
		    (unsigned)owner->uid);
	(void)snprintf(why, 128, "--as-owner: %.110s", err.text);
	return st;
}

bool
as_judge(struct worker *w, const struct sp_name *name, const struct sp_job *job,
    char why[128])
{
	struct as_owner owner;

	if (!w->as.on)
		return true;
	if (!job->owned) {
		(void)snprintf(why, 128,
		    "--as-owner: nobody has written down whose it is (it did "
		    "not come in by incoming/)");
		return false;
	}
	return ask(w, SP_NEW, name, &owner, why) == SP_OK;
}

bool
as_take(struct worker *w, struct slot *s)
{
	return !w->as.on ||
	    ask(w, SP_ASSIGNED, &s->name, &s->owner, s->why) == SP_OK;
}

/* ---- his ---- */

/* All below fd, which nobody but us can reach yet.  Files with other names are
 * the cache's, to be read. */
static bool
give_tree(int fd, uid_t uid, int depth)
{
	struct dirent *e;
	bool ok = true;
	struct stat st;
	int sub, at;
	DIR *d;

	if (depth > DEEPEST || fchown(fd, uid, (gid_t)-1) == -1)
		return false;
	at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at == -1 || (d = fdopendir(at)) == NULL) {
		if (at != -1)
			(void)close(at);
		return false;
	}
	while (ok && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
			ok = false;
		} else if (S_ISDIR(st.st_mode)) {
			sub = openat(fd, e->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			ok = sub != -1 && give_tree(sub, uid, depth + 1);
			if (sub != -1)
				(void)close(sub);
		} else if (st.st_nlink == 1) {
			ok = fchownat(fd, e->d_name, uid, (gid_t)-1,
				 AT_SYMLINK_NOFOLLOW) == 0;
		}
	}
	(void)closedir(d);
	return ok;
}

/* $SPOOL_OUT: in directories that are the spool's, and so are found as they
 * were made. */
static bool
give_out(const struct slot *s)
{
	int fd = open(s->out, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok;

	if (fd == -1)
		return false;
	ok = fchown(fd, s->owner.uid, (gid_t)-1) == 0 && fchmod(fd, 0700) == 0;
	(void)close(fd);
	return ok;
}

/* What we shall write, he shall read: made now, so that it is his from the
 * first byte. */
static bool
give_traces(struct worker *w, const struct slot *s)
{
	static const char *const ends[] = { ".log", ".metrics.jsonl" };
	char name[SP_NAME_MAX], file[SP_NAME_MAX + 16];
	bool ok = true;
	int dir, fd;
	size_t i;

	if (sp_run_make(&w->as.spool, &s->name.id, &dir, NULL) != SP_OK)
		return false;
	sp_attempt_print(&s->name, name);
	for (i = 0; ok && i < 2; i++) {
		(void)snprintf(
		    file, sizeof file, "%s%s", name + SP_ID_LEN + 1, ends[i]);
		fd = openat(dir, file,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
		ok = fd != -1 && fchown(fd, s->owner.uid, (gid_t)-1) == 0;
		if (fd != -1)
			(void)close(fd);
	}
	(void)sp_fs_close(dir);
	return ok;
}

bool
as_give(struct worker *w, struct slot *s)
{
	if (!w->as.on)
		return true;
	if (s->work != NULL && give_tree(s->work->fd, s->owner.uid, 0) &&
	    give_out(s) && give_traces(w, s))
		return true;
	(void)snprintf(s->why, sizeof s->why,
	    "cannot give its directories to %s: %s", s->owner.user,
	    strerror(errno));
	return false;
}

/* ---- the start ---- */

#define WORDS 5 /* in front of the environment */

static size_t
count(char *const *texts)
{
	size_t n = 0;

	while (texts[n] != NULL)
		n++;
	return n;
}

bool
as_wrap(struct worker *w, const struct slot *s, struct spawn *how)
{
	static char *const nothing[] = { NULL };
	size_t env = count(how->envp), args = 0, i;
	char text[3][24];
	const char **argv;
	size_t room;

	while (how->argv[args] != NULL)
		args++;
	room = (WORDS + env + 1 + args + 1) * sizeof *argv;
	if ((argv = malloc(room + sizeof text)) == NULL)
		return false;
	(void)snprintf(text[0], sizeof text[0], "%u", (unsigned)s->owner.uid);
	(void)snprintf(text[1], sizeof text[1], "%d", (int)getpid());
	(void)snprintf(text[2], sizeof text[2], "%zu", env);
	(void)memcpy((char *)argv + room, text, sizeof text);
	argv[0] = w->as.helper;
	argv[1] = (char *)argv + room;
	argv[2] = s->owner.user;
	argv[3] = (char *)argv + room + sizeof text[0];
	argv[4] = (char *)argv + room + 2 * sizeof text[0];
	for (i = 0; i < env; i++)
		argv[WORDS + i] = how->envp[i];
	argv[WORDS + env] = how->program;
	for (i = 0; i <= args; i++)
		argv[WORDS + env + 1 + i] = how->argv[i];
	how->program = w->as.helper;
	how->argv = argv;
	how->envp = nothing;
	return true;
}

void
as_unwrap(struct spawn *how)
{
	free((void *)(uintptr_t)how->argv);
	how->argv = NULL;
}

bool
as_env_ok(const char *pair)
{
	static const char *const ok[] = { "PATH=", "LANG=", "LANGUAGE=", "LC_",
		"TZ=", "SPOOL_DIR=" };
	size_t i;

	for (i = 0; i < sizeof ok / sizeof *ok; i++)
		if (strncmp(pair, ok[i], strlen(ok[i])) == 0)
			return true;
	return false;
}
