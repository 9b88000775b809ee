/*
 * checklook.c - goes through the state directories and notes every order's
 * entry, and what is no entry: names that are none, no plain files, orders in
 * the wrong DAY.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/index.h"
#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "tools/check.h"

/* A directory that is being looked through. */
struct place {
	enum sp_state state;
	const char *sub; /* DAY, or "" */
	int fd;
};

static void
note(struct check *check, const struct place *place, const struct sp_name *name,
    const struct stat *st, bool odd)
{
	struct entry *more, *entry;
	size_t cap;

	if (check->n == check->cap) {
		cap = check->cap == 0 ? 256 : check->cap * 2;
		if ((more = realloc(check->entry, cap * sizeof *more)) ==
		    NULL) {
			check->failed = true;
			return;
		}
		check->entry = more;
		check->cap = cap;
	}
	entry = &check->entry[check->n++];
	memset(entry, 0, sizeof *entry);
	entry->name = *name;
	entry->state = place->state;
	(void)snprintf(entry->day, sizeof entry->day, "%s", place->sub);
	entry->odd = odd;
	entry->dev = st->st_dev;
	entry->ino = st->st_ino;
	entry->links = st->st_nlink;
	entry->changed = check_ctime(st);
}

static const char *
kind_text(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory"
	    : S_ISLNK(mode)  ? "a symbolic link"
	    : S_ISFIFO(mode) ? "a FIFO"
	    : S_ISSOCK(mode) ? "a socket"
			     : "a device";
}

/* What a name in new/ is that is no order's: a drop on its way, or ours with a
 * worker in it. */
static void
look_drop(struct check *check, const struct place *place, const char *file,
    const struct stat *st)
{
	struct sp_name name;

	if (sp_name_parse(file, &name) != SP_OK)
		return;
	(void)check_say(check, CHECK_NAME, SP_DIR_NEW, "", file, &name,
	    "its name has @WORKER; orders in new/ are nobody's");
	note(check, place, &name, st, true);
}

static void
look_name(struct check *check, const struct place *place, const char *file)
{
	enum sp_dir dir = (enum sp_dir)(int)place->state;
	char day[SP_DAY_LEN + 1];
	struct sp_name name;
	struct stat st;
	bool parsed = sp_name_parse(file, &name) == SP_OK, owned;

	/* .nfs*: a file that an NFS client holds open and has removed */
	if (strcmp(file, ".gitkeep") == 0 || strncmp(file, ".nfs", 4) == 0)
		return;
	if (place->state == SP_NEW && !parsed &&
	    sp_drop_kind(file, NULL) == SP_DROP_IGNORE)
		return;
	if (sp_fs_lstat(place->fd, file, &st) == -1)
		return; /* it moved on */
	if (!S_ISREG(st.st_mode)) {
		(void)check_say(check, CHECK_PLAIN, dir, place->sub, file,
		    parsed ? &name : NULL, "is %s; orders are plain files",
		    kind_text(st.st_mode));
		return;
	}
	owned = sp_state_owned_is(place->state);
	if (!parsed || (name.worker[0] != '\0') != owned) {
		if (place->state == SP_NEW) {
			look_drop(check, place, file, &st);
			return;
		}
		(void)check_say(check, CHECK_NAME, dir, place->sub, file,
		    parsed ? &name : NULL, "%s%s",
		    !parsed     ? "is not the name of an order"
			: owned ? "its name lacks the @WORKER of orders in "
				: "its name has @WORKER, unlike orders in ",
		    !parsed ? "" : sp_state_text(place->state));
		if (parsed)
			note(check, place, &name, &st, true);
		return;
	}
	if (sp_state_over_is(place->state)) {
		sp_id_day(&name.id, day);
		if (strcmp(day, place->sub) != 0) {
			(void)check_say(check, CHECK_PLACE, dir, place->sub,
			    file, &name, "belongs into %s/%s/",
			    sp_state_text(place->state), day);
			note(check, place, &name, &st, true);
			return;
		}
	}
	note(check, place, &name, &st, false);
}

static enum sp_status
look_dir(struct check *check, const struct place *place, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;

	st = sp_list(place->fd, true, &names, err);
	for (i = 0; st == SP_OK && i < names.n; i++)
		look_name(check, place, sp_names_at(&names, i));
	sp_names_clear(&names);
	return st;
}

/* done/ and failed/: a directory a day. */
static enum sp_status
look_days(struct check *check, enum sp_state state, struct sp_err *err)
{
	enum sp_dir dir = (enum sp_dir)(int)state;
	struct place top = { state, "", check->spool->dir[dir] }, place;
	struct sp_names days = { 0 };
	enum sp_status st;
	struct stat stat;
	const char *day;
	size_t i;

	st = sp_list(top.fd, true, &days, err);
	for (i = 0; st == SP_OK && i < days.n; i++) {
		day = sp_names_at(&days, i);
		if (sp_fs_lstat(top.fd, day, &stat) == -1)
			continue;
		if (!S_ISDIR(stat.st_mode)) {
			look_name(check, &top, day);
			continue;
		}
		if (!sp_day_ok(day)) {
			(void)check_say(check, CHECK_STRAY, dir, "", day, NULL,
			    "is no day (YYYYMMDD)");
			continue;
		}
		place = top;
		place.sub = day;
		st = check_open(check, dir, day, &place.fd, err);
		if (st == SP_OK) {
			st = look_dir(check, &place, err);
			(void)sp_fs_close(place.fd);
		} else if (st == SP_GONE) {
			st = SP_OK;
		}
	}
	sp_names_clear(&days);
	return st;
}

/* By id; then those to believe in first. */
static int
by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->name.id.text, y->name.id.text);

	if (c != 0)
		return c;
	if (x->odd != y->odd)
		return x->odd ? 1 : -1;
	return index_prefer(x->state, &x->name, y->state, &y->name);
}

/* Whose commit may be under way: a beat within a lease, and no process that is
 * known to be gone. */
static enum sp_status
look_workers(struct check *check, struct sp_err *err)
{
	int dir = check->spool->dir[SP_DIR_WORKERS];
	int64_t lease = (int64_t)(check->spool->policy.lease * 1000);
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX + 2);
	struct sp_beat beat;
	enum sp_status st;
	struct stat stat;
	size_t i;

	st = sp_list(dir, false, &check->workers, err);
	for (i = 0; st == SP_OK && i < check->workers.n; i++) {
		const char *file = sp_names_at(&check->workers, i);

		if (sp_read(dir, file, SP_BEAT_MAX, &text, &stat, NULL) !=
			SP_OK ||
		    sp_beat_parse(sp_buf_text(&text), text.len, &beat, NULL) !=
			SP_OK)
			continue;
		if (!sp_beat_gone_is(&beat) &&
		    check->now - check_ctime(&stat) < lease)
			st = sp_names_add(&check->alive, file);
		sp_beat_clear(&beat);
	}
	sp_buf_clear(&text);
	return st;
}

enum sp_status
check_look(struct check *check, struct sp_err *err)
{
	struct place place;
	enum sp_status st = SP_OK;
	int i;

	for (i = 0; i < SP_STATES && st == SP_OK; i++) {
		place.state = (enum sp_state)i;
		place.sub = "";
		place.fd = check->spool->dir[i];
		st = sp_state_over_is(place.state)
		    ? look_days(check, place.state, err)
		    : look_dir(check, &place, err);
	}
	if (st == SP_OK)
		st = sp_list(check->spool->dir[SP_DIR_OUTCOMES], true,
		    &check->outcomes, err);
	if (st == SP_OK)
		st = look_workers(check, err);
	if (st == SP_OK && check->failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	if (check->n > 0)
		qsort(check->entry, check->n, sizeof *check->entry, by_id);
	return st;
}

void
check_forget(struct check *check)
{
	sp_names_clear(&check->outcomes);
	sp_names_clear(&check->workers);
	sp_names_clear(&check->alive);
	free(check->entry);
	free(check->found);
	check->entry = NULL;
	check->found = NULL;
	check->n = check->cap = check->found_n = check->found_cap = 0;
}

const struct entry *
check_entries(const struct check *check, const struct sp_id *id, size_t *n_out)
{
	size_t low = 0, high = check->n, middle, n;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(check->entry[middle].name.id.text, id->text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (n = 0; low + n < check->n; n++) {
		if (strcmp(check->entry[low + n].name.id.text, id->text) != 0)
			break;
	}
	*n_out = n;
	return n == 0 ? NULL : &check->entry[low];
}

const struct entry *
check_order(const struct check *check, const struct sp_id *id)
{
	const struct entry *entry;
	size_t n;

	entry = check_entries(check, id, &n);
	return entry == NULL || entry->odd ? NULL : entry;
}
