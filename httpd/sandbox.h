/*
 * sandbox.h - give up what the server does not need, once it has open what it
 * does: another user, no capability, no file outside the spool (Landlock), no
 * system call but those it makes (seccomp).  Threads that are started later
 * have it too.
 *
 * What the kernel does not have is said in the log, and done without.
 */
#ifndef HTTPD_SANDBOX_H
#define HTTPD_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "libspool/err.h"

#define SANDBOX_PATHS 4

struct sandbox {
	const char *user; /* to become; NULL: the owner of the spool */
	int spool;        /* its directory: read, write, make, remove */
	struct {
		const char *path; /* NULL or not there: none */
		bool write;
	} also[SANDBOX_PATHS]; /* directories */
};

/* SP_FATAL: there is no such user, or it could not become it. */
enum sp_status sandbox_user(const struct sandbox *box, struct sp_err *err);
/* Landlock, then seccomp. */
enum sp_status sandbox_enter(const struct sandbox *box, struct sp_err *err);

#endif
