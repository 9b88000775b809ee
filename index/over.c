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
	int root;
	struct side *files;
	struct sp_names *odd_out; /* state's digit and name */
};

/* Both come ascending by id.  *there_out: is that file among them? */
static enum sp_status
seek(struct over *o, const char *file, bool *there_out)
{
	enum sp_status st;
	const char *name;
	int c = 1;

	while ((st = side_list(o->files, o->root, "outcomes", NULL)) == SP_OK &&
	    (name = side_name(o->files)) != NULL &&
	    (c = strcmp(name, file)) < 0)
		o->files->at++;
	*there_out = st == SP_OK && c == 0;
	return st;
}

static enum sp_status
over_one(void *arg, enum sp_state state, const char *text, int status)
{
	char file[SP_ID_LEN + 8], tagged[SP_NAME_MAX + 1];
	struct over *o = arg;
	struct sp_name name;
	enum sp_status st;
	bool there;

	if (sp_name_parse(text, &name) != SP_OK)
		return SP_OK;
	(void)strcpy(file, name.id.text);
	(void)strcat(file, ".json");
	if ((st = seek(o, file, &there)) != SP_OK || there == (status != 0))
		return st;
	tagged[0] = (char)('0' + (int)state);
	(void)strcpy(tagged + 1, text);
	return sp_names_add(o->odd_out, tagged);
}

/* All orders that are over against all outcomes: after a start, or when
 * outcomes were taken away. */
static enum sp_status
over_all(struct work *w, struct sp_names *odd_out, struct sp_err *err)
{
	struct side files = { 0 };
	struct over o = { w->ix->spool->root, &files, odd_out };
	enum sp_status st;

	side_clear(&files);
	st = sql_over(w->ix->sql, over_one, &o, err);
	side_clear(&files);
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
		if (st == SP_GONE)
			st = SP_OK;
	}
	sp_names_clear(&names);
	return st;
}
