/*
 * far.h - what the benchmark of the remote transports is made of: servers
 * (servers.c: a real sshd and spool-httpd, each behind tests/helpers/proxy.c),
 * and the same jobs by raw requests (least.c).  For tests/bench/remote.c alone.
 */
#ifndef BENCH_FAR_H
#define BENCH_FAR_H

#include "tests/bench/lib/bench.h"

#define REMOTE_RTT_MS 20

enum remote_medium {
	REMOTE_SFTP,
	REMOTE_HTTP
};

/* A link to a server: what is asked at `url` goes through a proxy that says how
 * often somebody waited for an answer. */
struct remote {
	enum remote_medium medium;
	char url[256];
	char control[BENCH_PATH + 16];
	pid_t proxy, server;
};

/* ---- servers.c ---- */

/* One sshd for all spools; false: there can be none, and why. */
bool remote_sshd(char why[128]);
/* A spool of ours (a path below here), reached by that medium. */
void remote_open(
    enum remote_medium medium, const char *spool, struct remote *far_out);
void remote_close(struct remote *far);
/* From now on each way takes half of that. */
void remote_rtt(const struct remote *far, int ms);
/* Round trips so far, of all connections. */
unsigned long remote_trips(const struct remote *far);

/* ---- least.c ---- */

/* jobs/s of n orders that lie in new/ of `spool`, whose names are these: each
 * claimed, /bin/true run and committed by the requests that this takes at
 * least, `at_once` claims under way at a time, commits in groups beside. */
double least_rate(const struct remote *far, const char *spool,
    const struct sp_name *order, size_t n, size_t at_once);

#endif
