/*
 * provejoin.c - hosts that prove the same spool find each other in tmp/, and go
 * through what only several can try.
 *
 * Each makes its own room and puts "meet" into it.  Of all rooms that have one
 * the first by name is the leader's; the others say "hello" there.  One that
 * comes later and comes first by name takes over, as long as none has begun:
 * all look again and again, and come to the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/proveroom.h"
#include "libspool/scan.h"
#include "tools/provejoin.h"
#include "tools/spool.h"

#define BEAT_MS 30000

/* ---- hello ---- */

static void
hello_print(const struct prove *p, struct sp_buf *text)
{
	const struct sp_cert_host *host = &p->cert.host[0];
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "host", host->host);
	sp_jw_text(&w, "filesystem", host->type);
	sp_jw_int(&w, "magic", (int64_t)host->magic);
	sp_jw_real(&w, "clock", host->clock);
	sp_jw_open(&w, "findings", '[');
	for (i = 0; i < p->found.n; i++)
		if (p->found.one[i].level != SP_FOUND_OK)
			sp_finding_print(&w, &p->found.one[i]);
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
}

/* What a guest has found itself, with its name in front. */
static void
take_findings(
    struct meeting *m, struct peer *peer, const struct json_t *findings)
{
	const char *level, *words, *what, *mend;
	const struct json_t *one;
	size_t i;

	for (i = 0; i < sp_json_count(findings) && i < 64; i++) {
		one = sp_json_at(findings, i);
		level = sp_json_text(sp_json_get(one, "level"));
		what = sp_json_text(sp_json_get(one, "what"));
		words = sp_json_text(sp_json_get(one, "measured"));
		mend = sp_json_text(sp_json_get(one, "mend"));
		if (level == NULL || what == NULL || words == NULL)
			continue;
		peer->unsafe = peer->unsafe || strcmp(level, "bad") == 0;
		(void)sp_found(&m->p->found,
		    strcmp(level, "bad") == 0 ? SP_FOUND_BAD : SP_FOUND_WARN,
		    what, mend, "on %s: %s", peer->host.host, words);
	}
}

static bool
hello_take(struct meeting *m, struct peer *peer)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct json_t *json = NULL;
	bool taken = false;

	if (talk_read(peer->by, "hello", &text) &&
	    sp_json_parse(sp_buf_text(&text), text.len, &json, NULL) == SP_OK) {
		sp_text_cut(peer->host.host, sizeof peer->host.host,
		    sp_json_text(sp_json_get(json, "host")));
		sp_text_cut(peer->host.type, sizeof peer->host.type,
		    sp_json_text(sp_json_get(json, "filesystem")));
		peer->host.magic =
		    (uint64_t)sp_json_int(sp_json_get(json, "magic"), 0);
		peer->host.clock = sp_json_real(sp_json_get(json, "clock"), 0);
		taken = peer->host.host[0] != '\0';
		if (taken && m->leads)
			take_findings(m, peer, sp_json_get(json, "findings"));
	}
	sp_json_free(json);
	sp_buf_clear(&text);
	return taken;
}

/* ---- meeting ---- */

/* The first room by name where somebody waits, or which we are in. */
static bool
first_room(const struct meeting *m, char room_out[SP_NAME_MAX])
{
	const struct prove *p = m->p;
	int tmp = p->spool->dir[SP_DIR_TMP];
	struct sp_names names = { 0 };
	char path[SP_NAME_MAX + 16];
	bool found = false;
	struct stat st;
	int64_t now, took;
	size_t i;

	if (sp_list(tmp, false, &names, NULL) != SP_OK ||
	    sp_server_now(p->spool, &now, &took, NULL) != SP_OK) {
		sp_names_clear(&names);
		return false;
	}
	for (i = 0; i < names.n && !found; i++) {
		const char *name = sp_names_at(&names, i);

		if (strncmp(name, SP_TMP_PROVE, strlen(SP_TMP_PROVE)) != 0 ||
		    strlen(name) >= SP_NAME_MAX)
			continue;
		(void)snprintf(path, sizeof path, "%s/meet", name);
		if (sp_fs_lstat(tmp, path, &st) == -1)
			continue;
		/* Not one that others are busy with, or that was left. */
		(void)snprintf(path, sizeof path, "%s/by.%s/begin", name,
		    name + strlen(SP_TMP_PROVE));
		if (strcmp(name, p->room) != 0 && strcmp(name, m->room) != 0 &&
		    (sp_prove_left(p->spool, name, now) ||
			sp_fs_lstat(tmp, path, &st) == 0))
			continue;
		(void)snprintf(room_out, SP_NAME_MAX, "%s", name);
		found = true;
	}
	sp_names_clear(&names);
	return found;
}

static void
leave(struct meeting *m)
{
	talk_close(m);
	if (m->fd != -1 && m->fd != m->p->fd)
		(void)sp_fs_close(m->fd);
	m->fd = -1;
	m->room[0] = '\0';
}

/* Into a room, and say hello. */
static bool
enter(struct meeting *m, const char *room)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	bool said = false;

	(void)snprintf(m->room, sizeof m->room, "%s", room);
	m->leads = strcmp(room, m->p->room) == 0;
	if (m->leads)
		m->fd = m->p->fd;
	else if (sp_open_dir(
		     m->p->spool->dir[SP_DIR_TMP], room, &m->fd, NULL) != SP_OK)
		m->fd = -1;
	hello_print(m->p, &text);
	if (m->fd != -1 && talk_open(m, NULL))
		said = !text.failed &&
		    talk_put(m, "hello", sp_buf_text(&text)) == 0;
	sp_buf_clear(&text);
	if (!said)
		leave(m);
	return said;
}

/* Is it known already?  Else take it in once it has said hello. */
static void
meet_one(struct meeting *m, const char *w)
{
	struct peer *peer = &m->peer[m->peers];
	size_t i;

	if (m->peers == JOIN_MOST || !sp_worker_ok(w) ||
	    strcmp(w, m->p->spool->actor) == 0)
		return;
	for (i = 0; i < m->peers; i++)
		if (strcmp(m->peer[i].w, w) == 0)
			return;
	memset(peer, 0, sizeof *peer);
	(void)snprintf(peer->w, sizeof peer->w, "%.*s", SP_WORKER_MAX, w);
	if ((peer->by = talk_of(m, w)) == -1)
		return;
	if (hello_take(m, peer))
		m->peers++;
	else
		(void)sp_fs_close(peer->by);
}

static bool
guests_in(struct meeting *m, unsigned hosts)
{
	struct sp_names names = { 0 };
	size_t i;

	if (sp_list(m->fd, false, &names, NULL) == SP_OK)
		for (i = 0; i < names.n && m->peers + 1 < hosts; i++)
			if (strncmp(sp_names_at(&names, i), "by.", 3) == 0)
				meet_one(m, sp_names_at(&names, i) + 3);
	sp_names_clear(&names);
	return m->peers + 1 >= hosts;
}

/* Has the leader begun, and with us? */
static bool
begun(struct meeting *m)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	bool with_us;

	if (m->peers == 0)
		meet_one(m, m->room + strlen(SP_TMP_PROVE));
	with_us = m->peers > 0 && talk_seen(m->peer[0].by, "begin") &&
	    talk_read(m->peer[0].by, "begin", &text) &&
	    strstr(sp_buf_text(&text), m->p->spool->actor) != NULL;
	sp_buf_clear(&text);
	return with_us;
}

static bool
begin(struct meeting *m)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	size_t i;
	bool done;

	for (i = 0; i < m->peers; i++)
		sp_buf_printf(&text, "%s\n", m->peer[i].w);
	done = !text.failed && talk_put(m, "begin", sp_buf_text(&text)) == 0;
	sp_buf_clear(&text);
	return done;
}

/* Until all are together; false: they do not come. */
static bool
gather(struct meeting *m, unsigned hosts, int64_t wait_ms)
{
	int64_t start = sp_mono_ms(), beat = start, now = start;
	char room[SP_NAME_MAX];

	while (!prove_ended && now < start + wait_ms) {
		if (first_room(m, room) && strcmp(room, m->room) != 0) {
			leave(m);
			(void)enter(m, room);
		}
		if (m->fd != -1 && m->leads && guests_in(m, hosts))
			return begin(m);
		if (m->fd != -1 && !m->leads && begun(m))
			return true;
		talk_nap(now - start + 200);
		now = sp_mono_ms();
		if (now > beat + BEAT_MS) {
			(void)sp_prove_beat(m->p->spool, m->p->fd, NULL);
			beat = now;
		}
	}
	return false;
}

/* ---- together ---- */

static void
lead(struct meeting *m, bool *safe)
{
	struct sp_certificate *cert = &m->p->cert;
	size_t i;

	for (i = 0; i < m->peers; i++)
		cert->host[cert->hosts++] = m->peer[i].host;
	for (i = 0; i < m->peers && !m->torn && !prove_ended; i++)
		lag_lead(m, &m->peer[i]);
	if (!m->torn)
		lag_judge(m);
	crowd_lead(m);
	if (prove_ended)
		return;
	*safe = sp_findings_count(&m->p->found, SP_FOUND_BAD) == 0;
	(void)talk_put(m, "end", *safe ? "safe" : "unsafe");
	/* The room goes when all have read that. */
	for (i = 0; i < m->peers && !m->torn; i++)
		(void)talk_await(m, m->peer[i].by, "bye");
}

static void
follow(struct meeting *m, bool *safe)
{
	struct sp_buf text = SP_BUF_INIT(4096);

	lag_guest(m);
	crowd_guest(m);
	if (!m->torn && !prove_ended) {
		if (talk_await(m, m->peer[0].by, "end") &&
		    talk_read(m->peer[0].by, "end", &text))
			*safe = strcmp(sp_buf_text(&text), "safe") == 0;
		else
			talk_lost(m, "end", m->peer[0].host.host);
		(void)talk_put(m, "bye", "");
	}
	sp_buf_clear(&text);
}

bool
prove_join(
    struct prove *p, unsigned hosts, int64_t wait_ms, bool *guest, bool *safe)
{
	struct meeting m = { .p = p, .fd = -1, .by = -1, .stage = -1 };
	bool met;
	int why;

	*guest = *safe = false;
	if ((why = prove_file(p->fd, "meet")) != 0) {
		prove_failed(p, "join", why);
		return false;
	}
	(void)fprintf(stderr, "waiting for %u other%s: spool prove --join %s\n",
	    hosts - 1, hosts == 2 ? "" : "s", p->spool->path);
	met = gather(&m, hosts, wait_ms);
	if (met) {
		*guest = !m.leads;
		if (m.leads)
			lead(&m, safe);
		else
			follow(&m, safe);
	} else if (!prove_ended) {
		complain("nobody else came; run it on the other hosts too, "
			 "with the same directory");
	}
	leave(&m);
	return met && !prove_ended;
}
