/*
 * pagedata.c - the data of a page that is a file: rows, workers, and of the
 * newest orders what their own pages show.  Texts of jobs go in as JSON strings
 * and are never looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index/index.h"
#include "libspool/drawn.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "libspool/version.h"
#include "page/page.h"
#include "tools/pagedata.h"

#define LOG_TAIL (16 * 1024)
#define NOTE_MAX (64 * 1024)
#define POINTS   200

/* ---- one order ---- */

/* A text that is a JSON object, as it is; else null. */
static void
put_object(struct sp_buf *out, const char *key, const struct sp_buf *text)
{
	struct json_t *json;

	sp_buf_printf(out, "\"%s\":", key);
	if (sp_json_parse(sp_buf_text(text), text->len, &json, NULL) != SP_OK) {
		sp_buf_puts(out, "null");
		return;
	}
	sp_json_put(out, json);
	sp_json_free(json);
}

static void
put_file(
    struct sp_buf *out, const char *key, int dir, const char *file, size_t most)
{
	struct sp_buf text = SP_BUF_INIT(most + 2);
	struct stat is;

	if (sp_read(dir, file, most, &text, &is, NULL) != SP_OK)
		sp_buf_reset(&text);
	put_object(out, key, &text);
	sp_buf_clear(&text);
}

/* The end of a log, from a whole line on. */
static void
put_log(struct sp_buf *out, int dir, const char *file)
{
	char buf[LOG_TAIL + 1], *text = buf;
	struct stat is;
	ssize_t n;
	int fd;

	if (sp_open(dir, file, 0, &fd, &is, NULL) != SP_OK)
		return;
	n = sp_fs_pread(fd, buf, LOG_TAIL,
	    is.st_size > LOG_TAIL ? is.st_size - LOG_TAIL : 0);
	(void)sp_fs_close(fd);
	if (n <= 0)
		return;
	buf[n] = '\0';
	for (n--; n >= 0; n--)
		if (buf[n] == '\0') /* no end of a text to us */
			buf[n] = ' ';
	buf[strlen(buf)] = '\0';
	if (is.st_size > LOG_TAIL && (text = strchr(buf, '\n')) == NULL)
		text = buf;
	else if (is.st_size > LOG_TAIL)
		text++;
	sp_buf_puts(out, ",\"log\":");
	sp_json_put_text(out, text);
}

static off_t
size_of(int dir, const char *file)
{
	struct stat is;
	int fd;

	if (file[0] == '\0' || sp_open(dir, file, 0, &fd, &is, NULL) != SP_OK)
		return 0;
	(void)sp_fs_close(fd);
	return is.st_size;
}

static void
put_attempts(struct sp_buf *out, const struct tries *tries)
{
	char text[SP_NAME_MAX];
	size_t i;

	sp_buf_puts(out, ",\"attempts\":[");
	for (i = 0; i < tries->n; i++) {
		const struct try *t = &tries->try[i];

		sp_attempt_print(&t->name, text);
		sp_buf_printf(out, "%s{\"attempt\":\"%s\"", i == 0 ? "" : ",",
		    text + SP_ID_LEN + 1);
		sp_buf_printf(out, ",\"log\":%lld,\"metrics\":%lld",
		    (long long)size_of(tries->dir, t->log),
		    (long long)size_of(tries->dir, t->metrics));
		if (t->note[0] != '\0') {
			sp_buf_puts(out, ",");
			put_file(out, "note", tries->dir, t->note, NOTE_MAX);
		}
		sp_buf_puts(out, "}");
	}
	sp_buf_puts(out, "]");
	for (i = tries->n; i > 0; i--)
		if (tries->try[i - 1].log[0] != '\0') {
			put_log(out, tries->dir, tries->try[i - 1].log);
			break;
		}
}

/* "ID":{job, outcome, attempts, log} */
static void
put_run(struct sp_buf *out, const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 2);
	char file[SP_ID_LEN + 8];
	struct tries tries;

	sp_buf_printf(out, "\"%s\":{", name->id.text);
	if (sp_order_read(spool, state, name, &job, NULL) != SP_OK)
		sp_buf_reset(&job);
	put_object(out, "job", &job);
	sp_buf_clear(&job);
	(void)snprintf(file, sizeof file, "%s.json", name->id.text);
	sp_buf_puts(out, ",");
	put_file(
	    out, "outcome", spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX);
	if (tries_read(spool, &name->id, &tries, NULL) == SP_OK)
		put_attempts(out, &tries);
	tries_clear(&tries);
	sp_buf_puts(out, "}");
}

/* ---- all of them ---- */

struct newest {
	struct sp_name name;
	enum sp_state state;
};

struct rows {
	struct sp_buf *out;
	size_t most, n;
	struct newest *ring; /* the last that came */
	size_t size;
	size_t skip;
	bool comma;
};

static int
count_row(void *arg, const struct sp_row *row)
{
	(void)row;
	++*(size_t *)arg;
	return 0;
}

static int
put_row(void *arg, const struct sp_row *row)
{
	struct rows *k = arg;

	if (k->skip > 0) { /* a few more come than were asked for */
		k->skip--;
		return 0;
	}
	if (k->comma)
		sp_buf_puts(k->out, ",");
	k->comma = true;
	page_row_print(row, k->out);
	if (k->size > 0)
		k->ring[k->n % k->size] =
		    (struct newest){ row->name, row->state };
	k->n++;
	return 0;
}

static void
put_details(const struct rows *k, const struct sp_spool *spool)
{
	size_t i, of = k->n < k->size ? k->n : k->size;
	const struct newest *one;

	sp_buf_puts(k->out, ",\"curves\":{");
	for (i = 0; i < of; i++) {
		one = &k->ring[i];
		sp_buf_printf(
		    k->out, "%s\"%s\":", i == 0 ? "" : ",", one->name.id.text);
		if (sp_curves_print(spool, one->state, &one->name, POINTS, NULL,
			k->out, NULL) != SP_OK)
			sp_buf_puts(k->out, "{}");
	}
	sp_buf_puts(k->out, "},\"runs\":{");
	for (i = 0; i < of; i++) {
		if (i > 0)
			sp_buf_puts(k->out, ",");
		put_run(k->out, spool, k->ring[i].state, &k->ring[i].name);
	}
	sp_buf_puts(k->out, "}");
}

static enum sp_status
put_counts(struct sp_buf *out, const struct sp_spool *spool, struct sp_err *err)
{
	size_t count[SP_STATES], i;
	enum sp_status st;

	if ((st = index_count(spool, count, err)) != SP_OK)
		return st;
	sp_buf_puts(out, ",\"counts\":{");
	for (i = 0; i < SP_STATES; i++)
		sp_buf_printf(out, "%s\"%s\":%zu", i == 0 ? "" : ",",
		    sp_state_text((enum sp_state)i), count[i]);
	sp_buf_puts(out, "}");
	return SP_OK;
}

static enum sp_status
put_table(struct tool *tool, const struct page_share *share, struct sp_buf *out,
    struct sp_err *err)
{
	struct rows k = { .out = out, .size = share->details };
	const struct sp_spool *spool = &tool->spool;
	enum sp_status st;
	size_t all = 0;

	if ((k.ring = calloc(k.size + 1, sizeof *k.ring)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	sp_buf_printf(
	    out, ",\"table\":{\"columns\":%s,\"rows\":[", page_columns);
	st = index_newest(spool, INDEX_ALL, share->rows, count_row, &all, err);
	k.skip = all > share->rows ? all - share->rows : 0;
	if (st == SP_OK)
		st =
		    index_newest(spool, INDEX_ALL | INDEX_FACTS | INDEX_METRICS,
			share->rows, put_row, &k, err);
	sp_buf_puts(out, "]");
	if (st == SP_OK)
		st = put_counts(out, spool, err);
	sp_buf_puts(out, "}");
	if (st == SP_OK)
		put_details(&k, spool);
	free(k.ring);
	return st;
}

/* ---- workers ---- */

struct beats {
	struct sp_buf *out;
	int64_t now;
	bool comma;
};

static void
put_beat(void *arg, const char *file, const struct sp_buf *text,
    const struct stat *is)
{
	struct beats *b = arg;
	struct json_t *json;
	char value[32];
	double silent = (double)(b->now - (int64_t)is->st_mtim.tv_sec * 1000 -
			    is->st_mtim.tv_nsec / 1000000) /
	    1000;

	(void)file;
	if (sp_json_parse(sp_buf_text(text), text->len, &json, NULL) != SP_OK)
		return;
	(void)snprintf(value, sizeof value, "%.3f", silent < 0 ? 0 : silent);
	if (sp_json_text(sp_json_get(json, "worker")) != NULL &&
	    sp_json_set(json, "silent", value, NULL) == SP_OK) {
		if (b->comma)
			sp_buf_puts(b->out, ",");
		b->comma = true;
		sp_json_put(b->out, json);
	}
	sp_json_free(json);
}

static enum sp_status
put_workers(
    struct tool *tool, int64_t now, struct sp_buf *out, struct sp_err *err)
{
	int dir = tool->spool.dir[SP_DIR_WORKERS];
	struct beats b = { .out = out, .now = now };
	struct sp_names names = { 0 };
	enum sp_status st;

	sp_buf_puts(out, ",\"workers\":[");
	if ((st = sp_list(dir, false, &names, err)) == SP_OK)
		sp_read_each(dir, &names, SP_BEAT_MAX, put_beat, &b);
	sp_buf_puts(out, "]");
	sp_names_clear(&names);
	return st;
}

enum sp_status
page_data(struct tool *tool, const struct page_share *share, struct sp_buf *out,
    struct sp_err *err)
{
	int64_t now, took;
	enum sp_status st;
	struct sp_jw w;

	st = sp_server_now(&tool->spool, &now, &took, err);
	if (st != SP_OK)
		return st;
	sp_buf_puts(out, "{\"about\":");
	sp_jw_init(&w, out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "server", "spool " SP_VERSION);
	sp_jw_text(
	    &w, "where", tool->where == NULL ? tool->spool.path : tool->where);
	sp_jw_int(&w, "now", now);
	sp_jw_open(&w, "policy", '{');
	sp_jw_real(&w, "lease", tool->spool.policy.lease);
	sp_jw_close(&w, '}');
	sp_jw_close(&w, '}');
	st = put_workers(tool, now, out, err);
	if (st == SP_OK)
		st = put_table(tool, share, out, err);
	sp_buf_puts(out, "}");
	if (st == SP_OK && out->failed)
		st = sp_err_set(err, SP_RETRY,
		    "no memory, or too much for a page: show fewer (-n)");
	return st;
}
