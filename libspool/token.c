/*
 * token.c - tokens of the HTTP server: made, printed, read and recognized.
 * Files are the callers' business.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libspool/json.h"
#include "libspool/sha256.h"
#include "libspool/spool.h"
#include "libspool/token.h"

#define TOKENS_MOST 4096

static const char *const roles[SP_ROLES] = { "submit", "work", "read",
	"admin" };

const char *
sp_role_text(enum sp_role role)
{
	int i;

	for (i = 0; i < SP_ROLES; i++)
		if ((unsigned)role == 1u << i)
			return roles[i];
	return "none";
}

static unsigned
role_parse(const char *text, size_t len)
{
	unsigned i;

	for (i = 0; i < SP_ROLES; i++)
		if (strlen(roles[i]) == len && memcmp(roles[i], text, len) == 0)
			return 1u << i;
	return 0;
}

unsigned
sp_roles_parse(const char *text)
{
	unsigned all = 0, one;
	size_t n;

	for (;; text += n + 1) {
		n = strcspn(text, ",");
		if ((one = role_parse(text, n)) == 0)
			return 0;
		all |= one;
		if (text[n] == '\0')
			return all;
	}
}

/* ---- making ---- */

static bool
hex_ok(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static void
hash(const char *salt, const char *secret, size_t len, char out[SP_SHA_LEN + 1])
{
	struct sp_sha sha;

	sp_sha_init(&sha);
	sp_sha_put(&sha, salt, strlen(salt));
	sp_sha_put(&sha, secret, len);
	sp_sha_end(&sha, out);
}

static bool
dice(char *out, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char b[SP_TOKEN_SECRET / 2];
	size_t i;

	if (getrandom(b, digits / 2, 0) != (ssize_t)(digits / 2))
		return false;
	for (i = 0; i < digits; i++)
		out[i] = hex[i % 2 == 0 ? b[i / 2] >> 4 : b[i / 2] & 15];
	out[digits] = '\0';
	return true;
}

bool
sp_token_make(struct sp_token *t, char text[SP_TOKEN_LEN + 1])
{
	char *secret = text + SP_TOKEN_ID + 1;

	if (!dice(t->id, SP_TOKEN_ID) || !dice(t->salt, SP_TOKEN_SALT) ||
	    !dice(secret, SP_TOKEN_SECRET))
		return false;
	(void)memcpy(text, t->id, SP_TOKEN_ID);
	text[SP_TOKEN_ID] = '.';
	hash(t->salt, secret, SP_TOKEN_SECRET, t->sha);
	t->made = sp_wall_ms();
	return true;
}

/* ---- the file ---- */

void
sp_token_print(const struct sp_token *t, struct sp_buf *text)
{
	char when[25];
	struct sp_jw w;
	int i;

	sp_jw_init(&w, text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "id", t->id);
	sp_jw_open(&w, "roles", '[');
	for (i = 0; i < SP_ROLES; i++)
		if ((t->roles & 1u << i) != 0)
			sp_jw_text(&w, NULL, roles[i]);
	sp_jw_close(&w, ']');
	if (t->worker[0] != '\0')
		sp_jw_text(&w, "worker", t->worker);
	if (t->note[0] != '\0')
		sp_jw_text(&w, "note", t->note);
	sp_time_print(t->made, when);
	sp_jw_text(&w, "made", when);
	sp_jw_text(&w, "salt", t->salt);
	sp_jw_text(&w, "sha256", t->sha);
	sp_jw_close(&w, '}');
	sp_buf_puts(text, "\n");
}

static bool
take_hex(const struct json_t *object, const char *key, char *out, size_t len)
{
	const char *text = sp_json_text(sp_json_get(object, key));

	if (text == NULL || !hex_ok(text, len))
		return false;
	(void)strcpy(out, text);
	return true;
}

static bool
take_roles(const struct json_t *list, struct sp_token *t)
{
	const char *text;
	unsigned one;
	size_t i;

	if (sp_json_kind(list) != SP_JSON_LIST)
		return false;
	for (i = 0; i < sp_json_count(list); i++) {
		text = sp_json_text(sp_json_at(list, i));
		one = text == NULL ? 0 : role_parse(text, strlen(text));
		if (one == 0)
			return false;
		t->roles |= one;
	}
	return t->roles != 0;
}

/* NULL: fine; else what is wrong. */
static const char *
take(const struct json_t *o, struct sp_token *t)
{
	const struct json_t *v;
	const char *text;

	(void)memset(t, 0, sizeof *t);
	if (!take_hex(o, "id", t->id, SP_TOKEN_ID))
		return "id: 8 hexadecimal digits are expected";
	if (!take_hex(o, "salt", t->salt, SP_TOKEN_SALT))
		return "salt: 32 hexadecimal digits are expected";
	if (!take_hex(o, "sha256", t->sha, SP_SHA_LEN))
		return "sha256: 64 hexadecimal digits are expected";
	if (!take_roles(sp_json_get(o, "roles"), t))
		return "roles: a list of submit, work, read, admin is expected";
	/* One that is bound and lost its name must not become one for all. */
	if ((v = sp_json_get(o, "worker")) != NULL) {
		text = sp_json_text(v);
		if (text == NULL || text[0] == '\0' ||
		    strlen(text) > SP_BASE_MAX ||
		    text[strspn(text, SP_WORD)] != '\0')
			return "worker: a worker's NAME is expected";
		(void)strcpy(t->worker, text);
	}
	sp_text_cut(
	    t->note, sizeof t->note, sp_json_text(sp_json_get(o, "note")));
	text = sp_json_text(sp_json_get(o, "made"));
	if (text != NULL)
		(void)sp_time_parse(text, &t->made);
	return NULL;
}

static enum sp_status
line(const char *text, size_t len, size_t number, struct sp_tokens *tokens,
    struct sp_err *err)
{
	struct sp_err inner = { "" };
	struct json_t *json;
	const char *wrong;
	struct sp_token *more;
	enum sp_status st;

	st = sp_json_parse(text, len, &json, &inner);
	if (st != SP_OK)
		return sp_err_set(
		    err, st, "line %zu: %.300s", number, inner.text);
	more = tokens->n >= TOKENS_MOST
	    ? NULL
	    : realloc(tokens->at, (tokens->n + 1) * sizeof *more);
	if (more == NULL) {
		sp_json_free(json);
		return sp_err_set(err, SP_RETRY,
		    "line %zu: no memory, or more than %d tokens", number,
		    TOKENS_MOST);
	}
	tokens->at = more;
	wrong = take(json, &more[tokens->n]);
	sp_json_free(json);
	if (wrong != NULL)
		return sp_err_set(err, SP_BAD, "line %zu: %s", number, wrong);
	tokens->n++;
	return SP_OK;
}

enum sp_status
sp_tokens_parse(
    const char *text, size_t len, struct sp_tokens *tokens, struct sp_err *err)
{
	const char *end = text + len, *nl;
	enum sp_status st = SP_OK;
	size_t number;

	tokens->at = NULL;
	tokens->n = 0;
	for (number = 1; text < end && st == SP_OK; number++) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		if (nl > text)
			st = line(
			    text, (size_t)(nl - text), number, tokens, err);
		text = nl + 1;
	}
	return st;
}

void
sp_tokens_clear(struct sp_tokens *tokens)
{
	free(tokens->at);
	tokens->at = NULL;
	tokens->n = 0;
}

/* ---- who is it? ---- */

const struct sp_token *
sp_tokens_find(const struct sp_tokens *tokens, const char *text, size_t len)
{
	static const struct sp_token nobody = { .salt = "-", .sha = "-" };
	const struct sp_token *t = &nobody;
	char is[SP_SHA_LEN + 1];
	unsigned char differ = 0;
	size_t i;

	if (len != SP_TOKEN_LEN || text[SP_TOKEN_ID] != '.')
		return NULL;
	/* An id is no secret: `spool token ls` shows it. */
	for (i = 0; i < tokens->n; i++)
		if (memcmp(tokens->at[i].id, text, SP_TOKEN_ID) == 0)
			t = &tokens->at[i];
	hash(t->salt, text + SP_TOKEN_ID + 1, SP_TOKEN_SECRET, is);
	for (i = 0; t != &nobody && i < SP_SHA_LEN; i++)
		differ |= (unsigned char)(is[i] ^ t->sha[i]);
	return t == &nobody || differ != 0 ? NULL : t;
}

bool
sp_token_worker_ok(const char *name, const char *worker)
{
	size_t n = strlen(name);

	return sp_worker_ok(worker) &&
	    (n == 0 ||
		(strncmp(name, worker, n) == 0 && strlen(worker) == n + 7));
}
