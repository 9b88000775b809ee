/*
 * find.c - where an order stands, by looking at the directories.
 */
#include <string.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/outcome.h"

struct look {
	enum sp_state state;
	const struct sp_id *id;
	struct sp_name *name; /* the lowest ticket, if there are two */
	bool found;
};

static bool
look_one(void *arg, const char *file, const struct stat *st)
{
	struct look *l = arg;
	struct sp_name name;

	(void)st;
	/* The id stands behind "PP." in every name. */
	if (strlen(file) < 3 + SP_ID_LEN ||
	    memcmp(file + 3, l->id->text, SP_ID_LEN) != 0 ||
	    sp_name_parse(file, &name) != SP_OK ||
	    (name.worker[0] != '\0') != sp_state_owned_is(l->state))
		return true;
	if (!l->found || name.ticket < l->name->ticket)
		*l->name = name;
	l->found = true;
	return true;
}

/* Look through one directory for an id. */
static enum sp_status
look_in(int dirfd, enum sp_state state, const struct sp_id *id,
    struct sp_name *name_out, struct sp_err *err)
{
	struct look l = { .state = state, .id = id, .name = name_out };

	if (sp_fs_list(dirfd, ".", look_one, &l) == -1)
		return sp_err_sys(err, "list %s", sp_state_text(state));
	return l.found ? SP_OK : SP_GONE;
}

enum sp_status
sp_find(const struct sp_spool *sp, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err)
{
	/* In the direction orders move, so that one on its way is met; twice,
	 * for those that go back. */
	static const enum sp_state path[] = { SP_NEW, SP_WAITING, SP_NEW,
		SP_ASSIGNED, SP_DONE, SP_FAILED, SP_NEW, SP_WAITING,
		SP_ASSIGNED, SP_DONE, SP_FAILED };
	enum sp_status st;
	size_t i;
	int fd;

	for (i = 0; i < sizeof path / sizeof *path; i++) {
		st = sp_state_open(sp, path[i], id, false, &fd, NULL);
		if (st == SP_GONE)
			continue;
		if (st != SP_OK)
			return sp_err_set(
			    err, st, "open %s", sp_state_text(path[i]));
		st = look_in(fd, path[i], id, name_out, err);
		(void)sp_fs_close(fd);
		if (st == SP_OK)
			*state_out = path[i];
		if (st != SP_GONE)
			return st;
	}
	return SP_GONE;
}

static bool
no_more(void *arg, const char *file, const struct stat *st)
{
	(void)arg;
	(void)file;
	(void)st;
	return false;
}

void
sp_refresh(const struct sp_spool *sp, enum sp_dir dir)
{
	/* Far, nothing remembers what was not there. */
	if (!sp->local && !sp_fs_far(sp->root))
		(void)sp_fs_list(sp->root, sp_dir_text(dir), no_more, NULL);
}

enum sp_status
sp_find_status(const struct sp_spool *sp, const struct sp_id *id,
    int *status_out, struct sp_err *err)
{
	char file[SP_NAME_MAX];

	(void)strcpy(file, id->text);
	(void)strcat(file, ".json");
	return sp_find_status_of(sp, file, status_out, err);
}

enum sp_status
sp_find_status_of(const struct sp_spool *sp, const char *file, int *status_out,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	enum sp_status s;
	struct stat st;

	s = sp_read(
	    sp->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX, &text, &st, err);
	if (s == SP_OK)
		s = sp_outcome_status(text.data, text.len, status_out);
	sp_buf_clear(&text);
	return s;
}

static int
walk_dir(int dirfd, enum sp_state state, const char *where, sp_walk_fn *fn,
    sp_odd_fn *odd, void *arg, enum sp_status *st, struct sp_err *err)
{
	struct sp_names names = { 0 };
	struct sp_name name;
	int stop = 0;
	size_t i;

	*st = sp_list(dirfd, false, &names, err);
	for (i = 0; *st == SP_OK && i < names.n && !stop; i++) {
		if (sp_name_parse(sp_names_at(&names, i), &name) == SP_OK &&
		    (name.worker[0] != '\0') == sp_state_owned_is(state))
			stop = fn(arg, state, &name);
		else if (odd != NULL)
			odd(arg, where, sp_names_at(&names, i));
	}
	sp_names_clear(&names);
	return stop;
}

enum sp_status
sp_walk(const struct sp_spool *sp, enum sp_state state, sp_walk_fn *fn,
    sp_odd_fn *odd, void *arg, struct sp_err *err)
{
	const char *where = sp_state_text(state), *day;
	struct sp_names days = { 0 };
	char sub[32];
	enum sp_status st;
	size_t i;
	int fd;

	if (!sp_state_over_is(state)) {
		(void)walk_dir(
		    sp->dir[(int)state], state, where, fn, odd, arg, &st, err);
		return st;
	}
	st = sp_list(sp->dir[(int)state], false, &days, err);
	for (i = 0; i < days.n && st == SP_OK; i++) {
		day = sp_names_at(&days, i);
		if (!sp_day_ok(day) ||
		    sp_day_open(sp, state, day, false, &fd, NULL) != SP_OK) {
			if (odd != NULL)
				odd(arg, where, day);
			continue;
		}
		(void)strcpy(sub, where);
		(void)strcat(strcat(sub, "/"), day);
		if (walk_dir(fd, state, sub, fn, odd, arg, &st, err) != 0)
			i = days.n;
		(void)sp_fs_close(fd);
	}
	sp_names_clear(&days);
	return st;
}

enum sp_status
sp_order_read(const struct sp_spool *sp, enum sp_state state,
    const struct sp_name *name, struct sp_buf *text_out, struct sp_err *err)
{
	char file[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;
	int fd;

	sp_name_print(name, file);
	if (!sp_state_over_is(state))
		return sp_read(sp->dir[(int)state], file,
		    name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, text_out, &st,
		    err);
	s = sp_state_open(sp, state, &name->id, false, &fd, err);
	if (s != SP_OK)
		return s;
	s = sp_read(fd, file, name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX,
	    text_out, &st, err);
	(void)sp_fs_close(fd);
	return s;
}
