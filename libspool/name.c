/*
 * name.c - the file names that are the state of an order.
 * Pure: no system call, no allocation, no locale.
 *
 *	PP.ID.tTaA[@W][.LABEL].json[l]
 *
 * Every thing has one spelling.  A parser says yes to that spelling and to
 * nothing else, and fills its output only then; whether a name fits the
 * directory it lies in is for state.c to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/name.h"

#define DEC "0123456789"

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* ---- orders ---- */

/* A count in its one spelling; NULL or what follows it. */
static const char *
count_take(const char *at, unsigned *count_out)
{
	size_t len = strspn(at, DEC);

	if (len < 1 || len > 6 || (at[0] == '0' && len > 1))
		return NULL;
	*count_out = (unsigned)strtoul(at, NULL, 10); /* <= SP_COUNT_MAX */
	return at + len;
}

static const char *
id_take(const char *at, struct sp_id *id_out)
{
	char text[SP_ID_LEN + 1] = "";

	memcpy(text, at, strnlen(at, SP_ID_LEN));
	return sp_id_parse(text, id_out) == SP_OK ? at + SP_ID_LEN : NULL;
}

static const char *
worker_take(const char *at, char worker_out[SP_WORKER_MAX + 1])
{
	size_t len = strspn(at, SP_WORD);

	if (len > SP_WORKER_MAX)
		return NULL;
	memcpy(worker_out, at, len);
	worker_out[len] = '\0';
	return sp_worker_ok(worker_out) ? at + len : NULL;
}

/* ID.tTaA[@W]: NULL or what follows it. */
static const char *
attempt_take(const char *at, struct sp_name *name)
{
	if ((at = id_take(at, &name->id)) == NULL)
		return NULL;
	if (at[0] != '.' || at[1] != 't')
		return NULL;
	if ((at = count_take(at + 2, &name->ticket)) == NULL ||
	    name->ticket < 1 || *at != 'a')
		return NULL;
	if ((at = count_take(at + 1, &name->attempt)) == NULL)
		return NULL;
	return *at == '@' ? worker_take(at + 1, name->worker) : at;
}

static bool
ending_parse(const char *text, bool *bundle_out)
{
	*bundle_out = strcmp(text, ".jsonl") == 0;
	return *bundle_out || strcmp(text, ".json") == 0;
}

enum sp_status
sp_name_parse(const char *text, struct sp_name *name_out)
{
	struct sp_name name = { 0 };
	const char *at;
	size_t len;

	if (strspn(text, DEC) != 2 || text[2] != '.')
		return SP_BAD;
	name.prio = (int)strtol(text, NULL, 10);
	if ((at = attempt_take(text + 3, &name)) == NULL)
		return SP_BAD;

	/* A label has no dot, so ".json" alone is never taken for one. */
	if (!ending_parse(at, &name.bundle)) {
		if (*at++ != '.')
			return SP_BAD;
		len = strspn(at, SP_WORD);
		if (len < 1 || len > SP_LABEL_MAX)
			return SP_BAD;
		memcpy(name.label, at, len);
		if (!ending_parse(at + len, &name.bundle))
			return SP_BAD;
	}
	*name_out = name;
	return SP_OK;
}

/* Names are printed several times for each step of an order. */
static char *
put(char *at, const char *text)
{
	return stpcpy(at, text);
}

static char *
put_number(char *at, unsigned n)
{
	char digits[10];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (i > 0)
		*at++ = digits[--i];
	*at = '\0';
	return at;
}

static char *
put_counts(char *at, const struct sp_name *name)
{
	at = put_number(put(put(at, name->id.text), ".t"), name->ticket);
	return put_number(put(at, "a"), name->attempt);
}

/* What stands behind the counts: [@W][.LABEL].json[l] */
static void
tail_print(const struct sp_name *name, char *at)
{
	if (name->worker[0] != '\0')
		at = put(put(at, "@"), name->worker);
	if (name->label[0] != '\0')
		at = put(put(at, "."), name->label);
	(void)put(at, name->bundle ? ".jsonl" : ".json");
}

void
sp_name_print(const struct sp_name *name, char text_out[SP_NAME_MAX])
{
	char *at = text_out;

	*at++ = (char)('0' + name->prio / 10 % 10);
	*at++ = (char)('0' + name->prio % 10);
	tail_print(name, put_counts(put(at, "."), name));
}

/*
 * As the bytes of the printed names, but counts by value: t10 is after t9.
 * The tails are compared as they are printed, since '-' sorts before '.':
 * "a-b.json" stands before "a.json".
 */
int
sp_name_cmp(const struct sp_name *a, const struct sp_name *b)
{
	char tail_a[SP_NAME_MAX], tail_b[SP_NAME_MAX];
	int id;

	if (a->prio != b->prio)
		return a->prio < b->prio ? -1 : 1;
	if ((id = strcmp(a->id.text, b->id.text)) != 0)
		return id;
	if (a->ticket != b->ticket)
		return a->ticket < b->ticket ? -1 : 1;
	if (a->attempt != b->attempt)
		return a->attempt < b->attempt ? -1 : 1;
	tail_print(a, tail_a);
	tail_print(b, tail_b);
	return strcmp(tail_a, tail_b);
}

void
sp_attempt_print(const struct sp_name *name, char text_out[SP_NAME_MAX])
{
	(void)put(put(put_counts(text_out, name), "@"), name->worker);
}

enum sp_status
sp_attempt_parse(const char *text, struct sp_name *name_out)
{
	struct sp_name name = { .prio = SP_PRIO_USUAL };
	const char *at = attempt_take(text, &name);

	if (at == NULL || *at != '\0' || name.worker[0] == '\0')
		return SP_BAD;
	*name_out = name;
	return SP_OK;
}

bool
sp_attempt_same(const struct sp_name *a, const struct sp_name *b)
{
	return strcmp(a->id.text, b->id.text) == 0 && a->ticket == b->ticket &&
	    a->attempt == b->attempt && strcmp(a->worker, b->worker) == 0;
}

/* ---- what people drop ---- */

enum sp_drop
sp_drop_kind(const char *text, struct sp_name *name_out)
{
	static const char *const ignored[] = { "~", ".tmp", ".part", ".swp",
		".filepart", ".why" };
	struct sp_name name;

	if (text[0] == '\0' || text[0] == '.')
		return SP_DROP_IGNORE;
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
		if (ends_with(text, ignored[i]))
			return SP_DROP_IGNORE;
	}
	if (sp_name_parse(text, &name) == SP_OK && name.worker[0] == '\0') {
		if (name_out != NULL)
			*name_out = name;
		return SP_DROP_ORDER;
	}
	return ends_with(text, ".jsonl") ? SP_DROP_BUNDLE : SP_DROP_JOB;
}

void
sp_label_make(const char *file, char label_out[SP_LABEL_MAX + 1])
{
	const char *dot = strrchr(file, '.');
	size_t len = dot != NULL ? (size_t)(dot - file) : strlen(file);

	if (len > SP_LABEL_MAX)
		len = SP_LABEL_MAX;
	for (size_t i = 0; i < len; i++)
		label_out[i] = strchr(SP_WORD, file[i]) != NULL ? file[i] : '_';
	label_out[len] = '\0';
}

bool
sp_label_ok(const char *label)
{
	size_t len = strspn(label, SP_WORD);

	return len >= 1 && len <= SP_LABEL_MAX && label[len] == '\0';
}

bool
sp_file_ok(const char *file)
{
	size_t len = strspn(file, SP_WORD ".");

	return len >= 1 && len <= SP_FILE_MAX && file[len] == '\0' &&
	    file[0] != '.' && file[0] != '-';
}
