/*
 * workers.c - beats, what a worker holds and what is asked of it, and what the
 * others' beats say.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/mark.h"
#include "libspool/scan.h"
#include "libspool/wish.h"

static const char *const no_keys[] = { NULL };

#define ALIVE_MS   5000
#define PEERS_MOST 64

/* ---- all of them ---- */

typedef void beat_fn(void *arg, const struct sp_beat *beat,
    const struct sp_buf *text, double silent);

/* Each beat that can be read, and how many seconds ago it was heard. */
static enum sp_status
beats(struct server *s, beat_fn *fn, void *arg, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_names names = { 0 };
	int dir = s->spool.dir[SP_DIR_WORKERS];
	struct sp_beat beat;
	enum sp_status st;
	struct stat is;
	int64_t now;
	double silent;
	size_t i;

	st = server_now(s, &now, err);
	if (st == SP_OK)
		st = sp_list(dir, false, &names, err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		if (sp_read(dir, sp_names_at(&names, i), SP_BEAT_MAX, &text,
			&is, NULL) != SP_OK)
			continue;
		silent = (double)(now - (int64_t)is.st_mtim.tv_sec * 1000 -
			     is.st_mtim.tv_nsec / 1000000) /
		    1000;
		if (sp_beat_parse(text.data, text.len, &beat, NULL) == SP_OK)
			fn(arg, &beat, &text, silent < 0 ? 0 : silent);
		sp_beat_clear(&beat);
	}
	sp_names_clear(&names);
	sp_buf_clear(&text);
	return st;
}

struct alive {
	unsigned n;
	double lease;
};

static void
count(void *arg, const struct sp_beat *beat, const struct sp_buf *text,
    double silent)
{
	struct alive *alive = arg;

	(void)text;
	alive->n += strcmp(beat->role, "worker") == 0 && silent <= alive->lease;
}

unsigned
workers_alive(struct server *s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int64_t at;
	static unsigned n;
	struct alive alive = { .lease = s->spool.policy.lease };
	int64_t now = sp_mono_ms();
	unsigned is;

	(void)pthread_mutex_lock(&lock);
	if ((at == 0 || now - at > ALIVE_MS) &&
	    beats(s, count, &alive, NULL) == SP_OK) {
		at = now;
		n = alive.n;
	}
	is = n == 0 ? 1 : n;
	(void)pthread_mutex_unlock(&lock);
	return is;
}

static void
print_beat(void *arg, const struct sp_beat *beat, const struct sp_buf *text,
    double silent)
{
	struct json_t *json;
	struct sp_jw *w = arg;
	char value[32];

	(void)beat;
	if (sp_json_parse(text->data, text->len, &json, NULL) != SP_OK)
		return;
	(void)snprintf(value, sizeof value, "%.3f", silent);
	if (sp_json_set(json, "silent", value, NULL) == SP_OK)
		sp_jw_json(w, NULL, json);
	sp_json_free(json);
}

void
v1_workers(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_jw w;

	if (!query_only(r, no_keys, a))
		return;
	answer_object(a, 200, &w);
	sp_jw_open(&w, "workers", '[');
	st = beats(s, print_beat, &w, &err);
	sp_jw_close(&w, ']');
	answer_end(a, &w);
	if (st != SP_OK)
		answer_status(a, st, &err, NULL);
}

/* ---- one ---- */

static bool
worker_named(struct request *r, struct answer *a)
{
	return query_only(r, no_keys, a) && worker_may(r, r->param[0], a);
}

void
put_names(struct sp_jw *w, const char *key, const struct sp_names *names)
{
	size_t i;

	sp_jw_open(w, key, '[');
	for (i = 0; i < names->n; i++)
		sp_jw_text(w, NULL, sp_names_at(names, i));
	sp_jw_close(w, ']');
}

/* Names of `all` that carry this W (same), or its NAME with another nonce. */
static enum sp_status
of_worker(const struct sp_names *all, const char *worker, bool same,
    struct sp_names *out)
{
	enum sp_status st = SP_OK;
	struct sp_name name;
	size_t i;

	for (i = 0; i < all->n && st == SP_OK; i++) {
		if (sp_name_parse(sp_names_at(all, i), &name) != SP_OK ||
		    name.worker[0] == '\0')
			continue;
		if (same ? strcmp(name.worker, worker) == 0
			 : strcmp(name.worker, worker) != 0 &&
			    sp_worker_kin(name.worker, worker))
			st = sp_names_add(out, sp_names_at(all, i));
	}
	return st;
}

static void
put_cancel(
    struct sp_jw *w, const struct sp_names *held, const struct sp_names *marks)
{
	struct sp_name name;
	size_t i;

	sp_jw_open(w, "cancel", '[');
	for (i = 0; i < held->n; i++)
		if (sp_name_parse(sp_names_at(held, i), &name) == SP_OK &&
		    sp_names_has(marks, name.id.text))
			sp_jw_text(w, NULL, name.id.text);
	sp_jw_close(w, ']');
}

static void
say_held(struct server *s, const char *worker, struct answer *a)
{
	struct sp_names all = { 0 }, held = { 0 }, stale = { 0 }, marks = { 0 },
			wishes = { 0 };
	const struct sp_spool *spool = &s->spool;
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_jw w;
	bool now;

	st = sp_list(spool->dir[SP_DIR_ASSIGNED], false, &all, &err);
	if (st == SP_OK)
		st = of_worker(&all, worker, true, &held);
	if (st == SP_OK)
		st = of_worker(&all, worker, false, &stale);
	if (st == SP_OK)
		st = sp_mark_list(spool, SP_DIR_CANCEL, &marks, &err);
	if (st == SP_OK)
		st = sp_wish_list(spool, &wishes, &err);
	if (st == SP_OK) {
		now = sp_wish_is(&wishes, worker, SP_WISH_NOW);
		answer_object(a, 200, &w);
		put_names(&w, "held", &held);
		put_names(&w, "stale", &stale);
		put_cancel(&w, &held, &marks);
		sp_jw_open(&w, "wishes", '{');
		sp_jw_bool(&w, "drain",
		    now || sp_wish_is(&wishes, worker, SP_WISH_DRAIN));
		sp_jw_bool(&w, "now", now);
		sp_jw_bool(
		    &w, "resume", sp_wish_is(&wishes, worker, SP_WISH_RESUME));
		sp_jw_close(&w, '}');
		sp_jw_int(&w, "workers", workers_alive(s));
		answer_end(a, &w);
	} else {
		answer_status(a, st, &err, NULL);
	}
	sp_names_clear(&all);
	sp_names_clear(&held);
	sp_names_clear(&stale);
	sp_names_clear(&marks);
	sp_names_clear(&wishes);
}

void
v1_held(struct server *s, struct request *r, struct answer *a)
{
	if (worker_named(r, a))
		say_held(s, r->param[0], a);
}

/* What a beat claims to be is kept as far as it is a worker's: no worker may
 * pass for the daemon whose house-keeping others rely on. */
void
v1_beat(struct server *s, struct request *r, struct answer *a)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_err err = { "" };
	char file[SP_WORKER_MAX + 8];
	struct sp_beat beat;
	enum sp_status st;

	if (!worker_named(r, a) || !body_text(r, a))
		return;
	st = sp_beat_parse(sp_buf_text(&r->body), r->body.len, &beat, &err);
	if (st == SP_OK && strcmp(beat.worker, r->param[0]) != 0)
		st = sp_err_set(&err, SP_BAD, "worker: found %s, expected %s",
		    beat.worker, r->param[0]);
	if (st == SP_OK && strcmp(beat.role, "worker") != 0 &&
	    beat.role[0] != '\0')
		st = sp_err_set(&err, SP_BAD,
		    "role: found '%s', expected worker", beat.role);
	if (st == SP_OK) {
		(void)strcpy(beat.role, "worker");
		sp_beat_print(&beat, &text);
		(void)snprintf(file, sizeof file, "%s.json", beat.worker);
		st = text.failed
		    ? sp_err_set(&err, SP_RETRY, "no memory")
		    : sp_publish(&s->spool, s->spool.dir[SP_DIR_WORKERS], file,
			  text.data, text.len, SP_PUB_REPLACE | SP_PUB_LAZY,
			  &err);
	}
	sp_beat_clear(&beat);
	sp_buf_clear(&text);
	if (st == SP_OK)
		say_held(s, r->param[0], a);
	else
		answer_status(a, st, &err, NULL);
}

void
v1_worker(struct server *s, struct request *r, struct answer *a)
{
	char file[SP_WORKER_MAX + 8];
	struct sp_err err = { "" };
	enum sp_status st;
	struct stat is;

	if (!query_only(r, no_keys, a))
		return;
	if (!sp_worker_ok(r->param[0])) {
		answer_wrong(
		    a, W_REQUEST, "'%.64s' is no worker's W", r->param[0]);
		return;
	}
	(void)snprintf(file, sizeof file, "%s.json", r->param[0]);
	st = sp_read(s->spool.dir[SP_DIR_WORKERS], file, SP_BEAT_MAX, &a->body,
	    &is, &err);
	if (st == SP_OK)
		a->status = 200;
	else
		answer_status(a, st, &err, r->param[0]);
}

void
v1_bye(struct server *s, struct request *r, struct answer *a)
{
	char file[SP_WORKER_MAX + 8];
	struct sp_err err = { "" };

	if (!worker_named(r, a))
		return;
	(void)snprintf(file, sizeof file, "%s.json", r->param[0]);
	if (unlinkat(s->spool.dir[SP_DIR_WORKERS], file, 0) == -1 &&
	    errno != ENOENT)
		answer_status(
		    a, sp_err_sys(&err, "remove workers/%s", file), &err, NULL);
	else
		a->status = 204;
}

/* ---- scripts on other workers ---- */

struct peers {
	const char *self;
	struct sp_tally_row row[PEERS_MOST];
	size_t n;
};

static void
add_peer(void *arg, const struct sp_beat *beat, const struct sp_buf *text,
    double silent)
{
	struct peers *p = arg;

	(void)text;
	(void)silent;
	if (strcmp(beat->worker, p->self) != 0)
		sp_tally_sum(&beat->tally, p->row, p->n);
}

static bool
scripts_of(const struct json_t *list, struct peers *p)
{
	const char *text;
	size_t i;

	if (sp_json_kind(list) != SP_JSON_LIST ||
	    sp_json_count(list) > PEERS_MOST)
		return false;
	for (i = 0; i < sp_json_count(list); i++) {
		text = sp_json_text(sp_json_at(list, i));
		if (text == NULL || strlen(text) >= SP_TALLY_KEY)
			return false;
		(void)strcpy(p->row[i].script, text);
	}
	p->n = i;
	return true;
}

void
v1_peers(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "worker", "scripts", NULL };
	struct sp_err err = { "" };
	struct peers p = { 0 };
	struct json_t *json;
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	if (!query_only(r, no_keys, a) || !body_json(r, keys, &json, a))
		return;
	p.self = sp_json_text(sp_json_get(json, "worker"));
	if (!worker_may(r, p.self, a)) {
		sp_json_free(json);
		return;
	}
	if (!scripts_of(sp_json_get(json, "scripts"), &p)) {
		answer_wrong(a, W_BAD,
		    "scripts: expected a list of at most %d short texts",
		    PEERS_MOST);
		sp_json_free(json);
		return;
	}
	st = beats(s, add_peer, &p, &err);
	sp_json_free(json);
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_open(&w, "scripts", '[');
	for (i = 0; i < p.n; i++) {
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "script", p.row[i].script);
		sp_jw_int(&w, "good", p.row[i].good);
		sp_jw_int(&w, "bad", p.row[i].bad);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	answer_end(a, &w);
}
