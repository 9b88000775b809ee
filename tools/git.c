/*
 * git.c - runs git(1) to ask for commit, branch and diff.
 *
 * The repository may be anybody's: a configuration can name programs for
 * nearly everything that git does (fsmonitor, hooks, external diffs, textconv,
 * filters, transports), and .gitattributes can call for them.  So each is
 * switched off on the command line or in the environment, submodules are not
 * entered, and if a filter has a name that cannot be switched off so, no diff
 * is made.  There is no shell, no terminal, and a deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "tools/git.h"

#define ARGS      256
#define WORDS_MAX (256 * 1024)

extern char **environ;

/* ---- running ---- */

/* A child with this much time left. */
struct run {
	int64_t until; /* by the monotonic clock */
	char *env[512];
	size_t env_n;
};

/* Ours for all but the variables that would lead git elsewhere or make it run
 * or print something; what the user configures by variables stays. */
static void
dress(struct run *run)
{
	static const char *const ours[] = { "GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0", "GIT_ALLOW_PROTOCOL=none",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_PAGER=cat", "LC_ALL=C" };
	size_t i,
	    most = sizeof run->env / sizeof *run->env -
	    sizeof ours / sizeof *ours - 1;

	for (i = 0; environ[i] != NULL && run->env_n < most; i++) {
		const char *one = environ[i];

		if ((strncmp(one, "GIT_", 4) == 0 &&
			strncmp(one, "GIT_CONFIG_", 11) != 0) ||
		    strncmp(one, "SSH_ASKPASS=", 12) == 0 ||
		    strncmp(one, "LC_ALL=", 7) == 0)
			continue;
		run->env[run->env_n++] = environ[i];
	}
	for (i = 0; i < sizeof ours / sizeof *ours; i++)
		run->env[run->env_n++] = (char *)(uintptr_t)ours[i];
	run->env[run->env_n] = NULL;
}

static pid_t
start(struct run *run, char *const *argv, int *from_out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int pipes[2], why;
	pid_t pid = -1;

	if (pipe2(pipes, O_CLOEXEC) == -1)
		return -1;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(
	    &actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	(void)posix_spawn_file_actions_addopen(
	    &actions, 2, "/dev/null", O_WRONLY, 0);
	(void)posix_spawnattr_init(&attr);
	/* A group of its own: what it starts ends with it. */
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	why = posix_spawnp(&pid, argv[0], &actions, &attr, argv, run->env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipes[1]);
	if (why != 0) {
		(void)close(pipes[0]);
		errno = why;
		return -1;
	}
	*from_out = pipes[0];
	return pid;
}

/* false: it has not ended by then, and was killed. */
static bool
wait_end(struct run *run, pid_t pid, int *status_out)
{
	pid_t got;

	while ((got = waitpid(pid, status_out, WNOHANG)) == 0 &&
	    sp_mono_ms() < run->until)
		(void)poll(NULL, 0, 2);
	if (got == pid)
		return true;
	(void)kill(-pid, SIGKILL);
	(void)waitpid(pid, status_out, 0);
	return false;
}

/* All that it prints, up to out->max; *cut_out: there was more. */
static bool
collect(struct run *run, int fd, struct sp_buf *out, bool *cut_out)
{
	char part[8192];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int64_t left;
	size_t room;
	ssize_t n;

	*cut_out = false;
	for (;;) {
		left = run->until - sp_mono_ms();
		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			return false;
		n = read(fd, part, sizeof part);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		room = out->max - out->len - 1;
		*cut_out |= (size_t)n > room;
		sp_buf_put(out, part, (size_t)n > room ? room : (size_t)n);
		if (*cut_out)
			return true;
	}
}

/* Its exit code; -1: it could not be started or was too slow (errno). */
static int
ask(struct run *run, char *const *argv, struct sp_buf *out, bool *cut_out)
{
	int fd, status = 0;
	bool whole, cut;
	pid_t pid;

	if ((pid = start(run, argv, &fd)) == -1)
		return -1;
	whole = collect(run, fd, out, &cut);
	(void)close(fd);
	if (cut || !whole)
		(void)kill(-pid, SIGKILL); /* enough */
	if (!wait_end(run, pid, &status) || !whole) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (cut_out != NULL)
		*cut_out = cut;
	if (cut)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---- asking ---- */

struct args {
	char *arg[ARGS];
	size_t n;
	struct sp_buf text[ARGS]; /* those that were made */
	size_t text_n;
};

static void
put(struct args *args, const char *arg)
{
	if (args->n < ARGS - 1)
		args->arg[args->n++] = (char *)(uintptr_t)arg;
}

/* git as it is always called. */
static void
begin(struct args *args, const char *dir)
{
	static const char *const first[] = { "-c", "core.fsmonitor=false", "-c",
		"core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c",
		"submodule.recurse=false", "-c", "diff.noprefix=false", "-c",
		"diff.mnemonicPrefix=false" };
	size_t i;

	memset(args, 0, sizeof *args);
	put(args, "git");
	put(args, "--no-pager");
	put(args, "-C");
	put(args, dir);
	for (i = 0; i < sizeof first / sizeof *first; i++)
		put(args, first[i]);
}

static void
end(struct args *args)
{
	size_t i;

	for (i = 0; i < args->text_n; i++)
		sp_buf_clear(&args->text[i]);
}

/* A filter's programs, for nothing: empty is none.  false: this name cannot be
 * said so. */
static bool
unfilter(struct args *args, const char *name)
{
	const char *value = "";
	const char *dot = strrchr(name, '.');
	struct sp_buf *text;

	if (dot == NULL)
		return true;
	if (strcmp(dot, ".required") == 0)
		value = "false";
	else if (strcmp(dot, ".clean") != 0 && strcmp(dot, ".process") != 0 &&
	    strcmp(dot, ".smudge") != 0)
		return true;
	if (strpbrk(name, "=\n") != NULL || args->n + 16 > ARGS)
		return false;
	text = &args->text[args->text_n++];
	sp_buf_init(text, WORDS_MAX);
	sp_buf_printf(text, "%s=%s", name, value);
	put(args, "-c");
	put(args, sp_buf_text(text));
	return !text->failed;
}

/* The filters that are configured, switched off. */
static bool
unfilter_all(struct run *run, struct args *args, const char *top)
{
	struct sp_buf names = SP_BUF_INIT(WORDS_MAX);
	const char *at;
	struct args list;
	bool good, cut;
	int rc;

	begin(&list, top);
	put(&list, "config");
	put(&list, "-z");
	put(&list, "--name-only");
	put(&list, "--get-regexp");
	put(&list, "^filter\\.");
	rc = ask(run, list.arg, &names, &cut);
	good = (rc == 0 || rc == 1) && !cut && !names.failed;
	for (at = sp_buf_text(&names);
	     good && at < sp_buf_text(&names) + names.len; at += strlen(at) + 1)
		good = unfilter(args, at);
	sp_buf_clear(&names);
	return good;
}

/* The lines of `rev-parse HEAD --symbolic-full-name HEAD`. */
static void
take_head(const char *text, struct git *git)
{
	static const char heads[] = "refs/heads/";
	size_t n = strcspn(text, "\n");

	if ((n != 40 && n != 64) || strspn(text, "0123456789abcdef") != n)
		return;
	(void)memcpy(git->commit, text, n);
	git->commit[n] = '\0';
	text += n + (text[n] == '\n');
	n = strcspn(text, "\n");
	if (strncmp(text, heads, sizeof heads - 1) == 0)
		(void)snprintf(git->branch, sizeof git->branch, "%.*s",
		    (int)(n - (sizeof heads - 1)), text + sizeof heads - 1);
}

static enum sp_status
no_word(struct sp_err *err, const char *top, int rc)
{
	if (rc == -1 && errno == ENOENT)
		return sp_err_set(err, SP_BAD, "there is no git to ask");
	if (rc == -1 && errno == ETIMEDOUT)
		return sp_err_set(err, SP_BAD,
		    "git did not answer within %d seconds", GIT_SECONDS);
	if (rc == -1)
		return sp_err_set(err, SP_BAD, "git: %s", strerror(errno));
	return sp_err_set(err, SP_BAD,
	    "git refuses (ask it yourself: git -C %.200s status)", top);
}

static enum sp_status
read_diff(struct run *run, const char *top, struct git *git, struct sp_err *err)
{
	static const char *const rest[] = { "diff", "--no-ext-diff",
		"--no-textconv", "--no-color", "--ignore-submodules=dirty",
		"--submodule=short", "HEAD", "--" };
	struct args args;
	size_t i;
	int rc = -2;

	begin(&args, top);
	if (unfilter_all(run, &args, top)) {
		for (i = 0; i < sizeof rest / sizeof *rest; i++)
			put(&args, rest[i]);
		rc = ask(run, args.arg, &git->diff, &git->cut);
	}
	end(&args);
	if (rc == -2)
		return sp_err_set(
		    err, SP_BAD, "its filters cannot be switched off");
	return rc == 0 ? SP_OK : no_word(err, top, rc);
}

enum sp_status
git_read(const char *top, struct git *git, struct sp_err *err)
{
	struct sp_buf head = SP_BUF_INIT(8192);
	static struct run run; /* its environment is large */
	struct args args;
	enum sp_status st = SP_OK;
	int rc;

	memset(git, 0, sizeof *git);
	sp_buf_init(&git->diff, GIT_DIFF_MAX + 1);
	memset(&run, 0, sizeof run);
	run.until = sp_mono_ms() + GIT_SECONDS * 1000;
	dress(&run);

	/* Fails here when it is not ours to look at. */
	begin(&args, top);
	put(&args, "rev-parse");
	put(&args, "--git-dir");
	rc = ask(&run, args.arg, &head, NULL);
	if (rc != 0)
		st = no_word(err, top, rc);
	sp_buf_reset(&head);
	if (st == SP_OK) {
		begin(&args, top);
		put(&args, "rev-parse");
		put(&args, "HEAD");
		put(&args, "--symbolic-full-name");
		put(&args, "HEAD");
		if (ask(&run, args.arg, &head, NULL) == 0)
			take_head(sp_buf_text(&head), git);
	}
	sp_buf_clear(&head);
	git->dirty = git->commit[0] == '\0';
	if (st == SP_OK && git->commit[0] != '\0') {
		st = read_diff(&run, top, git, err);
		git->dirty = git->diff.len > 0;
	}
	return st;
}

void
git_clear(struct git *git)
{
	sp_buf_clear(&git->diff);
}

bool
git_has(const char *dir, const char *file)
{
	struct sp_buf out = SP_BUF_INIT(8192);
	static struct run run;
	struct args args;
	int rc;

	memset(&run, 0, sizeof run);
	run.until = sp_mono_ms() + GIT_SECONDS * 1000;
	dress(&run);
	begin(&args, dir);
	put(&args, "--literal-pathspecs");
	put(&args, "ls-files");
	put(&args, "--error-unmatch");
	put(&args, "--");
	put(&args, file);
	rc = ask(&run, args.arg, &out, NULL);
	sp_buf_clear(&out);
	return rc != 1;
}

bool
git_top(const char *path, char top_out[4096])
{
	char git[4096 + 8];
	struct stat st;
	char *slash;

	(void)snprintf(top_out, 4096, "%s", path);
	for (;;) {
		(void)snprintf(git, sizeof git, "%s/.git", top_out);
		if (lstat(git, &st) == 0)
			return true;
		slash = strrchr(top_out, '/');
		if (slash == NULL || top_out[1] == '\0')
			return false;
		slash[slash == top_out] = '\0';
	}
}
