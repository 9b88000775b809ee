/*
 * provecrowd.c - all hosts want the same files, each at the same moment: who
 * claims by rename, as workers do, must be told the truth.
 *
 * The moments are reckoned by the file server's clock, which all can read: the
 * leader says when it begins, and file number i is claimed PACE ms later each.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/scan.h"
#include "tools/provejoin.h"

#define PACE  5   /* ms between two files */
#define AHEAD 500 /* ms that the start is ahead at least */

/* '-' lost, '+' won: the target is ours; '?' won, and told that it was not, '!'
 * told so, and nothing is there. */
static char
claim(struct meeting *m, int i)
{
	char from[SP_NAME_MAX], to[SP_NAME_MAX];
	struct stat st;
	bool there;
	int why;

	(void)snprintf(from, sizeof from, "tok/%d", i);
	(void)snprintf(to, sizeof to, "won/%d.%s", i, m->p->spool->actor);
	why = sp_rename_said(m->fd, from, m->fd, to, 0);
	there = sp_fs_lstat(m->fd, to, &st) == 0;
	if (why == 0)
		return there ? '+' : '!';
	return there ? '?' : '-';
}

/* Our boot clock when the server's says `server`, ms. */
static bool
ours_of(struct meeting *m, int64_t server, int64_t *ours)
{
	int64_t now, took, before = sp_mono_ms();

	if (sp_server_now(m->p->spool, &now, &took, NULL) != SP_OK)
		return false;
	*ours = before + took / 2 + (server - now);
	return true;
}

static bool
claims(struct meeting *m, int64_t begin, char said[CROWD + 1])
{
	int64_t at, now;
	int i;

	if (!ours_of(m, begin, &at))
		return false;
	for (i = 0; i < CROWD && !prove_ended; i++) {
		now = sp_mono_ms();
		/* A clock that is far off is no reason to wait for days. */
		if (at + i * PACE > now)
			(void)poll(NULL, 0,
			    at + i * PACE - now > STEP_MS
				? PACE
				: (int)(at + i * PACE - now));
		said[i] = claim(m, i);
	}
	said[i] = '\0';
	return i == CROWD;
}

void
crowd_guest(struct meeting *m)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	char said[CROWD + 1];
	long long begin;

	if (m->torn)
		return;
	if (!talk_await(m, m->peer[0].by, "race") ||
	    !talk_read(m->peer[0].by, "race", &text) ||
	    sscanf(sp_buf_text(&text), "%lld", &begin) != 1 ||
	    !claims(m, begin, said) || talk_put(m, "claims", said) != 0)
		talk_lost(m, "crowd", m->peer[0].host.host);
	sp_buf_clear(&text);
}

/* ---- the leader ---- */

static int
tokens(struct meeting *m)
{
	char name[32];
	int i, tok, error = 0;

	if (sp_fs_mkdir(m->fd, "won", 0777) == -1 ||
	    sp_fs_mkdir(m->fd, "tok", 0777) == -1)
		return errno;
	tok = sp_fs_open(m->fd, "tok", O_RDONLY | O_DIRECTORY, 0);
	if (tok == -1)
		return errno;
	for (i = 0; i < CROWD && error == 0; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		error = prove_file(tok, name);
	}
	(void)sp_fs_close(tok);
	return error;
}

struct tally {
	unsigned none, more, lied, least; /* least: of any host */
	unsigned won[CROWD];
};

static void
count(struct tally *t, const char *said)
{
	unsigned own = 0;
	int i;

	for (i = 0; i < CROWD && said[i] != '\0'; i++) {
		if (said[i] == '+' || said[i] == '?') {
			t->won[i]++;
			own++;
		}
		t->lied += said[i] == '?' || said[i] == '!';
	}
	if (own < t->least)
		t->least = own;
}

static void
judge(struct meeting *m, struct tally *t)
{
	int i;

	for (i = 0; i < CROWD; i++) {
		t->none += t->won[i] == 0;
		t->more += t->won[i] > 1;
	}
	if (t->none + t->more > 0)
		(void)sp_found(&m->p->found, SP_FOUND_BAD, "crowd",
		    "no spool here: a claim must have one winner",
		    "of %d files that %zu hosts wanted %u had two winners and "
		    "%u none",
		    CROWD, m->peers + 1, t->more, t->none);
	else
		(void)sp_found(&m->p->found,
		    t->lied > 0 ? SP_FOUND_WARN : SP_FOUND_OK, "crowd",
		    t->lied > 0 ? "it is known and looked for; rather use a "
				  "mount that answers truly"
				: NULL,
		    "%d files that %zu hosts wanted had one winner each (each "
		    "host won %u or more; %u told the wrong thing)",
		    CROWD, m->peers + 1, t->least, t->lied);
}

void
crowd_lead(struct meeting *m)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	struct tally t = { .least = CROWD };
	char said[CROWD + 1], begin[32];
	int64_t now, took, ahead;
	size_t i;
	int why;

	if (m->torn || prove_ended)
		return;
	if ((why = tokens(m)) != 0) {
		prove_failed(m->p, "crowd", why);
		m->torn = true;
		return;
	}
	/* All have heard of it by then. */
	ahead = AHEAD + (int64_t)(m->p->cert.most * 1500);
	if (sp_server_now(m->p->spool, &now, &took, NULL) != SP_OK) {
		talk_lost(m, "crowd", "the filesystem");
		return;
	}
	(void)snprintf(begin, sizeof begin, "%lld", (long long)(now + ahead));
	if (talk_put(m, "race", begin) != 0 || !claims(m, now + ahead, said)) {
		talk_lost(m, "crowd", "the filesystem");
		return;
	}
	count(&t, said);
	for (i = 0; i < m->peers && !m->torn; i++) {
		if (!talk_await(m, m->peer[i].by, "claims") ||
		    !talk_read(m->peer[i].by, "claims", &text) ||
		    text.len != CROWD)
			talk_lost(m, "crowd", m->peer[i].host.host);
		else
			count(&t, sp_buf_text(&text));
	}
	sp_buf_clear(&text);
	if (!m->torn)
		judge(m, &t);
}
