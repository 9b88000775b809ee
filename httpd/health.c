/*
 * health.c - /healthz: does the spool answer, does spoold beat, is there room
 * on the disk?  For those who start servers again and take them out of service;
 * it says no more than that, for it asks for no token.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "httpd/server.h"
#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"

#define FRESH_MS   1000
#define ROOM_LEAST (64 << 20) /* bytes, */
#define ROOM_PART  100        /* or one in so many, if that is less */

/* The newest beat of a spoold; -1: there is none.  Counters of different ones
 * are different, so one that changes place is one that beats. */
static int64_t
spoold_count(const struct sp_spool *sp)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_names names = { 0 };
	int64_t count = -1;
	struct stat st;
	size_t i;

	if (sp_list(sp->dir[SP_DIR_WORKERS], false, &names, NULL) != SP_OK)
		return -1;
	for (i = 0; i < names.n; i++) {
		struct sp_beat beat = { 0 };

		/* Only spoold's is called that, as a rule. */
		if (strncmp(sp_names_at(&names, i), "spoold-", 7) == 0 &&
		    sp_read(sp->dir[SP_DIR_WORKERS], sp_names_at(&names, i),
			SP_BEAT_MAX, &text, &st, NULL) == SP_OK &&
		    sp_beat_parse(text.data, text.len, &beat, NULL) == SP_OK &&
		    strcmp(beat.role, "spoold") == 0)
			count = (count == -1 ? 0 : count) + beat.count;
		sp_beat_clear(&beat);
	}
	sp_names_clear(&names);
	sp_buf_clear(&text);
	return count;
}

static void
look_spoold(struct server *s, struct health *h, int64_t now)
{
	int64_t count = spoold_count(&s->spool);

	if (count != h->count || h->changed == 0) {
		h->count = count;
		h->changed = now;
	}
	h->spoold = count == -1 ? SPOOLD_NONE
	    : (double)(now - h->changed) > s->spool.policy.lease * 1000
	    ? SPOOLD_SILENT
	    : SPOOLD_BEATING;
}

static void
look_room(struct server *s, struct health *h)
{
	struct statvfs vfs;

	h->room = true;
	h->size = h->free = h->files = h->files_free = 0;
	if (sp_fs_statvfs(s->spool.root, &vfs) == -1)
		return;
	h->size = (int64_t)(vfs.f_blocks * vfs.f_frsize);
	h->free = (int64_t)(vfs.f_bavail * vfs.f_frsize);
	h->files = (int64_t)vfs.f_files;
	h->files_free = (int64_t)vfs.f_favail;
	h->room = h->free >= ROOM_LEAST || h->free >= h->size / ROOM_PART;
	if (h->files > 0 && h->files_free < 1000)
		h->room = false;
}

void
health_look(struct server *s, struct health *out)
{
	struct health *h = &s->health;
	int64_t now = sp_mono_ms(), server, took;
	struct sp_err err = { "" };

	(void)pthread_mutex_lock(&h->lock);
	if (h->at == 0 || now - h->at >= FRESH_MS) {
		h->answers =
		    sp_server_now(&s->spool, &server, &took, &err) == SP_OK;
		(void)snprintf(h->words, sizeof h->words, "%.120s", err.text);
		look_spoold(s, h, now);
		look_room(s, h);
		h->at = now;
	}
	*out = *h;
	(void)pthread_mutex_unlock(&h->lock);
}

static const char *
spoold_text(enum spoold is)
{
	return is == SPOOLD_NONE  ? "none"
	    : is == SPOOLD_SILENT ? "silent"
				  : "beating";
}

static void
healthz(struct server *s, struct request *r, struct answer *a)
{
	struct health h;
	bool well;

	(void)r;
	health_look(s, &h);
	well = h.answers && h.room && h.spoold != SPOOLD_SILENT;
	answer_texts(a, well ? 200 : 503, "status", well ? "ok" : "unwell",
	    "spool", h.answers ? "ok" : "does not take writes", "spoold",
	    spoold_text(h.spoold), "disk", h.room ? "ok" : "full", NULL);
}

handler_fn metrics, events;

const struct route watch_routes[] = {
	{ M_GET, "/healthz", 0, BODY_NONE, 0, healthz },
	{ M_GET, "/metrics", SP_ROLE_READ, BODY_NONE, 0, metrics },
	{ M_GET, "/v1/events", SP_ROLE_READ, BODY_NONE, 0, events },
	{ 0, NULL, 0, BODY_NONE, 0, NULL },
};
