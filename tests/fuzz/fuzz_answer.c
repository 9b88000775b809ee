/*
 * fuzz_answer.c - any answer of an HTTP server: it is refused, or what comes
 * out of it may be acted upon: names that parse, paths that stay where they
 * are, lists in order.  The first byte says which answer it is to be.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/manifest.h"
#include "transport/answer.h"
#include "transport/curl.h"

#define W    "box-0a1b2c"
#define ID   "20260102T030405006-0000abcd"
#define NEW  "50." ID ".t1a0.json"
#define MINE "50." ID ".t1a0@" W ".json"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
sane(enum sp_status st)
{
	assert(st == SP_OK || st == SP_RETRY || st == SP_FATAL || st == SP_BAD);
}

static void
ready(const char *text, size_t len)
{
	struct answer_ready r;
	struct sp_name name;
	size_t i;

	if (answer_ready(text, len, &r, NULL) != SP_OK)
		return;
	assert(r.workers > 0);
	for (i = 0; i < r.names.n; i++) {
		assert(sp_name_parse(sp_names_at(&r.names, i), &name) == SP_OK);
		assert(name.worker[0] == '\0');
		assert(i == 0 ||
		    strcmp(sp_names_at(&r.names, i - 1),
			sp_names_at(&r.names, i)) < 0);
		assert(
		    r.len[i] < 0 || r.at[i] + (size_t)r.len[i] <= r.texts.len);
	}
	answer_ready_clear(&r);
}

static void
claims(const char *text, size_t len)
{
	struct sp_claiming all[2] = { { .status = SP_OK },
		{ .status = SP_OK } };
	size_t i;

	for (i = 0; i < 2; i++) {
		sp_buf_init(&all[i].text, 4096);
		assert(sp_name_parse(NEW, &all[i].order) == SP_OK);
	}
	(void)answer_claims(text, len, all, 2, W, NULL);
	for (i = 0; i < 2; i++) {
		assert(all[i].status != SP_OK ||
		    strcmp(all[i].claimed.worker, W) == 0);
		sp_buf_clear(&all[i].text);
	}
}

static void
held(const char *text, size_t len)
{
	struct answer_held h;
	struct sp_name name;
	size_t i;

	if (answer_held(text, len, W, &h, NULL) != SP_OK)
		return;
	for (i = 0; i < h.ours.n; i++) {
		assert(sp_name_parse(sp_names_at(&h.ours, i), &name) == SP_OK);
		assert(strcmp(name.worker, W) == 0);
	}
	for (i = 0; i < h.stale.n; i++) {
		assert(sp_name_parse(sp_names_at(&h.stale, i), &name) == SP_OK);
		assert(strcmp(name.worker, W) != 0);
	}
	assert(!h.wishes.now || h.wishes.drain);
	answer_held_clear(&h);
}

static void
paths(const char *text, size_t len)
{
	struct sp_names names = { 0 };
	const char *path;
	size_t i;

	if (answer_paths(text, len, "set", &names, NULL) == SP_OK)
		for (i = 0; i < names.n; i++) {
			path = sp_names_at(&names, i);
			assert(sp_manifest_path_ok(path));
			assert(strncmp(path, "set/", 4) == 0);
		}
	if (answer_files(text, len, &names, NULL) == SP_OK)
		for (i = 0; i < names.n; i++) {
			path = sp_names_at(&names, i);
			assert(path[0] != '/' && path[0] != '\0');
			assert(strcmp(path, "..") != 0);
			assert(strncmp(path, "../", 3) != 0);
			assert(strstr(path, "/../") == NULL);
		}
	sp_names_clear(&names);
}

static void
claimed(const char *text, size_t len)
{
	struct sp_buf job = SP_BUF_INIT(4096);
	struct sp_name order, is;

	assert(sp_name_parse(NEW, &order) == SP_OK);
	if (answer_claimed(text, len, &order, W, &is, &job, NULL) == SP_OK) {
		assert(strcmp(is.worker, W) == 0);
		assert(strcmp(is.id.text, ID) == 0);
		assert(job.len <= 4096);
	}
	sp_buf_clear(&job);
}

static void
committed(const char *text, size_t len)
{
	struct sp_ended group[2];
	size_t i;

	(void)memset(group, 0, sizeof group);
	for (i = 0; i < 2; i++) {
		assert(sp_name_parse(MINE, &group[i].name) == SP_OK);
		group[i].status = SP_RETRY;
	}
	sane(answer_committed(text, len, group, 2, NULL));
	for (i = 0; i < 2; i++)
		assert(group[i].status == SP_OK || group[i].status == SP_LOST ||
		    group[i].status == SP_BAD || group[i].status == SP_RETRY);
}

static void
small(const char *text, size_t len)
{
	struct sp_tally_row rows[1] = { { .script = "a.py" } };
	struct answer_about a;
	struct tr_room room;
	enum sp_state state;
	struct sp_name name;
	struct sp_id id;
	char seen[128];
	unsigned workers;
	int64_t size;
	bool yes;

	if (answer_about(text, len, &a, NULL) == SP_OK) {
		assert(a.policy.beat > 0 && a.body >= 65536);
		assert(a.wait >= 0 && a.wait <= 60);
	}
	(void)sp_id_parse(ID, &id);
	if (answer_stands(text, len, &id, &state, &name, NULL) == SP_OK)
		assert(strcmp(name.id.text, ID) == 0 && state < SP_STATES);
	sane(answer_seen(text, len, seen, &workers, NULL));
	if (answer_room(text, len, &room, NULL) == SP_OK)
		assert(room.free >= 0 && room.files_free >= 0);
	sane(answer_drained(text, len, &yes, NULL));
	if (answer_peers(text, len, rows, 1, NULL) == SP_OK)
		assert(rows[0].good >= 0 && rows[0].bad >= 0);
	if (answer_size(text, len, &size, NULL) == SP_OK)
		assert(size >= 0);
}

static void
refused(int status, const char *text, size_t len)
{
	struct sp_err err = { "" };
	int64_t size;
	enum sp_status st = answer_error(status, text, len, &size, &err);
	const char *c;

	assert(st != SP_OK && err.text[0] != '\0');
	assert(status >= 400 || st == SP_RETRY);
	for (c = err.text; *c != '\0'; c++)
		assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

/* Its head, line by line. */
static void
head(const char *text, size_t len)
{
	struct wire_call call = { .size = -1,
		.want = { { .name = "X-Spool-Kind" } } };
	bool partial = false;
	const char *end;
	size_t n;

	for (; len > 0; text += n, len -= n) {
		end = memchr(text, '\n', len);
		n = end == NULL ? len : (size_t)(end - text) + 1;
		wire_head(&call, &partial, text, n);
		assert(call.etag[0] == '\0' || call.etag[0] == '"');
		assert(call.size >= -1 && call.start >= 0);
		assert(call.status >= 0 && call.status < 1000);
		assert(call.later_ms >= 0);
		assert(!partial || call.size == -1 || call.start < call.size);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	int64_t first, last, all;
	char *copy;
	size_t len;

	if (size == 0)
		return 0;
	len = size - 1;
	switch (data[0] % 9) {
	case 0:
		ready(text, len);
		break;
	case 1:
		held(text, len);
		break;
	case 2:
		paths(text, len);
		break;
	case 3:
		claimed(text, len);
		claims(text, len);
		break;
	case 4:
		committed(text, len);
		break;
	case 5:
		small(text, len);
		break;
	case 7:
		head(text, len);
		break;
	case 6:
		refused(100 + data[0] * 2, text, len);
		break;
	default:
		if ((copy = strndup(text, len)) == NULL)
			abort();
		if (wire_range_parse(copy, &first, &last, &all))
			assert(first <= last && (all == -1 || last < all));
		(void)wire_token_ok(copy);
		free(copy);
	}
	return 0;
}
