/*
 * sftpin.h - private to sftpcall.c and sftplink.c: what a link is.
 */
#ifndef TR_SFTPIN_H
#define TR_SFTPIN_H

#include <pthread.h>

#include "transport/sftp.h"

#define SFTP_SLOTS 1024u /* requests on their way, at most */
#define SFTP_WIRE  65536 /* bytes handed to the connection at once */
#define SFTP_BULK  16    /* pieces of transfers with the server, at first */

struct packet {
	struct packet *next;
	char *data;
	size_t len;
	uint32_t id;
};

struct queue {
	struct packet *first, **last;
};

struct sftp {
	struct ssh_site site;
	char path[PATH_MAX], root[PATH_MAX];
	int64_t deadline;
	int stop, wake; /* eventfds */
	pthread_t thread;

	/* the thread's own */
	struct ssh *ssh;
	struct sp_buf wire; /* on its way out, from `wired` on */
	size_t wired;
	uint8_t *in; /* SFTP_PACKET_MAX + WIRE_MAX bytes */
	size_t in_len;
	int64_t heard; /* when the server last said something */
	int64_t up_since, down_since, again_at, again;
	unsigned turned_away; /* before the first connection */
	struct sftp_call pulse;
	bool pulsing;

	/* for all, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t told; /* something was answered, or the link changed */
	struct sftp_now now;
	unsigned numbers; /* connections so far */
	bool tried;       /* the first attempt is over, with: */
	enum sp_status status;
	struct sp_err why;
	bool broken; /* whoever noticed says so */
	bool ending;
	struct queue small, bulk;
	struct sftp_call *slot[SFTP_SLOTS];
	uint32_t seq;
	unsigned out;      /* slots taken */
	unsigned bulk_out; /* pieces with the server, */
	unsigned bulk_max; /* and how many may be */
};

/* Add one to an eventfd. */
void sftp_rouse(int fd);
/* Under the lock: until `told`, or for so many ms. */
void sftp_wait_told(struct sftp *link, int64_t ms);

/* ---- for the thread, sftpcall.c ---- */

void sftp_queues_init(struct sftp *link);
/* Under the lock: one whole packet from the server.  false: it answers nothing
 * that we asked. */
bool sftp_answer(struct sftp *link, const uint8_t *data, size_t len);
/* The next packets to link->wire, which is empty. */
void sftp_fill(struct sftp *link);
/* The connection is gone: everything that was on its way is over. */
void sftp_drop_all(struct sftp *link);

#endif
