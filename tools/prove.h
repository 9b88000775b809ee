/*
 * prove.h - what the files of `spool prove` share.
 *
 *	prove.c		the verb: the room, printing, the certificate
 *	provemount.c	how it is mounted, and exported
 *	proverace.c	who wins when several want the same
 *	provefile.c	links, syncs, times, names
 *	provecost.c	clock, events, and what a directory costs
 *	provejoin.h	what several hosts try together
 *
 * Everything is done in a directory of its own in tmp/ (proveroom.h), which
 * goes again however we end.
 */
#ifndef PROVE_H
#define PROVE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/certificate.h"
#include "libspool/finding.h"
#include "libspool/mount.h"
#include "libspool/spool.h"

struct prove {
	const struct sp_spool *spool;
	struct sp_findings found;
	size_t printed;
	bool json;
	unsigned hosts;         /* 1, or how many join */
	int64_t wait_ms;        /* for them */
	char room[SP_NAME_MAX]; /* in tmp/, "": none */
	int fd;                 /* of the room */
	bool net;               /* it comes from another machine */
	struct sp_certificate cert;
};

/* A signal said that it is enough; looked at in each loop. */
extern volatile sig_atomic_t prove_ended;

/* A directory in the room, which is emptied when the room is.  -1: said as a
 * finding. */
int prove_dir(struct prove *p, const char *name);
/* A small file, made anew and not synced; 0 or an errno. */
int prove_file(int dir, const char *name);
/* What went wrong with the test `what`, as its finding. */
void prove_failed(struct prove *p, const char *what, int error);

/* A line to stdout: by tabs, or an object. */
void prove_print(const struct sp_finding *finding, bool json);

/* doctor's: the intake for strangers.  True: there is one, and we may use it.
 */
bool shared_look(const struct sp_spool *spool, struct sp_findings *found);

/* Each adds its findings. */
void prove_mount(struct prove *p);
void prove_races(struct prove *p);
void prove_files(struct prove *p);
void prove_costs(struct prove *p);

#endif
