/*
 * manifest.c - the text that stands for a tree of files, and back.  Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/manifest.h"

bool
sp_manifest_path_ok(const char *path)
{
	const char *at = path, *end;

	if (strlen(path) > SP_MANIFEST_PATH)
		return false;
	for (;; at = end + 1) {
		end = strchrnul(at, '/');
		if (end == at || *at == '.' || end - at > 255)
			return false;
		if (*end == '\0')
			break;
	}
	for (at = path; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	return true;
}

enum sp_status
sp_manifest_add(struct sp_manifest *m, const char *path, const char *hex,
    struct sp_err *err)
{
	char(*more)[SP_SHA_LEN + 1];
	size_t cap = m->cap == 0 ? 16 : m->cap * 2;

	if (!sp_manifest_path_ok(path) || !sp_sha_ok(hex))
		return sp_err_set(err, SP_BAD,
		    "%.200s: no file of a tree can be called so", path);
	if (m->paths.n == m->cap) {
		if ((more = realloc(m->hex, cap * sizeof *more)) == NULL)
			return sp_err_set(err, SP_RETRY, "no memory");
		m->hex = more;
		m->cap = cap;
	}
	if (sp_names_add(&m->paths, path) != SP_OK)
		return sp_err_set(err, SP_RETRY, "no memory");
	(void)strcpy(m->hex[m->paths.n - 1], hex);
	return SP_OK;
}

void
sp_manifest_print(const struct sp_manifest *m, struct sp_buf *text_out)
{
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, text_out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "files", '{');
	for (i = 0; i < m->paths.n; i++)
		sp_jw_text(&w, sp_names_at(&m->paths, i), m->hex[i]);
	sp_jw_close(&w, '}');
	sp_jw_close(&w, '}');
	sp_buf_puts(text_out, "\n");
}

enum sp_status
sp_manifest_parse(
    const char *text, size_t len, struct sp_manifest *m_out, struct sp_err *err)
{
	const struct json_t *files;
	struct json_t *json, *value;
	enum sp_status st;
	void *iter = NULL;
	const char *key;

	(void)memset(m_out, 0, sizeof *m_out);
	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	files = sp_json_get(json, "files");
	if (sp_json_kind(files) != SP_JSON_OBJECT)
		st = sp_err_set(err, SP_BAD,
		    "no manifest: an object of \"files\" is expected");
	while (st == SP_OK && sp_json_next(files, &iter, &key, &value)) {
		if (sp_json_text(value) == NULL)
			st = sp_err_set(err, SP_BAD,
			    "manifest: %.200s: found %s, expected a hash", key,
			    sp_json_kind_text(value));
		else
			st = sp_manifest_add(
			    m_out, key, sp_json_text(value), err);
	}
	sp_json_free(json);
	return st;
}

void
sp_manifest_clear(struct sp_manifest *m)
{
	sp_names_clear(&m->paths);
	free(m->hex);
	m->hex = NULL;
	m->cap = 0;
}
