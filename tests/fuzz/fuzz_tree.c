/*
 * fuzz_tree.c - what a spool over HTTP shows as a tree of files, whatever its
 * server answers: names that are given out can stand in a directory, texts are
 * texts.  The first byte says which question is asked, what follows is the
 * answer, the same to each question.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "transport/httptree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "20261123T080000000-0000002a"

static const char *answer;
static size_t answer_len, asked;

/* ---- the server ---- */

int
http_tree_ask(struct http_tree *t, const char *method, struct sp_buf *path,
    const struct sp_buf *body, struct sp_buf *text)
{
	(void)t;
	(void)body;
	asked++;
	assert(asked < 100000);
	sp_buf_clear(path);
	if (strcmp(method, "HEAD") != 0)
		sp_buf_put(text, answer, answer_len);
	return text->failed ? -1 : 0;
}

int
http_tree_errno(enum sp_status st, const struct sp_err *err)
{
	(void)err;
	return -(int)st;
}

int64_t
http_tree_now(struct http_tree *t)
{
	return t->now;
}

enum sp_status
wire_call(struct wire *wire, struct wire_call *call, struct sp_err *err)
{
	(void)wire;
	(void)err;
	call->status = 200;
	call->size = (int64_t)answer_len;
	return SP_OK;
}

void
wire_put(struct sp_buf *path, const char *text, bool slash)
{
	(void)slash;
	sp_buf_puts(path, text);
}

void
http_path(
    struct sp_buf *path, const char *front, const char *part, const char *end)
{
	sp_buf_puts(path, front);
	sp_buf_puts(path, part);
	sp_buf_puts(path, end);
}

enum sp_status
http_refused(const struct http *h, const struct wire_call *call,
    int64_t *size_out, struct sp_err *err)
{
	(void)h;
	(void)call;
	(void)size_out;
	(void)err;
	return SP_GONE;
}

struct http_temp *
http_temp_find(struct http_tree *t, const char *name)
{
	(void)t;
	(void)name;
	return NULL;
}

/* ---- the questions ---- */

static bool
one(void *arg, const char *name, const struct stat *st)
{
	(void)arg;
	(void)st;
	assert(name[0] != '\0' && strchr(name, '/') == NULL);
	assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
	return true;
}

static void
read_one(struct http_tree *t, const char *path)
{
	struct http_file f = { 0 };

	if (http_tree_look(t, path, true, &f) == 0 && f.kind == HTTP_TEXT)
		assert(!f.text.failed);
	sp_buf_clear(&f.text);
	sp_buf_clear(&f.route);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const list[] = { "new", "waiting", "assigned",
		"done", "done/20261123", "failed/20261123", "outcomes",
		"workers", "runs", "runs/20261123", "runs/20261123/" ID,
		"runs/20261123/" ID "/out", "hold", "cancel", "drain",
		"scripts", "data", "tmp" };
	static const char *const look[] = { "new/50." ID ".t1a0.json",
		"done/20261123/50." ID ".t1a0@w.json", "outcomes/" ID ".json",
		"runs/20261123/" ID "/t1a0@w.log",
		"runs/20261123/" ID "/t1a0@w.json",
		"runs/20261123/" ID "/t1a0@w.metrics.jsonl",
		"runs/20261123/" ID "/pins.json", "workers/w.json",
		"spool.json", "scripts/a.py" };
	const size_t lists = sizeof list / sizeof *list;
	const size_t looks = sizeof look / sizeof *look;
	static struct http h;
	struct http_tree t = { .h = &h, .workers_at = -1 };
	size_t which;

	if (size < 1)
		return 0;
	answer = (const char *)data + 1;
	answer_len = size - 1;
	asked = 0;
	(void)pthread_mutex_init(&t.lock, NULL);
	sp_buf_init(&t.workers, TREE_TEXT);
	which = data[0] % (lists + looks);
	if (which < lists)
		(void)http_tree_list(&t, list[which], one, NULL);
	else
		read_one(&t, look[which - lists]);
	sp_buf_clear(&t.workers);
	(void)pthread_mutex_destroy(&t.lock);
	return 0;
}
