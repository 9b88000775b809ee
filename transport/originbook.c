/*
 * originbook.c - what we owe an original Boss, on disk and in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/scan.h"
#include "libspool/sha256.h"
#include "transport/originbook.h"

#define ENTRY_MAX 4096

static void
file_name(const char *order, const char *end, char out[SP_ORIGIN_ID_MAX + 16])
{
	(void)snprintf(out, SP_ORIGIN_ID_MAX + 16, "%s.%s", order, end);
}

static struct owed *
put(struct book *b, const char *order)
{
	struct owed *more;

	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 8 : b->cap * 2;

		if ((more = realloc(b->owed, cap * sizeof *more)) == NULL)
			return NULL;
		b->owed = more;
		b->cap = cap;
	}
	more = &b->owed[b->n++];
	(void)memset(more, 0, sizeof *more);
	(void)snprintf(more->order, sizeof more->order, "%s", order);
	return more;
}

struct owed *
book_find(struct book *b, const char *order)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (strcmp(b->owed[i].order, order) == 0)
			return &b->owed[i];
	return NULL;
}

/* ---- at the start ---- */

struct label {
	const char *label;
	struct sp_id id;
};

static int
label_is(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct label *l = arg;

	(void)state;
	if (strcmp(name->label, l->label) != 0)
		return 0;
	l->id = name->id;
	return 1;
}

/* We died between submitting it and noting that. */
static void
find_placed(struct book *b, struct owed *owed)
{
	struct label l = { owed->order, { "" } };
	int state;

	for (state = 0; state < SP_STATES && l.id.text[0] == '\0'; state++)
		(void)sp_walk(
		    &b->spool, (enum sp_state)state, label_is, NULL, &l, NULL);
	owed->id = l.id;
}

static void
load_one(struct book *b, const char *file, size_t len)
{
	struct sp_buf text = SP_BUF_INIT(ENTRY_MAX);
	char order[SP_ORIGIN_ID_MAX + 1];
	const char *job, *id;
	struct json_t *json;
	struct owed *owed;
	struct stat st;

	(void)snprintf(order, sizeof order, "%.*s", (int)len, file);
	if (sp_read(b->dir, file, ENTRY_MAX, &text, &st, NULL) == SP_OK &&
	    sp_json_parse(text.data, text.len, &json, NULL) == SP_OK) {
		job = sp_json_text(sp_json_get(json, "job"));
		id = sp_json_text(sp_json_get(json, "id"));
		if (job != NULL && sp_origin_id_ok(job) &&
		    (owed = put(b, order)) != NULL) {
			(void)strcpy(owed->job, job);
			if (id == NULL || sp_id_parse(id, &owed->id) != SP_OK)
				find_placed(b, owed);
		}
		sp_json_free(json);
	}
	if (book_find(b, order) == NULL)
		sp_warn(
		    "origin/%s/%s cannot be read: passed over", b->boss, file);
	sp_buf_clear(&text);
}

static enum sp_status
load(struct book *b, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i, len;

	if ((st = sp_list(b->dir, false, &names, err)) == SP_OK)
		for (i = 0; i < names.n; i++) {
			const char *file = sp_names_at(&names, i);

			len = strlen(file);
			if (len > 5 && len - 5 <= SP_ORIGIN_ID_MAX &&
			    strcmp(file + len - 5, ".json") == 0)
				load_one(b, file, len - 5);
		}
	sp_names_clear(&names);
	return st;
}

static enum sp_status
open_dirs(struct book *b, struct sp_err *err)
{
	enum sp_status st;
	int above;

	if ((st = sp_make_dir(b->spool.root, "origin", err)) != SP_OK ||
	    (st = sp_open_dir(b->spool.root, "origin", &above, err)) != SP_OK)
		return st;
	st = sp_make_dir(above, b->boss, err);
	if (st == SP_OK)
		st = sp_open_dir(above, b->boss, &b->dir, err);
	(void)sp_fs_close(above);
	return st;
}

enum sp_status
book_open(
    struct book *b, const char *url, const char *spool, struct sp_err *err)
{
	char hex[SP_SHA_LEN + 1];
	enum sp_status st;

	(void)memset(b, 0, sizeof *b);
	b->dir = b->lock = -1;
	sp_sha_text(url, strlen(url), hex);
	(void)snprintf(b->boss, sizeof b->boss, "%.16s", hex);
	st = sp_spool_open(spool, "origin", &b->spool, err);
	if (st != SP_OK) {
		b->spool.root = -1;
		return st;
	}
	if ((st = open_dirs(b, err)) != SP_OK)
		return st;
	b->lock = sp_fs_open(b->dir, "lock", O_RDWR | O_CREAT, 0666);
	if (b->lock == -1)
		return sp_err_sys(err, "origin/%s/lock", b->boss);
	if (flock(b->lock, LOCK_EX | LOCK_NB) == -1)
		return sp_err_set(err, SP_FATAL,
		    errno == EWOULDBLOCK
			? "another workerd serves that Boss from this spool"
			: "origin/%s/lock: cannot be locked",
		    b->boss);
	return load(b, err);
}

void
book_close(struct book *b)
{
	if (b->lock != -1)
		(void)close(b->lock);
	if (b->dir != -1)
		(void)sp_fs_close(b->dir);
	if (b->spool.root != -1)
		sp_spool_close(&b->spool);
	free(b->owed);
}

/* ---- entries ---- */

static enum sp_status
write_one(struct book *b, const struct owed *owed, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(ENTRY_MAX);
	char file[SP_ORIGIN_ID_MAX + 16];
	enum sp_status st;
	struct sp_jw w;

	sp_jw_init(&w, &text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "order", owed->order);
	sp_jw_text(&w, "job", owed->job);
	if (owed->id.text[0] != '\0')
		sp_jw_text(&w, "id", owed->id.text);
	sp_jw_close(&w, '}');
	sp_buf_puts(&text, "\n");
	file_name(owed->order, "json", file);
	st = sp_publish(
	    &b->spool, b->dir, file, text.data, text.len, SP_PUB_REPLACE, err);
	sp_buf_clear(&text);
	return st;
}

enum sp_status
book_add(struct book *b, const char *order, const char *job, struct owed **out,
    struct sp_err *err)
{
	enum sp_status st;

	if ((*out = put(b, order)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	(void)snprintf((*out)->job, sizeof(*out)->job, "%s", job);
	/* On failure it stays in memory: better than not at all. */
	st = write_one(b, *out, err);
	return st;
}

enum sp_status
book_placed(struct book *b, const struct owed *owed, struct sp_err *err)
{
	return write_one(b, owed, err);
}

static void
forget(struct book *b, struct owed *owed)
{
	*owed = b->owed[--b->n];
}

void
book_settled(struct book *b, struct owed *owed)
{
	char file[SP_ORIGIN_ID_MAX + 16];

	file_name(owed->order, "json", file);
	if (sp_fs_unlink(b->dir, file) == -1 && errno != ENOENT)
		sp_warn("origin/%s/%s: %s", b->boss, file, strerror(errno));
	forget(b, owed);
}

void
book_unanswered(struct book *b, struct owed *owed)
{
	char from[SP_ORIGIN_ID_MAX + 16], to[SP_ORIGIN_ID_MAX + 16];
	struct sp_err err = { "" };

	file_name(owed->order, "json", from);
	file_name(owed->order, "unanswered", to);
	if (sp_move_file(b->dir, from, b->dir, to, true, &err) != SP_OK)
		sp_warn("origin/%s/%s: %s", b->boss, from, err.text);
	forget(b, owed);
}
