/*
 * originbeat.c - who the original's workers are, and the beats that we make for
 * them.  How long one has been idle is known to us alone; when we forget that,
 * its beat ends some polls earlier.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/origin.h"
#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/sha256.h"

/* ---- who asks ---- */

void
origin_who_make(const char *token, const char *bound, const char *name,
    const char *peer, struct origin_who *who)
{
	char hex[SP_SHA_LEN + 1], text[160];
	int len;

	len = snprintf(text, sizeof text, "original worker %s %s",
	    *token != '\0' ? "token" : "address",
	    *token != '\0' ? token : peer);
	sp_sha_text(
	    text, len < (int)sizeof text ? (size_t)len : sizeof text - 1, hex);
	hex[6] = '\0';
	(void)memset(who, 0, sizeof *who);
	(void)memcpy(who->nonce, hex, 7);
	who->token = *token != '\0';
	(void)snprintf(who->peer, sizeof who->peer, "%s", peer);
	if (*bound != '\0')
		name = bound;
	if (name != NULL)
		sp_worker_make(
		    name, (uint32_t)strtoul(hex, NULL, 16), who->worker);
}

bool
origin_who_is(const struct origin_who *who, const char *worker)
{
	const char *dash = strrchr(worker, '-');

	return dash != NULL && strcmp(dash + 1, who->nonce) == 0;
}

/* ---- their beats ---- */

static enum sp_status
beat_read(
    const struct sp_spool *sp, const char *worker, struct sp_beat *beat_out)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	char file[SP_WORKER_MAX + 8];
	enum sp_status s;
	struct stat st;

	(void)memset(beat_out, 0, sizeof *beat_out);
	(void)snprintf(file, sizeof file, "%s.json", worker);
	s = sp_read(
	    sp->dir[SP_DIR_WORKERS], file, SP_BEAT_MAX, &text, &st, NULL);
	if (s == SP_OK)
		s = sp_beat_parse(text.data, text.len, beat_out, NULL);
	sp_buf_clear(&text);
	return s;
}

bool
origin_is(const struct sp_spool *sp, const char *worker, bool *known_out)
{
	struct sp_beat beat;
	bool known, is;

	known = beat_read(sp, worker, &beat) == SP_OK;
	is = known && strcmp(beat.role, ORIGIN_ROLE) == 0;
	sp_beat_clear(&beat);
	if (known_out != NULL)
		*known_out = known;
	return is;
}

struct origin_row *
origin_row_of(struct origin *o, const char *worker)
{
	size_t i;

	for (i = 0; i < o->rows; i++)
		if (strcmp(o->row[i].worker, worker) == 0)
			return &o->row[i];
	return NULL;
}

/* Its row, a new one goes on counting where its beat stood.  NULL: too many.
 */
struct origin_row *
origin_row_get(struct origin *o, const struct sp_spool *sp, const char *worker)
{
	struct origin_row *row = origin_row_of(o, worker);
	struct sp_beat beat;

	if (row != NULL || o->rows == ORIGIN_MOST)
		return row;
	row = &o->row[o->rows++];
	(void)memset(row, 0, sizeof *row);
	(void)snprintf(row->worker, sizeof row->worker, "%s", worker);
	row->started = sp_wall_ms();
	if (beat_read(sp, worker, &beat) == SP_OK) {
		row->count = beat.count;
		if (beat.started > 0)
			row->started = beat.started;
		(void)snprintf(row->peer, sizeof row->peer, "%s", beat.host);
	}
	sp_beat_clear(&beat);
	return row;
}

enum sp_status
origin_row_beat(const struct sp_spool *sp, struct origin_row *row)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	char file[SP_WORKER_MAX + 8];
	struct sp_err err = { "" };
	struct sp_beat beat;
	enum sp_status st;

	(void)memset(&beat, 0, sizeof beat);
	(void)snprintf(beat.worker, sizeof beat.worker, "%s", row->worker);
	(void)strcpy(beat.role, ORIGIN_ROLE);
	(void)strcpy(beat.state, row->running[0] != '\0' ? "busy" : "idle");
	(void)snprintf(beat.host, sizeof beat.host, "%s", row->peer);
	(void)strcpy(beat.note, "an original worker; spool-httpd beats for it");
	beat.started = row->started;
	beat.slots = 1;
	beat.count = ++row->count;
	beat.running = &row->running;
	beat.running_n = row->running[0] != '\0';
	sp_beat_print(&beat, &text);
	(void)snprintf(file, sizeof file, "%s.json", row->worker);
	st = text.failed
	    ? SP_RETRY
	    : sp_publish(sp, sp->dir[SP_DIR_WORKERS], file, text.data, text.len,
		  SP_PUB_REPLACE | SP_PUB_LAZY, &err);
	if (st != SP_OK)
		sp_warn("beat worker=%s: %s", row->worker, err.text);
	sp_buf_clear(&text);
	return st;
}

void
origin_row_forget(struct origin *o, const struct sp_spool *sp, size_t i)
{
	char file[SP_WORKER_MAX + 8];

	(void)snprintf(file, sizeof file, "%s.json", o->row[i].worker);
	(void)sp_fs_unlink(sp->dir[SP_DIR_WORKERS], file);
	sp_info("forget worker=%s: it is bored no more", o->row[i].worker);
	o->row[i] = o->row[--o->rows];
}
