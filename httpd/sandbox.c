/*
 * sandbox.c - another user, and no file outside the spool.  Which system calls
 * there are is syscalls.c's.
 *
 * Landlock's first version forbids every rename from one directory to another,
 * and renames are what a spool is made of: it is used from the second on.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "httpd/sandbox.h"
#include "httpd/syscalls.h"
#include "libspool/log.h"

/* ---- who we are ---- */

static enum sp_status
become(uid_t uid, gid_t gid, const char *user, struct sp_err *err)
{
	struct passwd *pw = getpwuid(uid);

	if ((pw != NULL ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) ==
		-1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return sp_err_sys(err, "become %s", user);
	return SP_OK;
}

static void
no_capability(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };
	int i;

	for (i = 0; i <= 63; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) == -1)
		sp_warn("capabilities are kept: %s", strerror(errno));
}

enum sp_status
sandbox_user(const struct sandbox *box, struct sp_err *err)
{
	struct passwd *pw = NULL;
	enum sp_status st = SP_OK;
	struct stat is;

	if (box->user != NULL && (pw = getpwnam(box->user)) == NULL)
		return sp_err_set(
		    err, SP_FATAL, "there is no user %s", box->user);
	if (fstat(box->spool, &is) == -1)
		return sp_err_sys(err, "the spool");
	if (geteuid() == 0 && pw != NULL)
		st = become(pw->pw_uid, pw->pw_gid, box->user, err);
	else if (geteuid() == 0 && is.st_uid != 0)
		st =
		    become(is.st_uid, is.st_gid, "the owner of the spool", err);
	else if (pw != NULL && pw->pw_uid != geteuid())
		return sp_err_set(
		    err, SP_FATAL, "only root can become %s", box->user);
	if (st == SP_OK && geteuid() == 0)
		sp_info("user root: the spool is root's; without capabilities");
	no_capability();
	return st;
}

/* ---- files ---- */

/* The sanitizers look at us when we end, from a process of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOOKED_AT "/proc"
#else
#define LOOKED_AT NULL
#endif

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                 \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |     \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER)
/* What is forbidden everywhere. */
#define NEVER                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |           \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |      \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define TRUNCATES (1ULL << 14) /* from the third version on */

static bool
allow_fd(int rules, int fd, __u64 access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = access,
		.parent_fd = fd };

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
		   &beneath, 0) == 0;
}

static bool
allow_path(int rules, const char *path, __u64 access)
{
	bool good;
	int fd;

	if (path == NULL || (fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return true; /* what is not there needs no leave */
	good = allow_fd(rules, fd, access);
	(void)close(fd);
	return good;
}

static enum sp_status
landlock(const struct sandbox *box, struct sp_err *err)
{
	struct landlock_ruleset_attr attr = { 0 };
	__u64 writes = WRITES;
	bool good;
	int rules, version, i;

	version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 2) {
		sp_warn("landlock: %s; files outside the spool are kept from "
			"us by their permissions only",
		    version == -1 ? strerror(errno)
				  : "this kernel's cannot move files between "
				    "directories");
		return SP_OK;
	}
	if (version >= 3)
		writes |= TRUNCATES;
	attr.handled_access_fs = READS | writes | NEVER;
	rules =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (rules == -1)
		return sp_err_sys(err, "landlock");
	good = allow_fd(rules, box->spool, READS | writes) &&
	    allow_path(rules, LOOKED_AT, READS);
	for (i = 0; i < SANDBOX_PATHS && good; i++)
		good = allow_path(rules, box->also[i].path,
		    box->also[i].write ? READS | writes : READS);
	if (!good || syscall(SYS_landlock_restrict_self, rules, 0) == -1) {
		(void)sp_err_sys(err, "landlock");
		(void)close(rules);
		return SP_FATAL;
	}
	(void)close(rules);
	return SP_OK;
}

enum sp_status
sandbox_enter(const struct sandbox *box, struct sp_err *err)
{
	enum sp_status st;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return sp_err_sys(err, "no new privileges");
	if (LOOKED_AT == NULL)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	st = landlock(box, err);
	return st == SP_OK ? syscalls_limit(err) : st;
}
