/*
 * sftp.h - a link to an SFTP server that lasts: requests of any number of
 * threads on one connection, many on the way at once, each with a deadline; a
 * connection that broke is thrown away and made anew, with back-off.
 *
 * A thread of the link's own does all that touches the network, so a caller
 * waits for an answer or for its deadline, and while the link is down for
 * nothing at all.  What became of a request whose answer is missing nobody
 * knows: the server may even do it later.
 */
#ifndef TR_SFTP_H
#define TR_SFTP_H

#include <stdatomic.h>

#include "libspool/fs.h"
#include "transport/sftppack.h"
#include "transport/ssh.h"

struct sftp;

/* What this connection's server can, and its number: a handle is good for its
 * own connection only. */
struct sftp_now {
	unsigned number; /* 0: the link is down */
	struct sftp_features has;
	bool durable; /* it can fsync files, and directories */
	size_t chunk; /* bytes to ask for at once, at most */
};

/* Connect and find `path` (it is made absolute: sftp_root).  deadline: of each
 * request, and of an attempt to connect, ms.  The status and words of the first
 * attempt; later ones are the link's own business. */
enum sp_status sftp_open(const struct ssh_site *site, const char *path,
    int64_t deadline, struct sftp **link_out, struct sp_err *err);
void sftp_close(struct sftp *link);
const char *sftp_root(const struct sftp *link);
struct sftp_now sftp_now(struct sftp *link);

/* ---- requests ---- */

struct sftp_call {
	/* Before: one packet, by sftp_pack; taken over by sftp_send. */
	struct sp_buf packet;
	bool bulk; /* one of many: lets others pass */
	/* After: the answer's type, 0 when there will be none; its body. */
	unsigned type;
	struct sftp_in in;
	/* The link's. */
	uint8_t *answer;
	uint32_t id;
	unsigned number;
	int64_t sent;
	bool done;
};

void sftp_call_init(struct sftp_call *call, enum sftp_type type);
void sftp_call_clear(struct sftp_call *call);

/* Put it on its way.  number: the connection it belongs to, 0 for any.
 * 0, or -EHOSTDOWN, -EIO (another connection), -ENOMEM: then it is not. */
int sftp_send(struct sftp *link, struct sftp_call *call, unsigned number);
/* Its answer: 0, or -EHOSTDOWN.  Each that was sent is waited for. */
int sftp_wait(struct sftp *link, struct sftp_call *call);
/* Both.  `call` keeps the answer. */
int sftp_ask(struct sftp *link, struct sftp_call *call, unsigned number);
/* On its way, and nobody cares what comes of it. */
void sftp_throw(struct sftp *link, struct sftp_call *call, unsigned number);
/* The answer was no answer: the connection is thrown away.  -EHOSTDOWN. */
int sftp_spoilt(struct sftp *link, unsigned number);

/* ---- private to sftplink.c and sftptalk.c ---- */

/* A first conversation on a fresh connection: what the server can, and where
 * `where` is, to root, unless that is known. */
enum sp_status
sftp_talk(struct ssh *ssh, int stop, int64_t until, const char *path,
    char root[PATH_MAX], struct sftp_now *now_out, struct sp_err *err);

#endif
