/*
 * sshin.h - private to ssh*.c: ssh.c connects and moves bytes, sshhost.c
 * decides whether the host is the one we mean, sshauth.c logs in.
 */
#ifndef TR_SSHIN_H
#define TR_SSHIN_H

#include <libssh2.h>

#include "transport/ssh.h"

struct ssh {
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	int fd;
	int stop;
	int64_t until;
	bool stuck; /* a packet is half sent: nothing else may be */
};

/* After LIBSSH2_ERROR_EAGAIN: wait until the same call may go on.  false: the
 * deadline passed, or we are to give up. */
bool ssh_wait(const struct ssh *ssh);

/* Repeat a libssh2 call while it says EAGAIN and there is time. */
#define SSH_DO(ssh, rc, call)                                                  \
	do                                                                     \
		(rc) = (call);                                                 \
	while ((rc) == LIBSSH2_ERROR_EAGAIN && ssh_wait(ssh))

/* Words for what libssh2 said last; SP_RETRY. */
enum sp_status ssh_err(const struct ssh *ssh, int rc,
    const struct ssh_site *site, const char *what, struct sp_err *err);

/* "host" or "[host]:port", as known_hosts spells it. */
#define SSH_NAME_MAX (SSH_HOST_MAX + 10)
void ssh_host_name(const struct ssh_site *site, char name_out[SSH_NAME_MAX]);
/* Before the handshake: ask for a key of a type that we know. */
void ssh_host_prefer(struct ssh *ssh, const struct ssh_site *site);
/* After it: is it the host that we mean? */
enum sp_status ssh_host_check(
    struct ssh *ssh, const struct ssh_site *site, struct sp_err *err);

enum sp_status
ssh_login(struct ssh *ssh, const struct ssh_site *site, struct sp_err *err);

/* HOME's file `name`; false: no home. */
bool ssh_home(char path_out[PATH_MAX], const char *name);

#endif
