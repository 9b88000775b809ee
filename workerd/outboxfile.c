/*
 * outboxfile.c - a parcel as files, and back.  outbox.h says what lies where,
 * and in which order it becomes durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "workerd/outbox.h"
#include "workerd/parcel.h"

#define HEAD        "parcel.json"
#define HEAD_MAX    16384
#define OUTCOME_MAX (SP_OUTCOME_MAX + 65536)
#define TAIL_MAX    (4 << 20)

static const char *const give_text[] = { [GIVE_COMMIT] = "commit",
	[GIVE_RELEASE] = "release",
	[GIVE_CANCEL] = "cancel" };
static const char *const how_text[] = {
	[TR_BACK] = "back", [TR_PREEMPTED] = "preempted", [TR_RETRY] = "retry"
};
static const char *const tail_file[] = {
	[TR_LOG] = "log", [TR_METRICS] = "metrics"
};

static enum sp_status
put(int dir, const char *file, const struct sp_buf *text, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	if (text->len == 0)
		return SP_OK;
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return sp_err_sys(err, "%s", file);
	st = sp_write_all(fd, text->data, text->len);
	if (st != SP_OK)
		(void)sp_err_sys(err, "write %s", file);
	else
		st = sp_sync(fd, file, err);
	if (close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close %s", file);
	return st;
}

static void
head_print(const struct parcel *p, struct sp_buf *text)
{
	struct sp_jw w;

	sp_jw_init(&w, text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "name", p->text);
	sp_jw_text(&w, "give", give_text[p->give]);
	sp_jw_int(&w, "status", p->status);
	sp_jw_text(&w, "how", how_text[p->how]);
	sp_jw_text(&w, "cause", p->cause);
	sp_jw_text(&w, "why", p->why);
	sp_jw_int(&w, "logAt", p->tail[TR_LOG].at);
	sp_jw_int(&w, "metricsAt", p->tail[TR_METRICS].at);
	sp_jw_bool(&w, "out", p->copy != NULL);
	sp_jw_close(&w, '}');
	sp_buf_puts(text, "\n");
}

enum sp_status
outboxfile_save(const struct parcel *p, const char *place, struct sp_err *err)
{
	struct sp_buf head = SP_BUF_INIT(HEAD_MAX);
	enum sp_status st;
	int dir, i;

	rmtree(place); /* half of an earlier try */
	if (mkdir(place, 0700) == -1)
		return sp_err_sys(err, "make %s", place);
	dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return sp_err_sys(err, "open %s", place);
	st = put(dir, "outcome", &p->outcome, err);
	for (i = TR_LOG; i <= TR_METRICS && st == SP_OK; i++)
		st = put(dir, tail_file[i], &p->tail[i].text, err);
	if (st == SP_OK)
		st = sp_sync(dir, place, err);
	head_print(p, &head);
	if (st == SP_OK)
		st = head.failed ? sp_err_set(err, SP_RETRY, "no memory")
				 : put(dir, HEAD, &head, err);
	if (st == SP_OK)
		st = sp_sync(dir, place, err);
	sp_buf_clear(&head);
	(void)close(dir);
	return st;
}

/* ---- back ---- */

static bool
word(const struct json_t *json, const char *key, const char *const *words,
    int n, int *out)
{
	const char *text = sp_json_text(sp_json_get(json, key));
	int i;

	for (i = 0; i < n && text != NULL; i++)
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return true;
		}
	return false;
}

static bool
head_take(const struct json_t *json, struct parcel *p)
{
	const char *name = sp_json_text(sp_json_get(json, "name"));
	int give, how;

	if (name == NULL || sp_name_parse(name, &p->name) != SP_OK ||
	    p->name.worker[0] == '\0' ||
	    !word(json, "give", give_text, 3, &give) ||
	    !word(json, "how", how_text, 3, &how))
		return false;
	sp_name_print(&p->name, p->text);
	p->give = (enum give)give;
	p->how = (enum tr_release)how;
	p->waits = sp_json_true(sp_json_get(json, "out"));
	p->status = (int)sp_json_int(sp_json_get(json, "status"), 0);
	sp_text_cut(p->cause, sizeof p->cause,
	    sp_json_text(sp_json_get(json, "cause")));
	sp_text_cut(
	    p->why, sizeof p->why, sp_json_text(sp_json_get(json, "why")));
	p->tail[TR_LOG].at = sp_json_int(sp_json_get(json, "logAt"), -1);
	p->tail[TR_METRICS].at =
	    sp_json_int(sp_json_get(json, "metricsAt"), -1);
	return p->tail[TR_LOG].at >= 0 && p->tail[TR_METRICS].at >= 0;
}

static enum sp_status
get(int dir, const char *file, size_t max, struct sp_buf *text,
    struct sp_err *err)
{
	enum sp_status st;
	struct stat is;

	sp_buf_init(text, max + 1);
	st = sp_read(dir, file, max, text, &is, err);
	if (st != SP_GONE)
		return st;
	sp_err_clear(err);
	return SP_OK; /* there was nothing to say */
}

static enum sp_status
load(int dir, struct parcel *p, struct sp_err *err)
{
	struct sp_buf head = SP_BUF_INIT(HEAD_MAX);
	struct json_t *json = NULL;
	enum sp_status st;
	struct stat is;
	int i, status;

	st = sp_read(dir, HEAD, HEAD_MAX, &head, &is, err);
	if (st == SP_GONE)
		sp_err_clear(err);
	if (st == SP_OK)
		st = sp_json_parse(head.data, head.len, &json, err);
	if (st == SP_OK && !head_take(json, p))
		st = sp_err_set(err, SP_BAD, "%s is not what we wrote", HEAD);
	sp_json_free(json);
	sp_buf_clear(&head);
	if (st == SP_OK)
		st = get(dir, "outcome", OUTCOME_MAX, &p->outcome, err);
	for (i = TR_LOG; i <= TR_METRICS && st == SP_OK; i++) {
		st = get(dir, tail_file[i], TAIL_MAX, &p->tail[i].text, err);
		p->tail[i].done = p->tail[i].text.len == 0;
	}
	if (st == SP_OK && p->give == GIVE_COMMIT &&
	    (p->outcome.len == 0 ||
		sp_outcome_status(p->outcome.data, p->outcome.len, &status) !=
		    SP_OK))
		st = sp_err_set(err, SP_BAD, "its outcome is not whole");
	return st;
}

struct parcel *
outboxfile_load(const char *place, struct sp_err *err)
{
	struct parcel *p;
	int dir;

	dir = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1) {
		(void)sp_err_sys(err, "open %s", place);
		return NULL;
	}
	if ((p = calloc(1, sizeof *p)) == NULL)
		(void)sp_err_set(err, SP_RETRY, "no memory");
	if (p != NULL && load(dir, p, err) != SP_OK) {
		parcel_free(p, true);
		p = NULL;
	}
	(void)close(dir);
	if (p == NULL)
		return NULL;
	p->since = sp_mono_ms();
	p->adopted = p->doubt = true;
	p->came = SP_RETRY;
	if ((p->place = strdup(place)) == NULL) {
		(void)sp_err_set(err, SP_RETRY, "no memory");
		parcel_free(p, true);
		return NULL;
	}
	return p;
}
