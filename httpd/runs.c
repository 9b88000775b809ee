/*
 * runs.c - runs/DAY/ID/: logs and metrics of each attempt, seen, and pins.
 * Nothing here is synced and nothing here decides anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/scan.h"

static const char *const no_keys[] = { NULL };

#define PINS      "pins.json"
#define PINS_MOST 65536
#define NOTE_MOST 65536

/* ---- the directory ---- */

void
run_tidy(const struct sp_spool *spool, const struct sp_id *id)
{
	char day[SP_DAY_LEN + 1], path[SP_DAY_LEN + 1 + SP_ID_LEN + 1];
	int fd;

	if (sp_run_open(spool, id, false, &fd, NULL) != SP_OK)
		return;
	(void)unlinkat(fd, "out", AT_REMOVEDIR);
	(void)close(fd);
	sp_id_day(id, day);
	(void)snprintf(path, sizeof path, "%s/%s", day, id->text);
	(void)unlinkat(spool->dir[SP_DIR_RUNS], path, AT_REMOVEDIR);
}

/* ---- what attempts left ---- */

const char *const run_endings[] = { ".log", ".metrics.jsonl", ".json" };

#define ENDINGS (sizeof run_endings / sizeof *run_endings)

/* tTaA@W of such a file's name, and which it is; false: it is none. */
static bool
attempt_of(const struct sp_id *id, const char *file, char out[SP_NAME_MAX],
    size_t *which)
{
	char text[SP_NAME_MAX];
	struct sp_name name;
	size_t i, len = strlen(file), n;

	for (i = 0; i < ENDINGS; i++) {
		n = strlen(run_endings[i]);
		if (len <= n || strcmp(file + len - n, run_endings[i]) != 0 ||
		    len > 100)
			continue;
		(void)snprintf(out, SP_NAME_MAX, "%.*s", (int)(len - n), file);
		(void)snprintf(text, sizeof text, "%s.%.100s", id->text, out);
		*which = i;
		return sp_attempt_parse(text, &name) == SP_OK;
	}
	return false;
}

/* By ticket: as numbers, for t10 is behind t9. */
static int
cmp(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	long tx = strtol(x + 1, NULL, 10), ty = strtol(y + 1, NULL, 10);

	return tx != ty ? (tx < ty ? -1 : 1) : strcmp(x, y);
}

/* Files of attempts, by attempt; *n_out of them: names into `names`. */
static enum sp_status
list_attempts(int run, struct sp_names *names, const char ***out, size_t *n_out,
    struct sp_err *err)
{
	enum sp_status st = sp_list(run, false, names, err);
	size_t i;

	*n_out = 0;
	if (st != SP_OK)
		return st;
	if ((*out = calloc(names->n + 1, sizeof **out)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < names->n; i++)
		(*out)[(*n_out)++] = sp_names_at(names, i);
	qsort(*out, *n_out, sizeof **out, cmp);
	return SP_OK;
}

static void
put_file(struct sp_jw *w, int run, const char *file, size_t which)
{
	struct sp_buf text = SP_BUF_INIT(NOTE_MOST);
	struct json_t *json;
	struct stat is;

	if (which < 2) {
		if (fstatat(run, file, &is, AT_SYMLINK_NOFOLLOW) == 0)
			sp_jw_int(
			    w, which == 0 ? "log" : "metrics", is.st_size);
		return;
	}
	if (sp_read(run, file, NOTE_MOST, &text, &is, NULL) == SP_OK &&
	    sp_json_parse(text.data, text.len, &json, NULL) == SP_OK) {
		sp_jw_json(w, "note", json);
		sp_json_free(json);
	}
	sp_buf_clear(&text);
}

static bool
order_is(struct server *s, const char *text, struct sp_id *id, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;

	if (!param_id(text, id, a))
		return false;
	st = sp_find(&s->spool, id, &state, &name, &err);
	if (st != SP_OK)
		answer_status(a, st, &err, text);
	return st == SP_OK;
}

void
v1_attempts(struct server *s, struct request *r, struct answer *a)
{
	char is[SP_NAME_MAX], last[SP_NAME_MAX] = "";
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	const char **file = NULL;
	enum sp_status st;
	struct sp_id id;
	struct sp_jw w;
	size_t i, n = 0, which;
	int run;

	if (!query_only(r, no_keys, a) || !order_is(s, r->param[0], &id, a))
		return;
	answer_object(a, 200, &w);
	sp_jw_open(&w, "attempts", '[');
	st = sp_run_open(&s->spool, &id, false, &run, &err);
	if (st == SP_OK) {
		st = list_attempts(run, &names, &file, &n, &err);
		for (i = 0; i < n && st == SP_OK; i++) {
			if (!attempt_of(&id, file[i], is, &which))
				continue;
			if (strcmp(is, last) != 0) {
				if (last[0] != '\0')
					sp_jw_close(&w, '}');
				sp_jw_open(&w, NULL, '{');
				sp_jw_text(&w, "attempt", is);
				(void)strcpy(last, is);
			}
			put_file(&w, run, file[i], which);
		}
		(void)close(run);
	}
	if (last[0] != '\0')
		sp_jw_close(&w, '}');
	sp_jw_close(&w, ']');
	answer_end(a, &w);
	if (st != SP_OK && st != SP_GONE)
		answer_status(a, st, &err, NULL);
	free(file);
	sp_names_clear(&names);
}

/* ---- reading a log ---- */

/* The file of the attempt asked for, or of the newest that has one. */
static enum sp_status
find_file(int run, const struct sp_id *id, const char *attempt, size_t which,
    char out[SP_NAME_MAX + 16], struct sp_err *err)
{
	struct sp_names names = { 0 };
	const char **file = NULL;
	char is[SP_NAME_MAX];
	enum sp_status st;
	size_t i, n, kind;

	out[0] = '\0';
	st = list_attempts(run, &names, &file, &n, err);
	for (i = 0; i < n && st == SP_OK; i++)
		if (attempt_of(id, file[i], is, &kind) && kind == which &&
		    (attempt == NULL || strcmp(is, attempt) == 0))
			(void)snprintf(out, SP_NAME_MAX + 16, "%s", file[i]);
	free(file);
	sp_names_clear(&names);
	return st == SP_OK && out[0] == '\0' ? SP_GONE : st;
}

static void
show(struct server *s, struct request *r, struct answer *a, size_t which)
{
	static const char *const keys[] = { "attempt", "wait", NULL };
	char file[SP_NAME_MAX + 16], etag[128];
	struct sp_err err = { "" };
	struct stat is = { 0 };
	int64_t wait, from, len;
	enum sp_status st;
	struct sp_id id;
	int run, fd = -1;

	if (!query_only(r, keys, a) || !order_is(s, r->param[0], &id, a) ||
	    !query_int(r, "wait", 0, WAIT_MOST, 0, &wait, a))
		return;
	st = sp_run_open(&s->spool, &id, false, &run, &err);
	if (st == SP_OK) {
		st = find_file(
		    run, &id, url_get(&r->url, "attempt"), which, file, &err);
		if (st == SP_OK)
			st = sp_open(run, file, 0, &fd, &is, &err);
		(void)close(run);
	}
	if (wait > 0 && !r->late &&
	    (st == SP_GONE ||
		(st == SP_OK &&
		    range_parse(r->head.range, is.st_size, &from, &len) ==
			-1))) {
		if (fd != -1)
			(void)close(fd);
		a->wait = WAKE_GROWTH;
		a->until = r->since + wait * 1000;
		return;
	}
	if (st != SP_OK) {
		answer_status(a, st, st == SP_GONE ? NULL : &err, id.text);
		return;
	}
	/* Of the file, not of its length: what was there stays. */
	(void)snprintf(
	    etag, sizeof etag, "\"%llx\"", (unsigned long long)is.st_ino);
	*strstr(file, run_endings[which]) = '\0';
	file_answer(r, a, fd, is.st_size, etag,
	    which == 0 ? "text/plain; charset=utf-8" : "application/jsonl");
	answer_header(a, "Spool-Attempt", "%.200s", file);
}

void
v1_log(struct server *s, struct request *r, struct answer *a)
{
	show(s, r, a, 0);
}

void
v1_metrics(struct server *s, struct request *r, struct answer *a)
{
	show(s, r, a, 1);
}

/* ---- pins ---- */

void
v1_pins(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_id id;
	struct stat is;
	int run;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_run_open(&s->spool, &id, false, &run, &err);
	if (st == SP_OK) {
		st = sp_read(run, PINS, PINS_MOST, &a->body, &is, &err);
		(void)close(run);
	}
	if (st == SP_OK)
		a->status = 200;
	else
		answer_status(a, st, st == SP_GONE ? NULL : &err, id.text);
}

void
v1_pin(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	struct json_t *json;
	struct sp_name name;
	enum sp_status st;
	int run;

	if (!query_only(r, no_keys, a) || !claim_named(r, &name, a) ||
	    !body_json(r, NULL, &json, a))
		return;
	sp_json_free(json);
	if (r->body.len > PINS_MOST)
		st = sp_err_set(&err, SP_BAD, "pins are shorter");
	else
		st = claim_stands(s, &name, &err);
	if (st == SP_OK)
		st = sp_run_make(&s->spool, &name.id, &run, &err);
	if (st == SP_OK) {
		st = sp_publish(&s->spool, run, PINS, sp_buf_text(&r->body),
		    r->body.len, SP_PUB_LAZY, &err);
		(void)close(run);
		if (st == SP_LOST)
			(void)sp_err_set(&err, st, "it is pinned already");
	}
	if (st == SP_OK)
		answer_texts(a, 201, "id", name.id.text, NULL);
	else
		answer_status(a, st, &err, NULL);
}
