/*
 * tries.c - what the attempts of an order left in runs/DAY/ID/: logs, metrics,
 * notes of attempts that ended without a commit, artifacts.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "tools/spool.h"

static const char *const endings[] = { ".metrics.jsonl", ".log", ".json" };

/* "tTaA@W.log", with or without "ID." before it.  NULL: no attempt's file. */
static const char *
parse(const struct sp_id *id, const char *file, struct sp_name *name_out)
{
	char text[SP_NAME_MAX * 2];
	size_t i, len, n = strlen(file);
	bool whole = n > SP_ID_LEN && file[SP_ID_LEN] == '.' &&
	    strncmp(file, id->text, SP_ID_LEN) == 0;

	for (i = 0; i < sizeof endings / sizeof *endings; i++) {
		len = strlen(endings[i]);
		if (n <= len || strcmp(file + n - len, endings[i]) != 0)
			continue;
		if (n - len >= SP_NAME_MAX)
			return NULL;
		(void)snprintf(text, sizeof text, "%s%s%.*s",
		    whole ? "" : id->text, whole ? "" : ".", (int)(n - len),
		    file);
		return sp_attempt_parse(text, name_out) == SP_OK ? endings[i]
								 : NULL;
	}
	return NULL;
}

static int
by_ticket(const void *a, const void *b)
{
	const struct try *x = a, *y = b;

	if (x->name.ticket != y->name.ticket)
		return x->name.ticket < y->name.ticket ? -1 : 1;
	return strcmp(x->name.worker, y->name.worker);
}

static void
put(struct tries *tries, const struct sp_id *id, const char *file)
{
	struct sp_name name;
	const char *ending = parse(id, file, &name);
	struct try *try;
	char *slot;
	size_t i;

	if (strcmp(file, "out") == 0)
		tries->out = true;
	if (ending == NULL)
		return;
	for (i = 0; i < tries->n; i++) {
		if (sp_attempt_same(&tries->try[i].name, &name))
			break;
	}
	try = &tries->try[i];
	if (i == tries->n) {
		memset(try, 0, sizeof *try);
		try->name = name;
		tries->n++;
	}
	slot = ending == endings[0] ? try->metrics
	    : ending == endings[1]  ? try->log
				    : try->note;
	(void)snprintf(slot, sizeof try->log, "%s", file);
}

enum sp_status
tries_read(const struct sp_spool *spool, const struct sp_id *id,
    struct tries *tries_out, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;

	memset(tries_out, 0, sizeof *tries_out);
	st = sp_run_open(spool, id, false, &tries_out->dir, err);
	if (st != SP_OK) {
		tries_out->dir = -1;
		return st == SP_GONE ? SP_OK : st;
	}
	st = sp_list(tries_out->dir, false, &names, err);
	if (st == SP_OK && names.n > 0) {
		tries_out->try = calloc(names.n, sizeof *tries_out->try);
		if (tries_out->try == NULL)
			st = sp_err_set(err, SP_RETRY, "no memory");
	}
	for (i = 0; st == SP_OK && i < names.n; i++)
		put(tries_out, id, sp_names_at(&names, i));
	sp_names_clear(&names);
	if (st != SP_OK)
		tries_clear(tries_out);
	else if (tries_out->n > 0)
		qsort(tries_out->try, tries_out->n, sizeof *tries_out->try,
		    by_ticket);
	return st;
}

void
tries_clear(struct tries *tries)
{
	free(tries->try);
	if (tries->dir != -1)
		(void)sp_fs_close(tries->dir);
	memset(tries, 0, sizeof *tries);
	tries->dir = -1;
}
