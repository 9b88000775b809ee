/*
 * flat.c - members of a JSON object by their dotted names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/buf.h"
#include "tools/flat.h"

#define NAME 1024 /* bytes of a dotted name; one that is longer stays whole */

static bool
grow(struct flat *flat)
{
	size_t cap = flat->cap == 0 ? 32 : flat->cap * 2;
	struct flat_one *one;

	if (flat->n < flat->cap)
		return true;
	if ((one = realloc(flat->one, cap * sizeof *one)) == NULL)
		return false;
	flat->one = one;
	flat->cap = cap;
	return true;
}

static void
put(struct flat *flat, const char *name, const struct json_t *value)
{
	struct sp_buf text = SP_BUF_INIT(4 * 1024 * 1024);
	struct flat_one *one;

	if (!grow(flat)) {
		flat->failed = true;
		return;
	}
	one = &flat->one[flat->n];
	one->text = sp_json_text(value) != NULL;
	if (one->text)
		sp_buf_puts(&text, sp_json_text(value));
	else
		sp_json_put(&text, value);
	one->name = strdup(name);
	one->value = strdup(sp_buf_text(&text));
	sp_buf_clear(&text);
	if (one->name == NULL || one->value == NULL) {
		free(one->name);
		free(one->value);
		flat->failed = true;
		return;
	}
	flat->n++;
}

static bool
out_is(const char *const *but, const char *key)
{
	for (; but != NULL && *but != NULL; but++)
		if (strcmp(*but, key) == 0)
			return true;
	return false;
}

void
flat_add(struct flat *flat, const char *prefix, const struct json_t *object,
    const char *const *but)
{
	char name[NAME];
	struct json_t *value;
	void *iter = NULL;
	const char *key;
	int n;

	/* As deep as JSON may be that we read: SP_JSON_DEPTH. */
	while (sp_json_next(object, &iter, &key, &value)) {
		if (out_is(but, key) || sp_json_kind(value) == SP_JSON_NULL)
			continue;
		n = snprintf(name, sizeof name, "%s%s%s", prefix,
		    *prefix == '\0' ? "" : ".", key);
		if (sp_json_kind(value) == SP_JSON_OBJECT &&
		    sp_json_count(value) > 0 && n < NAME)
			flat_add(flat, name, value, NULL);
		else
			put(flat, name, value);
	}
}

const struct flat_one *
flat_get(const struct flat *flat, const char *name)
{
	size_t i;

	for (i = 0; i < flat->n; i++)
		if (strcmp(flat->one[i].name, name) == 0)
			return &flat->one[i];
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct flat_one *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void
flat_sort(struct flat *flat)
{
	if (flat->n > 0)
		qsort(flat->one, flat->n, sizeof *flat->one, by_name);
}

void
flat_clear(struct flat *flat)
{
	size_t i;

	for (i = 0; i < flat->n; i++) {
		free(flat->one[i].name);
		free(flat->one[i].value);
	}
	free(flat->one);
	memset(flat, 0, sizeof *flat);
}
