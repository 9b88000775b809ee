/*
 * over.c - orders that are over and outcomes/: which came, which went.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "index/inner.h"
#include "libspool/find.h"
#include "libspool/fs.h"

struct over {
	const struct sp_names *files;
	struct sp_names *odd_out; /* state's digit and name */
};

static enum sp_status
over_one(void *arg, enum sp_state state, const char *text, int status)
{
	char file[SP_ID_LEN + 8], tagged[SP_NAME_MAX + 1];
	struct over *o = arg;
	struct sp_name name;

	if (sp_name_parse(text, &name) != SP_OK)
		return SP_OK;
	(void)strcpy(file, name.id.text);
	(void)strcat(file, ".json");
	if (sp_names_has(o->files, file) == (status != 0))
		return SP_OK;
	tagged[0] = (char)('0' + (int)state);
	(void)strcpy(tagged + 1, text);
	return sp_names_add(o->odd_out, tagged);
}

/* All orders that are over against all outcomes: after a start, or when
 * outcomes were taken away. */
static enum sp_status
over_all(struct work *w, struct sp_names *odd_out, struct sp_err *err)
{
	struct sp_names files = { 0 };
	struct over o = { &files, odd_out };
	enum sp_status st;

	st = sp_list(w->ix->spool->dir[SP_DIR_OUTCOMES], false, &files, err);
	st = st == SP_OK ? sql_over(w->ix->sql, over_one, &o, err) : SP_RETRY;
	sp_names_clear(&files);
	return st;
}

static bool
outcome_there(const struct work *w, const struct sp_id *id)
{
	char file[SP_ID_LEN + 8];
	struct stat st;

	(void)strcpy(file, id->text);
	(void)strcat(file, ".json");
	return sp_fs_lstat(w->ix->spool->dir[SP_DIR_OUTCOMES], file, &st) == 0;
}

/* Outcomes are published after the commit: read those orders again that were
 * seen without. */
enum sp_status
work_outcomes(struct work *w, bool *more_out, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;
	const char *text;
	size_t i;

	*more_out = false;
	sp_refresh(w->ix->spool, SP_DIR_OUTCOMES);
	st = w->ix->compare ? over_all(w, &names, err)
			    : sql_pending(w->ix->sql, &names, err);
	for (i = 0; st == SP_OK && i < names.n; i++) {
		text = sp_names_at(&names, i);
		state = (enum sp_state)(text[0] - '0');
		if (sp_name_parse(text + 1, &name) != SP_OK ||
		    (!w->ix->compare && !outcome_there(w, &name.id)))
			continue;
		if (work_late(w)) {
			*more_out = true;
			break;
		}
		st = work_put(
		    w, stamp_dir(state, &name.id), state, text + 1, err);
	}
	sp_names_clear(&names);
	return st;
}
