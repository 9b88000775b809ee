/*
 * find.c - where an order stands, by looking at the directories.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/outcome.h"

/* Look through one directory for an id; the lowest ticket if there are two. */
static enum sp_status
look_in(int dirfd, enum sp_state state, const struct sp_id *id,
    struct sp_name *name_out, struct sp_err *err)
{
	enum sp_status found = SP_GONE;
	struct sp_name name;
	struct dirent *e;
	DIR *d;
	int fd;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		found = sp_err_sys(err, "list %s", sp_state_text(state));
		if (fd != -1)
			(void)close(fd);
		return found;
	}
	for (;;) {
		errno = 0;
		if ((e = readdir(d)) == NULL)
			break;
		/* The id stands behind "PP." in every name. */
		if (strlen(e->d_name) < 3 + SP_ID_LEN ||
		    memcmp(e->d_name + 3, id->text, SP_ID_LEN) != 0 ||
		    sp_name_parse(e->d_name, &name) != SP_OK ||
		    (name.worker[0] != '\0') != sp_state_owned_is(state))
			continue;
		if (found != SP_OK || name.ticket < name_out->ticket)
			*name_out = name;
		found = SP_OK;
	}
	if (errno != 0)
		found = sp_err_sys(err, "list %s", sp_state_text(state));
	(void)closedir(d);
	return found;
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
		(void)close(fd);
		if (st == SP_OK)
			*state_out = path[i];
		if (st != SP_GONE)
			return st;
	}
	return SP_GONE;
}

void
sp_refresh(const struct sp_spool *sp, enum sp_dir dir)
{
	struct dirent *e = NULL;
	DIR *d;
	int fd;

	if (sp->local)
		return;
	fd = openat(sp->root, sp_dir_text(dir),
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if ((d = fdopendir(fd)) == NULL)
		(void)close(fd);
	else {
		e = readdir(d);
		(void)closedir(d);
	}
	(void)e;
}

enum sp_status
sp_find_status(const struct sp_spool *sp, const struct sp_id *id,
    int *status_out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	char file[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;

	(void)strcpy(file, id->text);
	(void)strcat(file, ".json");
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
		(void)close(fd);
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

	s = sp_state_open(sp, state, &name->id, false, &fd, err);
	if (s != SP_OK)
		return s;
	sp_name_print(name, file);
	s = sp_read(fd, file, name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX,
	    text_out, &st, err);
	(void)close(fd);
	return s;
}
