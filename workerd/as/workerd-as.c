/*
 * workerd-as.c - the one step between a worker that is root and a job that is
 * its owner's: become that user for good, and execute.
 *
 *	workerd-as UID USER PARENT N ENV... PROGRAM ARG...
 *
 * N texts KEY=VALUE are the whole environment of PROGRAM, with HOME, USER,
 * LOGNAME and SHELL where they are not among them.  ARG... are its arguments,
 * its name included.  PARENT is the worker, whose death ends the job.
 *
 * It is a program of its own, and not a step of the child that workerd makes,
 * because that child shares workerd's memory and holds up its main thread until
 * it executes something: were it the user's by then, he could stop it there.
 * It knows nothing but the C library, and is started by workerd alone, in the
 * job's directory, with pipes on 0, 1 and 2 and an empty environment, for what
 * stands in a job's environment (LD_PRELOAD) must not act while this is root.
 * It is not, and must not be, set-user-ID: whoever is not root is refused.
 *
 * Refused (125): not root; an odd word; a UID below 1000, which is a system's;
 * one that has no name here, or another than USER, whom the intake wrote down;
 * group 0; securebits, which would keep capabilities.  Not to be executed: 126,
 * not there: 127, as a shell has it.  All of it is said on 2, which is the
 * job's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST   1000
#define REFUSED 125

static _Noreturn void
refuse(const char *what, const char *why)
{
	(void)fprintf(stderr, "workerd-as: %s: %s\n", what, why);
	_exit(REFUSED);
}

/* Digits and nothing else. */
static unsigned long
number(const char *text, unsigned long most)
{
	unsigned long n;

	if (*text == '\0' || strlen(text) > 10 ||
	    strspn(text, "0123456789") != strlen(text))
		refuse(text, "no number");
	n = strtoul(text, NULL, 10);
	if (n > most)
		refuse(text, "too large a number");
	return n;
}

/* Whom: known here, by the name that was written down. */
static struct passwd *
whom(uid_t uid, const char *user)
{
	struct passwd *pw;

	if (uid < LEAST)
		refuse(user, "jobs of users below 1000 are not run");
	if ((pw = getpwuid(uid)) == NULL)
		refuse(user, "there is no such user on this host");
	if (pw->pw_uid != uid || strcmp(pw->pw_name, user) != 0)
		refuse(user, "that number is another user's on this host");
	if (pw->pw_gid == 0)
		refuse(user, "is in root's group");
	return pw;
}

/* What the job writes to must be its own, or it could not open /dev/stderr. */
static void
give(int fd, uid_t uid)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    fchown(fd, uid, (gid_t)-1) == -1)
		refuse("fchown", strerror(errno));
}

static void
become(const struct passwd *pw)
{
	uid_t uid = pw->pw_uid, r, e, s;
	gid_t gid = pw->pw_gid, gr, ge, gs;

	if (prctl(PR_GET_SECUREBITS) != 0 || prctl(PR_GET_KEEPCAPS) != 0)
		refuse("securebits", "capabilities would be kept");
	if (initgroups(pw->pw_name, gid) == -1)
		refuse("initgroups", strerror(errno));
	if (setresgid(gid, gid, gid) == -1)
		refuse("setresgid", strerror(errno));
	if (setresuid(uid, uid, uid) == -1)
		refuse("setresuid", strerror(errno));
	/* And now they are what they should be, and stay so. */
	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    getresgid(&gr, &ge, &gs) == -1 || gr != gid || ge != gid ||
	    gs != gid)
		refuse("verify", "not the user that it was to be");
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		refuse("verify", "it could go back to root");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		refuse("no_new_privs", strerror(errno));
}

/* KEY=value, unless there is one. */
static void
add(char **env, size_t *n, const char *key, const char *value)
{
	size_t i, len = strlen(key);
	char *pair;

	for (i = 0; i < *n; i++)
		if (strncmp(env[i], key, len) == 0 && env[i][len] == '=')
			return;
	if (asprintf(&pair, "%s=%s", key, value) == -1)
		refuse("environment", "no memory");
	env[(*n)++] = pair;
}

int
main(int argc, char **argv)
{
	const struct passwd *pw;
	pid_t parent;
	size_t n, i;
	char **env;
	int why;

	if (getuid() != 0 || geteuid() != 0)
		refuse("not root", "workerd starts this, and nobody else");
	if (argc < 7)
		refuse("usage", "UID USER PARENT N ENV... PROGRAM ARG...");
	parent = (pid_t)number(argv[3], 0x7fffffff);
	n = number(argv[4], 100000);
	if (n + 7 > (size_t)argc)
		refuse(argv[4], "fewer words than that");
	for (i = 0; i < n; i++)
		if (strchr(argv[5 + i], '=') == NULL)
			refuse("environment", "a text without =");
	pw = whom((uid_t)number(argv[1], 0xfffffffeUL), argv[2]);
	if ((env = calloc(n + 5, sizeof *env)) == NULL)
		refuse("environment", "no memory");
	(void)memcpy(env, argv + 5, n * sizeof *env);
	add(env, &n, "HOME", pw->pw_dir);
	add(env, &n, "USER", pw->pw_name);
	add(env, &n, "LOGNAME", pw->pw_name);
	add(env, &n, "SHELL", "/bin/sh");

	(void)umask(022);
	give(1, pw->pw_uid);
	give(2, pw->pw_uid);
	become(pw);
	/* It was forgotten with the user that we were. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		refuse("parent", "the worker is gone");
	if (close_range(3, ~0U, 0) == -1)
		refuse("close_range", strerror(errno));
	argv += 5 + number(argv[4], 100000);
	(void)execve(argv[0], argv + 1, env);
	why = errno;
	(void)fprintf(stderr, "workerd-as: cannot start %s: %s\n", argv[0],
	    strerror(why));
	_exit(why == ENOENT || why == ENOTDIR ? 127 : 126);
}
