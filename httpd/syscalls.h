/*
 * syscalls.h - the system calls that the server makes, and no others.
 */
#ifndef HTTPD_SYSCALLS_H
#define HTTPD_SYSCALLS_H

#include "libspool/err.h"

/* From here on all others fail with EPERM, in this thread and in those that it
 * starts.  Where the kernel cannot, or the machine is none that we know, the
 * log says so. */
enum sp_status syscalls_limit(struct sp_err *err);

#endif
