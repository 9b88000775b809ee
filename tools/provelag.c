/*
 * provelag.c - how late a host sees what another has done.
 *
 * The leader changes something, the guest answers as soon as it sees that with
 * a change of the same kind, and the leader waits for it: what it took is there
 * and back, by one clock.  Half of it is what one way usually takes; that all
 * of it went into one way is the worst that it can be.
 *
 * Kinds: a file that is renamed in, or linked in, and seen in a listing; one
 * that is replaced, and read (as beats are); one that grows, and is looked at
 * (as logs are).
 *
 * The times that both sides' files bear tell whether one clock makes them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/scan.h"
#include "tools/provejoin.h"

#define FEW  2
#define SLOW 1.0 /* s: then few rounds do */

enum kind {
	RENAME,
	LINK,
	REPLACE,
	GROW,
	KINDS = LAG_KINDS
};

static const char *const kinds[KINDS] = { "rename", "link", "replace",
	"append" };

/* ---- a change, and seeing it ---- */

static int
grow(struct meeting *m, const char *name)
{
	int fd, why = 0;

	fd = sp_fs_open(m->by, name, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd == -1)
		return errno;
	if (sp_fs_write(fd, "x", 1) != 1)
		why = errno;
	if (sp_fs_close(fd) == -1 && why == 0)
		why = errno;
	return why;
}

/* Change number i, from 1, of a kind; `with`: between which two. */
static int
change(struct meeting *m, enum kind kind, const char *with, int i)
{
	char name[SP_NAME_MAX], text[32];

	(void)snprintf(text, sizeof text, "%d", i);
	if (kind == REPLACE || kind == GROW) {
		(void)snprintf(name, sizeof name, "%s.%s", kinds[kind], with);
		return kind == GROW ? grow(m, name) : talk_put(m, name, text);
	}
	(void)snprintf(name, sizeof name, "%s.%d.%s", kinds[kind], i, with);
	if (kind == RENAME)
		return talk_put(m, name, text);
	return prove_file(m->stage, name) != 0
	    ? EIO
	    : sp_link_said(m->stage, name, m->by, name);
}

static bool
sees(int by, enum kind kind, const char *with, int i)
{
	char name[SP_NAME_MAX], text[32] = "";
	struct stat st;
	ssize_t n;
	int fd;

	if (kind == RENAME || kind == LINK) {
		(void)snprintf(
		    name, sizeof name, "%s.%d.%s", kinds[kind], i, with);
		return talk_seen(by, name);
	}
	(void)snprintf(name, sizeof name, "%s.%s", kinds[kind], with);
	fd = sp_fs_open_stat(by, name, O_RDONLY, 0, &st);
	if (fd == -1)
		return false;
	n = sp_fs_read(fd, text, sizeof text - 1);
	(void)sp_fs_close(fd);
	if (kind == GROW)
		return st.st_size >= i;
	return n > 0 && strtol(text, NULL, 10) >= i;
}

/* The time that a change's file bears, s; 0: not known. */
static double
stamp(int by, enum kind kind, const char *with, int i)
{
	char name[SP_NAME_MAX];
	struct stat st;

	if (kind == RENAME || kind == LINK)
		(void)snprintf(
		    name, sizeof name, "%s.%d.%s", kinds[kind], i, with);
	else
		(void)snprintf(name, sizeof name, "%s.%s", kinds[kind], with);
	if (sp_fs_lstat(by, name, &st) == -1)
		return 0;
	return (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
}

/* ---- the leader ---- */

/* There and back, s; below 0: it did not come back. */
static double
round_trip(struct meeting *m, struct peer *peer, enum kind kind, int i)
{
	int64_t began = sp_mono_ms();
	struct timespec from, to;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	if (change(m, kind, peer->w, i) != 0)
		return -1;
	while (!sees(peer->by, kind, peer->w, i)) {
		if (prove_ended || sp_mono_ms() > began + STEP_MS)
			return -1;
		talk_nap(sp_mono_ms() - began);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Theirs was made between ours and the moment at which we saw it; so what it
 * lies outside of that is the difference of the clocks, at least. */
static void
note_skew(struct meeting *m, struct peer *peer, int i, double took)
{
	double ours = stamp(m->by, RENAME, peer->w, i);
	double theirs = stamp(peer->by, RENAME, peer->w, i);
	double off = 0;

	if (!(ours > 0) || !(theirs > 0))
		return;
	if (theirs < ours)
		off = ours - theirs;
	else if (theirs > ours + took)
		off = theirs - ours - took;
	if (off > m->skew)
		m->skew = off;
}

void
lag_lead(struct meeting *m, struct peer *peer)
{
	char begin[SP_NAME_MAX], over[SP_NAME_MAX];
	int kind, i, rounds;
	double took;

	(void)snprintf(begin, sizeof begin, "lag.%s", peer->w);
	if (talk_put(m, begin, "") != 0) {
		talk_lost(m, "lag", "the filesystem");
		return;
	}
	for (kind = 0; kind < KINDS && !prove_ended; kind++) {
		rounds = LAG_ROUNDS;
		for (i = 1; i <= rounds; i++) {
			took = round_trip(m, peer, (enum kind)kind, i);
			if (took < 0) {
				talk_lost(m, "lag", peer->host.host);
				return;
			}
			if (m->lags[kind] < LAG_MOST)
				m->lag[kind][m->lags[kind]++] = took;
			if (kind == RENAME)
				note_skew(m, peer, i, took);
			if (took > SLOW)
				rounds = i > FEW ? i : FEW;
		}
		(void)snprintf(
		    over, sizeof over, "over.%s.%s", kinds[kind], peer->w);
		if (talk_put(m, over, "") != 0)
			talk_lost(m, "lag", "the filesystem");
	}
	if (!talk_await(m, peer->by, "heard"))
		talk_lost(m, "lag", peer->host.host);
}

/* ---- the guest ---- */

/* Has anything been told of since the last time? */
static bool
told(int watch)
{
	char events[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	while (watch != -1 && read(watch, events, sizeof events) > 0)
		any = true;
	return any;
}

struct following {
	int watch;
	unsigned seen, heard;
};

/* One kind, until the leader says that it is over. */
static bool
follow(struct meeting *m, enum kind kind, struct following *f)
{
	struct peer *peer = &m->peer[0];
	int64_t began = sp_mono_ms(), looked = began;
	char over[SP_NAME_MAX];
	bool heard = false;
	int i = 1;

	(void)snprintf(
	    over, sizeof over, "over.%s.%s", kinds[kind], m->p->spool->actor);
	while (!prove_ended && sp_mono_ms() < began + STEP_MS) {
		heard = told(f->watch) || heard;
		if (sees(peer->by, kind, m->p->spool->actor, i)) {
			heard = told(f->watch) || heard;
			f->seen++;
			f->heard += heard;
			heard = false;
			if (change(m, kind, m->p->spool->actor, i) != 0)
				return false;
			i++;
			began = looked = sp_mono_ms();
			continue;
		}
		/* Seldom: a listing may refresh what is remembered. */
		if (sp_mono_ms() > looked + 50) {
			if (talk_seen(peer->by, over))
				return true;
			looked = sp_mono_ms();
		}
		talk_nap(sp_mono_ms() - began);
	}
	return false;
}

void
lag_guest(struct meeting *m)
{
	struct following f = { .watch = -1 };
	struct peer *peer = &m->peer[0];
	char begin[SP_NAME_MAX], path[64], text[64];
	int kind;

	(void)snprintf(begin, sizeof begin, "lag.%s", m->p->spool->actor);
	if (!talk_await(m, peer->by, begin)) {
		talk_lost(m, "lag", peer->host.host);
		return;
	}
	f.watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", peer->by);
	if (f.watch != -1)
		(void)inotify_add_watch(f.watch, path,
		    IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE);
	for (kind = 0; kind < KINDS && !m->torn; kind++)
		if (!follow(m, (enum kind)kind, &f))
			talk_lost(m, "lag", peer->host.host);
	if (f.watch != -1)
		(void)close(f.watch);
	(void)snprintf(text, sizeof text, "%u %u", f.seen, f.heard);
	(void)talk_put(m, "heard", text);
}

/* ---- what it came to ---- */

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
judge_reach(struct meeting *m)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	unsigned seen, heard;
	size_t i;

	for (i = 0; i < m->peers; i++)
		if (talk_read(m->peer[i].by, "heard", &text) &&
		    sscanf(sp_buf_text(&text), "%u %u", &seen, &heard) == 2) {
			m->seen += seen;
			m->heard += heard;
		}
	sp_buf_clear(&text);
	if (m->seen == 0)
		return;
	/* One that is seen at once may be seen before it is told of. */
	if (m->heard * 2 < m->seen && m->p->spool->local)
		(void)sp_found(&m->p->found, SP_FOUND_WARN, "reach",
		    "it looks like a disk of this host but is shared: report "
		    "it, and give a short poll",
		    "inotify told of %u of %u changes of the other host",
		    m->heard, m->seen);
	else
		(void)sp_found(&m->p->found, SP_FOUND_OK, "reach", NULL,
		    "inotify told of %u of %u changes of the other host%s",
		    m->heard, m->seen,
		    m->heard * 2 < m->seen ? "; they are looked for" : "");
}

static void
judge_skew(struct meeting *m)
{
	bool far = m->skew > 1;

	m->p->cert.skew = m->skew;
	(void)sp_found(&m->p->found, far ? SP_FOUND_WARN : SP_FOUND_OK, "skew",
	    far ? "run an NTP client on all hosts (and on all servers of a "
		  "cluster)"
		: NULL,
	    far ? "the times that hosts give to files differ by %.3f s, at "
		  "least"
		: "hosts give files the same times, within %.3f s",
	    m->skew);
}

void
lag_judge(struct meeting *m)
{
	struct sp_certificate *cert = &m->p->cert;
	struct sp_policy policy = m->p->spool->policy;
	char words[200];
	size_t n;
	int kind;

	/* That kind counts which is seen last. */
	for (kind = 0; kind < KINDS; kind++) {
		if ((n = m->lags[kind]) == 0)
			return;
		qsort(m->lag[kind], n, sizeof m->lag[kind][0], by_size);
		if (m->lag[kind][n / 2] / 2 > cert->usual)
			cert->usual = m->lag[kind][n / 2] / 2;
		if (m->lag[kind][n - 1] > cert->most)
			cert->most = m->lag[kind][n - 1];
	}
	cert->joined = true;
	judge_skew(m);
	judge_reach(m);
	(void)sp_certificate_times(cert, &policy, words);
	(void)sp_found(&m->p->found,
	    words[0] == '\0' ? SP_FOUND_OK : SP_FOUND_WARN, "lag",
	    words[0] == '\0'
		? NULL
		: "mount it with -o actimeo=1,lookupcache=positive "
		  "or what your filesystem has like it",
	    "another host sees a change after %.3f s, at most %.3f s%s%s",
	    cert->usual, cert->most, words[0] == '\0' ? "" : "; so ", words);
}
