/*
 * facts.c - the parameters of a job, flat.  Pure.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/facts.h"
#include "libspool/json.h"

#define DEPTH 6
#define TAGS  8
#define TAG   64 /* bytes of one */

struct facts {
	struct sp_jw w;
	size_t n, from;
	bool cut;
};

static bool
among(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static void put_value(
    struct facts *f, const char *path, int depth, const struct json_t *value);

static void
put_members(
    struct facts *f, const char *path, int depth, const struct json_t *value)
{
	char inner[SP_FACTS_TEXT + 1];
	struct json_t *member;
	const char *key;
	void *iter = NULL;
	size_t i;
	int n;

	if (sp_json_kind(value) == SP_JSON_LIST) {
		for (i = 0; i < sp_json_count(value) && !f->cut; i++) {
			n = snprintf(inner, sizeof inner, "%s.%zu", path, i);
			if (n < (int)sizeof inner)
				put_value(
				    f, inner, depth + 1, sp_json_at(value, i));
		}
		return;
	}
	while (!f->cut && sp_json_next(value, &iter, &key, &member)) {
		n = snprintf(inner, sizeof inner, "%s.%s", path, key);
		if (n < (int)sizeof inner)
			put_value(f, inner, depth + 1, member);
		else
			f->cut = true;
	}
}

static void
put_value(
    struct facts *f, const char *path, int depth, const struct json_t *value)
{
	char text[SP_FACTS_TEXT + 1];

	switch (sp_json_kind(value)) {
	case SP_JSON_NULL:
		return;
	case SP_JSON_LIST:
	case SP_JSON_OBJECT:
		if (depth < DEPTH)
			put_members(f, path, depth, value);
		else
			f->cut = true;
		return;
	case SP_JSON_BOOL:
	case SP_JSON_INT:
	case SP_JSON_REAL:
	case SP_JSON_TEXT:
		break;
	}
	/* Room for one more, however it is escaped, and for what follows. */
	if (f->n == SP_FACTS_MOST ||
	    f->w.buf->len - f->from > SP_FACTS_MAX / 4) {
		f->cut = true;
		return;
	}
	f->n++;
	if (sp_json_kind(value) == SP_JSON_TEXT) {
		sp_text_cut(text, sizeof text, sp_json_text(value));
		sp_jw_text(&f->w, path, text);
	} else {
		sp_jw_json(&f->w, path, value);
	}
}

static void
put_params(struct facts *f, const struct json_t *job)
{
	static const char *const known[] = { "scriptName", "dataFileName",
		"projectName", "order", NULL };
	char path[SP_FACTS_TEXT + 1];
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	sp_jw_open(&f->w, "params", '{');
	while (!f->cut && sp_json_next(job, &iter, &key, &value)) {
		if (among(known, key))
			continue;
		if (strlen(key) >= sizeof path) {
			f->cut = true;
			continue;
		}
		(void)strcpy(path, key);
		put_value(f, path, 0, value);
	}
	sp_jw_close(&f->w, '}');
}

static void
put_cut(
    struct facts *f, const char *key, size_t most, const struct json_t *value)
{
	char text[SP_FACTS_TEXT + 1];

	if (sp_json_text(value) == NULL)
		return;
	sp_text_cut(text, most + 1, sp_json_text(value));
	sp_jw_text(&f->w, key, text);
}

/* One text may stand alone. */
static void
put_tags(struct facts *f, const struct json_t *tags)
{
	size_t i;

	if (sp_json_kind(tags) == SP_JSON_NULL)
		return;
	sp_jw_open(&f->w, "tags", '[');
	put_cut(f, NULL, TAG, tags);
	if (sp_json_kind(tags) == SP_JSON_LIST)
		for (i = 0; i < sp_json_count(tags) && i < TAGS; i++)
			put_cut(f, NULL, TAG, sp_json_at(tags, i));
	sp_jw_close(&f->w, ']');
}

static void
put_git(struct facts *f, const struct json_t *git)
{
	const char *commit = sp_json_text(sp_json_get(git, "commit"));
	char text[24];

	if (commit == NULL)
		return;
	sp_text_cut(text, 13, commit);
	if (sp_json_true(sp_json_get(git, "dirty")))
		(void)strcat(text, "+");
	sp_jw_text(&f->w, "git", text);
}

void
sp_facts_print(const char *text, size_t len, struct sp_buf *out)
{
	struct facts f = { .from = out->len };
	const struct json_t *order;
	struct json_t *job;

	if (sp_json_parse(text, len, &job, NULL) != SP_OK) {
		sp_buf_puts(out, "{}");
		return;
	}
	order = sp_json_get(job, "order");
	sp_jw_init(&f.w, out);
	sp_jw_open(&f.w, NULL, '{');
	put_params(&f, job);
	put_tags(&f, sp_json_get(order, "tags"));
	put_cut(&f, "group", SP_FACTS_TEXT, sp_json_get(order, "group"));
	put_git(&f, sp_json_get(order, "git"));
	if (f.cut)
		sp_jw_bool(&f.w, "cut", true);
	sp_jw_close(&f.w, '}');
	sp_json_free(job);
}
