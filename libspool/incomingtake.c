/*
 * incomingtake.c - a group of drops goes in: written down (answers/.taking),
 * submitted, and its originals removed; and what somebody left who died at it.
 * incoming.h says why that is exactly once.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/incomingin.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/submit.h"

#define TAKING     ".taking"
#define TAKING_MAX (1024 * 1024)
#define AWAY       ".taken."

/* ---- the note ---- */

static void
put_one(struct sp_jw *w, const struct incoming_drop *d, const struct sp_id *id)
{
	sp_jw_open(w, NULL, '{');
	sp_jw_text(w, "id", id->text);
	sp_jw_int(w, "ino", (int64_t)d->st.st_ino);
	sp_jw_int(w, "size", (int64_t)d->st.st_size);
	sp_jw_int(w, "sec", (int64_t)d->st.st_mtim.tv_sec);
	sp_jw_int(w, "nsec", (int64_t)d->st.st_mtim.tv_nsec);
	sp_jw_open(w, "name", '['); /* its bytes: it may be no UTF-8 */
	for (const char *c = d->name; *c != '\0'; c++)
		sp_jw_int(w, NULL, (unsigned char)*c);
	sp_jw_close(w, ']');
	sp_jw_close(w, '}');
}

static enum sp_status
note(struct sp_incoming *in, const struct sp_submit *group, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(TAKING_MAX);
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, &text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "drops", '[');
	for (i = 0; i < in->n; i++)
		put_one(&w, &in->drop[i], &group[i].id);
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	st = text.failed ? sp_err_set(err, SP_RETRY, "no memory")
			 : sp_publish(in->sp, in->answers, TAKING, text.data,
			       text.len, SP_PUB_REPLACE, err);
	sp_buf_clear(&text);
	return st;
}

/* ---- the originals ---- */

static bool
same_is(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What has the name now may be another file, that its owner has just put there
 * and nobody has read: so it is taken away first and looked at where nobody
 * else can reach it, and goes back if it is another. */
static enum sp_status
remove_it(struct sp_incoming *in, const char *name, const struct stat *was,
    struct sp_err *err)
{
	char away[INCOMING_NAME + 16];
	enum sp_status st;
	struct stat is;

	(void)snprintf(away, sizeof away, "%s%s", AWAY, name);
	st = sp_move_file(in->dir, name, in->answers, away, false, err);
	if (st == SP_GONE) {
		sp_err_clear(err);
		return SP_OK;
	}
	if (st == SP_LOST)
		st =
		    sp_err_set(err, SP_RETRY, "answers/%s is in the way", away);
	if (st == SP_OK && sp_fs_lstat(in->answers, away, &is) == -1)
		st = sp_err_sys(err, "answers/%s", away);
	if (st != SP_OK)
		return st;
	SP_CRASH("incoming.away");
	if (same_is(was, &is))
		return sp_fs_unlink(in->answers, away) == 0
		    ? SP_OK
		    : sp_err_sys(err, "remove answers/%s", away);
	st = sp_move_file(in->answers, away, in->dir, name, false, err);
	if (st == SP_LOST) /* a third one came meanwhile, over this one */
		st = sp_fs_unlink(in->answers, away) == 0
		    ? SP_OK
		    : sp_err_sys(err, "remove answers/%s", away);
	return st;
}

/* ---- what was left ---- */

static bool
back_one(void *arg, const char *name, const struct stat *st)
{
	(void)st;
	return strncmp(name, AWAY, sizeof AWAY - 1) != 0 ||
	    sp_names_add(arg, name) == SP_OK;
}

/* Those that were on their way to be looked at. */
static void
put_back(struct sp_incoming *in)
{
	struct sp_names names = { 0 };
	const char *name;
	size_t i;

	if (sp_fs_list(in->answers, ".", back_one, &names) == 0)
		for (i = 0; i < names.n; i++) {
			name = sp_names_at(&names, i);
			(void)sp_move_file(in->answers, name, in->dir,
			    name + sizeof AWAY - 1, false, NULL);
		}
	sp_names_clear(&names);
}

static bool
note_one(const struct json_t *json, char name[INCOMING_NAME + 1],
    struct sp_id *id, struct stat *was)
{
	const struct json_t *bytes = sp_json_get(json, "name");
	const char *text = sp_json_text(sp_json_get(json, "id"));
	size_t i, n = sp_json_count(bytes);
	int64_t byte;

	if (text == NULL || sp_id_parse(text, id) != SP_OK || n == 0 ||
	    n > INCOMING_NAME)
		return false;
	for (i = 0; i < n; i++) {
		byte = sp_json_int(sp_json_at(bytes, i), 0);
		if (byte < 1 || byte > 255 || byte == '/')
			return false;
		name[i] = (char)(unsigned char)byte;
	}
	name[n] = '\0';
	(void)memset(was, 0, sizeof *was);
	was->st_ino = (ino_t)sp_json_int(sp_json_get(json, "ino"), 0);
	was->st_size = (off_t)sp_json_int(sp_json_get(json, "size"), 0);
	was->st_mtim.tv_sec = sp_json_int(sp_json_get(json, "sec"), 0);
	was->st_mtim.tv_nsec = (long)sp_json_int(sp_json_get(json, "nsec"), 0);
	return true;
}

static enum sp_status
recover_one(
    struct sp_incoming *in, const struct json_t *json, struct sp_err *err)
{
	char name[INCOMING_NAME + 1];
	struct incoming_drop drop;
	enum sp_state state;
	struct stat was, is;
	struct sp_name found;
	enum sp_status st;
	struct sp_id id;

	if (!note_one(json, name, &id, &was) ||
	    sp_fs_lstat(in->dir, name, &is) == -1 || !same_is(&was, &is))
		return SP_OK;
	st = sp_find(in->sp, &id, &state, &found, err);
	if (st == SP_GONE) { /* it never went in */
		sp_err_clear(err);
		return SP_OK;
	}
	if (st != SP_OK)
		return st;
	sp_info("incoming order=%s: it is in; removed the drop", id.text);
	(void)memset(&drop, 0, sizeof drop);
	(void)strcpy(drop.name, name);
	if (incoming_whose(in, is.st_uid, &drop.owner) == SP_OK)
		incoming_say_id(in, &drop, &id);
	return remove_it(in, name, &was, err);
}

enum sp_status
incoming_recover(struct sp_incoming *in, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(TAKING_MAX);
	struct json_t *json = NULL;
	const struct json_t *drops;
	enum sp_status st;
	struct stat is;
	size_t i;

	if (sp_fs_lstat(in->answers, TAKING, &is) == -1)
		return SP_OK;
	put_back(in);
	st = sp_read(in->answers, TAKING, TAKING_MAX, &text, &is, err);
	if (st == SP_OK)
		st = sp_json_parse(sp_buf_text(&text), text.len, &json, err);
	drops = sp_json_get(json, "drops");
	for (i = 0; st == SP_OK && i < sp_json_count(drops); i++)
		st = recover_one(in, sp_json_at(drops, i), err);
	sp_json_free(json);
	sp_buf_clear(&text);
	if (st == SP_OK)
		st = sp_sync(in->dir, SP_INCOMING, err);
	if (st == SP_OK && sp_fs_unlink(in->answers, TAKING) == -1)
		st = sp_err_sys(err, "remove answers/%s", TAKING);
	return st == SP_GONE ? SP_OK : st;
}

/* ---- in ---- */

static void
prepare(struct sp_incoming *in, struct sp_submit group[INCOMING_MANY])
{
	int64_t now = sp_wall_ms();
	uint32_t bits = sp_dice() & 0x3fffffffu;
	size_t i;

	for (i = 0; i < in->n; i++) {
		struct incoming_drop *d = &in->drop[i];

		group[i] = (struct sp_submit){ .text = d->text.data,
			.len = d->text.len,
			.prio = d->prio,
			.named = true,
			.owned = true,
			.bundle = d->bundle };
		sp_label_make(d->name, group[i].label);
		sp_id_make(now, bits, &group[i].id);
		bits += d->span;
	}
}

/* What became of one; true: its original is no longer needed there. */
static bool
told(struct sp_incoming *in, const struct incoming_drop *d,
    const struct sp_submit *s)
{
	const struct incoming_owner *o = &in->owner[d->owner];
	struct sp_buf name = SP_BUF_INIT(4096);

	if (s->status == SP_BAD) {
		incoming_say_why(in, d->name, o->uid, false, s->err.text);
		return false;
	}
	if (s->status != SP_OK)
		return false;
	sp_put_safe(&name, d->name);
	sp_info("admit incoming=%s uid=%u -> order=%s", sp_buf_text(&name),
	    o->uid, s->id.text);
	sp_buf_clear(&name);
	incoming_say_id(in, d, &s->id);
	incoming_count(in, d, &s->id);
	return true;
}

enum sp_status
incoming_take(struct sp_incoming *in, bool *taken_out, struct sp_err *err)
{
	struct sp_submit *group = calloc(INCOMING_MANY, sizeof *group);
	enum sp_status st = SP_OK, one;
	size_t i;

	if (group == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	if (st == SP_OK && in->n > 0) {
		prepare(in, group);
		st = note(in, group, err);
	}
	if (st == SP_OK && in->n > 0) {
		SP_CRASH("incoming.noted");
		(void)sp_submit(in->sp, group, in->n, NULL);
		in->ids_at = 0; /* what was listed has none of these */
		SP_CRASH("incoming.in");
		for (i = 0; i < in->n; i++) {
			one = group[i].status;
			if (told(in, &in->drop[i], &group[i])) {
				*taken_out = true;
				one = remove_it(
				    in, in->drop[i].name, &in->drop[i].st, err);
			} else if (one == SP_BAD) {
				one = SP_OK;
			} else {
				(void)sp_err_set(
				    err, one, "%s", group[i].err.text);
			}
			if (st == SP_OK)
				st = one;
		}
		if (st == SP_OK)
			st = sp_sync(in->dir, SP_INCOMING, err);
		SP_CRASH("incoming.removed");
		/* As long as anything is in doubt the note stays. */
		if (st == SP_OK && sp_fs_unlink(in->answers, TAKING) == -1)
			st = sp_err_sys(err, "remove answers/%s", TAKING);
	}
	for (i = 0; i < in->n; i++)
		sp_buf_clear(&in->drop[i].text);
	in->n = in->size = 0;
	free(group);
	return st;
}
