/*
 * listen.h - spool-httpd, which serves the spool over HTTP: started by spoold
 * and started again when it ends.  spoold has the socket, so who connects
 * meanwhile waits and is not refused.
 */
#ifndef SPOOLD_LISTEN_H
#define SPOOLD_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/err.h"

#define LISTEN_WORDS 16

struct listen {
	const char *where; /* ADDR:PORT; NULL: nobody is served */
	/* what is handed on to it: --cert FILE and the like */
	const char *words[LISTEN_WORDS];
	int words_n;
	const char *spool;
	int socket;
	pid_t pid;     /* 0: it does not run */
	int64_t began; /* when it was started */
	int64_t again; /* when it is to be */
	int64_t delay;
};

/* Open the socket.  SP_BAD, SP_RETRY: as sp_listen. */
enum sp_status
listen_open(struct listen *l, const char *spool, struct sp_err *err);
/* Start it when it is time; returns when to be called again. */
int64_t listen_tick(struct listen *l, int64_t now);
/* A child has ended. */
void listen_reap(struct listen *l, int64_t now);
/* It ends, by force if it must be. */
void listen_close(struct listen *l);

#endif
