/*
 * ssh.h - one SSH connection with one channel on which the server's subsystem
 * "sftp" runs: bytes in, bytes out.  ssh*.c is the only door to libssh2; what
 * the bytes mean is sftp.c's business.
 *
 * A connection belongs to one thread at a time.  Nothing here blocks beyond
 * its deadline, and nothing is asked of a person: keys come from the agent or
 * from files without a passphrase, and a host that known_hosts does not vouch
 * for is refused.
 */
#ifndef TR_SSH_H
#define TR_SSH_H

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/err.h"

#define SSH_USER_MAX 64
#define SSH_HOST_MAX 255

/* How people want it; all of it may be empty. */
struct ssh_wants {
	char known_hosts[PATH_MAX]; /* "": ~/.ssh/known_hosts and
	                             * /etc/ssh/ssh_known_hosts */
	char identity[PATH_MAX];    /* a private key, and no other; "": the
	                             * agent's, then ~/.ssh/id_* */
	bool accept_new;            /* note an unknown host's key and go on */
};

struct ssh_site {
	char user[SSH_USER_MAX + 1]; /* "": who we are here */
	char host[SSH_HOST_MAX + 1];
	unsigned port;
	struct ssh_wants wants;
};

struct ssh;

/* Connect, check the host's key, log in, start the subsystem; by `until`
 * (sp_mono_ms).  `stop` is a handle that polls readable when it is to be given
 * up.  SP_FATAL: asking again will not help (the host's key, our keys);
 * SP_LOST: it hung up at once, as a server does that has too many at a time;
 * SP_RETRY: not reached, or it broke. */
enum sp_status ssh_open(const struct ssh_site *site, int64_t until, int stop,
    struct ssh **ssh_out, struct sp_err *err);
/* At once; says goodbye if that is possible.  Takes NULL. */
void ssh_close(struct ssh *ssh);

/* As read(2) and write(2) on a socket that does not block: -1 with EAGAIN,
 * ECONNRESET for everything that ends the connection, 0 read at its end.  A
 * write that said EAGAIN is repeated with the same bytes. */
ssize_t ssh_read(struct ssh *ssh, void *data, size_t size);
ssize_t ssh_write(struct ssh *ssh, const void *data, size_t len);

/* What to poll for before the next try. */
struct pollfd ssh_poll(const struct ssh *ssh, bool writing);

#endif
