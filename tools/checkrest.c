/*
 * checkrest.c - what lies beside the orders: bad/ without words, marks for
 * nothing, leftovers in tmp/, runs/ of no order, files in workers/ that are no
 * beats.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/wish.h"
#include "tools/check.h"

static bool
keep_is(const char *file)
{
	return strcmp(file, ".gitkeep") == 0 || strncmp(file, ".nfs", 4) == 0;
}

static bool
ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static void
rest_bad(struct check *check, const struct sp_names *names)
{
	char why[300];
	size_t i;

	for (i = 0; i < names->n; i++) {
		const char *file = sp_names_at(names, i);

		/* longer ones have no room for the ending */
		if (file[0] == '.' || ends_in(file, ".why") ||
		    strlen(file) > 240)
			continue;
		(void)snprintf(why, sizeof why, "%s.why", file);
		if (!sp_names_has(names, why))
			(void)check_say(check, CHECK_WHY, SP_DIR_BAD, "", file,
			    NULL, "nothing says what is wrong with it");
	}
}

/* Keepers take away marks that have served, in their own time. */
static void
rest_marks(struct check *check, enum sp_dir dir, const struct sp_names *names)
{
	int64_t lease = (int64_t)(check->spool->policy.lease * 1000), since;
	const struct entry *entry;
	struct sp_name name;
	struct stat st;
	size_t i, n;

	memset(&name, 0, sizeof name);
	for (i = 0; i < names->n; i++) {
		const char *file = sp_names_at(names, i);

		if (keep_is(file) ||
		    sp_fs_lstat(check->spool->dir[dir], file, &st) == -1)
			continue;
		if (sp_id_parse(file, &name.id) != SP_OK) {
			(void)check_say(check, CHECK_STRAY, dir, "", file, NULL,
			    "is not the id of an order");
			continue;
		}
		since = check_ctime(&st);
		entry = check_entries(check, &name.id, &n);
		if (entry != NULL && entry->changed > since)
			since = entry->changed;
		if (check->now - since < lease)
			continue;
		if (entry == NULL)
			(void)check_say(check, CHECK_MARK, dir, "", file, &name,
			    "a request for an order that is not there");
		else if (!entry->odd && sp_state_over_is(entry->state))
			(void)check_say(check, CHECK_MARK, dir, "", file, &name,
			    "a request for an order that is over");
	}
}

/* tmp/ATTEMPT.d, the lines of a bundle on their way: once its claim is over,
 * keepers move them out or drop them, within seconds. */
static bool
stage_is(struct check *check, const char *file, const struct stat *st)
{
	char attempt[SP_NAME_MAX];
	const struct entry *entry;
	struct sp_name name;
	size_t i, n, len = strlen(file);

	if (!S_ISDIR(st->st_mode) || !ends_in(file, ".d") ||
	    len >= sizeof attempt)
		return false;
	(void)snprintf(attempt, sizeof attempt, "%.*s", (int)(len - 2), file);
	if (sp_attempt_parse(attempt, &name) != SP_OK)
		return false;
	entry = check_entries(check, &name.id, &n);
	for (i = 0; i < n; i++) {
		if (entry[i].state == SP_ASSIGNED &&
		    sp_attempt_same(&entry[i].name, &name))
			return false;
	}
	return true;
}

static void
rest_tmp(struct check *check, const struct sp_names *names)
{
	int64_t most = (int64_t)(check->spool->policy.tmp_age * 1000);
	int64_t settle = (int64_t)(check->spool->policy.settle * 1000), age;
	struct stat st;
	size_t i;

	for (i = 0; i < names->n; i++) {
		const char *file = sp_names_at(names, i);

		if (keep_is(file) ||
		    sp_fs_lstat(check->spool->dir[SP_DIR_TMP], file, &st) == -1)
			continue;
		age = check->now - check_ctime(&st);
		if (age >= settle && stage_is(check, file, &st))
			(void)check_say(check, CHECK_TMP, SP_DIR_TMP, "", file,
			    NULL, "the lines of a bundle, cut short");
		else if (age > most)
			(void)check_say(check, CHECK_TMP, SP_DIR_TMP, "", file,
			    NULL, "left behind; whoever wrote it is gone");
	}
}

/* Is there a worker of that W or NAME? */
static bool
worker_is(const struct check *check, const char *who)
{
	struct sp_names files = { 0 };
	size_t i, len = strlen(who);
	bool is = false;

	if (sp_list(check->spool->dir[SP_DIR_WORKERS], false, &files, NULL) !=
	    SP_OK)
		is = true; /* in doubt */
	for (i = 0; i < files.n && !is; i++)
		is = strncmp(sp_names_at(&files, i), who, len) == 0 &&
		    strchr(".-", sp_names_at(&files, i)[len]) != NULL;
	sp_names_clear(&files);
	return is;
}

static void
rest_drain(struct check *check, const struct sp_names *names)
{
	char who[SP_WISH_MAX];
	enum sp_wish wish;
	struct stat st;
	size_t i;

	for (i = 0; i < names->n; i++) {
		const char *file = sp_names_at(names, i);

		if (keep_is(file))
			continue;
		if (!sp_wish_parse(file, who, &wish))
			(void)check_say(check, CHECK_STRAY, SP_DIR_DRAIN, "",
			    file, NULL, "is not a worker's name");
		/* By a NAME it is for those too who are yet to come. */
		else if (sp_worker_ok(who) && !worker_is(check, who) &&
		    sp_fs_lstat(check->spool->dir[SP_DIR_DRAIN], file, &st) ==
			0 &&
		    (double)(check->now - check_ctime(&st)) >=
			check->spool->policy.lease * 1000)
			(void)check_say(check, CHECK_MARK, SP_DIR_DRAIN, "",
			    file, NULL, "a request to a worker that is gone");
	}
}

static void
rest_workers(struct check *check, const struct sp_names *names)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX + 2);
	struct sp_err err;
	struct sp_beat beat;
	enum sp_status s;
	struct stat st;
	size_t i;

	for (i = 0; i < names->n; i++) {
		const char *file = sp_names_at(names, i);

		if (keep_is(file))
			continue;
		sp_err_clear(&err);
		s = sp_read(check->spool->dir[SP_DIR_WORKERS], file,
		    SP_BEAT_MAX, &text, &st, &err);
		if (s == SP_OK) {
			s = sp_beat_parse(
			    sp_buf_text(&text), text.len, &beat, &err);
			if (s == SP_OK &&
			    (strncmp(file, beat.worker, strlen(beat.worker)) !=
				    0 ||
				strcmp(file + strlen(beat.worker), ".json") !=
				    0))
				s = sp_err_set(&err, SP_BAD,
				    "it is the beat of %s", beat.worker);
			sp_beat_clear(&beat);
		}
		if (s == SP_BAD)
			(void)check_say(check, CHECK_STRAY, SP_DIR_WORKERS, "",
			    file, NULL, "is no worker's beat: %.180s",
			    err.text);
	}
	sp_buf_clear(&text);
}

/* One runs/DAY. */
static enum sp_status
rest_day(struct check *check, const char *day, struct sp_err *err)
{
	struct sp_names names = { 0 };
	struct sp_name name;
	char right[SP_DAY_LEN + 1];
	enum sp_status st;
	size_t i, n;
	int fd;

	memset(&name, 0, sizeof name);
	st = check_open(check, SP_DIR_RUNS, day, &fd, err);
	if (st != SP_OK)
		return st == SP_GONE ? SP_OK : st;
	st = sp_list(fd, true, &names, err);
	(void)sp_fs_close(fd);
	for (i = 0; st == SP_OK && i < names.n; i++) {
		const char *file = sp_names_at(&names, i);

		if (keep_is(file))
			continue;
		if (sp_id_parse(file, &name.id) != SP_OK) {
			(void)check_say(check, CHECK_STRAY, SP_DIR_RUNS, day,
			    file, NULL, "is not the id of an order");
			continue;
		}
		sp_id_day(&name.id, right);
		if (strcmp(right, day) != 0)
			(void)check_say(check, CHECK_RUNS, SP_DIR_RUNS, day,
			    file, &name, "belongs into runs/%s/", right);
		else if (check_entries(check, &name.id, &n) == NULL)
			(void)check_say(check, CHECK_RUNS, SP_DIR_RUNS, day,
			    file, &name, "left by an order that is not there");
	}
	sp_names_clear(&names);
	return st;
}

static enum sp_status
rest_runs(struct check *check, const struct sp_names *names, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	struct stat stat;
	size_t i;

	for (i = 0; st == SP_OK && i < names->n; i++) {
		const char *day = sp_names_at(names, i);

		if (keep_is(day))
			continue;
		if (sp_fs_lstat(check->spool->dir[SP_DIR_RUNS], day, &stat) ==
		    -1)
			continue;
		if (!sp_day_ok(day) || !S_ISDIR(stat.st_mode))
			(void)check_say(check, CHECK_STRAY, SP_DIR_RUNS, "",
			    day, NULL, "is no day (YYYYMMDD)");
		else
			st = rest_day(check, day, err);
	}
	return st;
}

enum sp_status
check_rest(struct check *check, struct sp_err *err)
{
	static const enum sp_dir dirs[] = { SP_DIR_BAD, SP_DIR_CANCEL,
		SP_DIR_HOLD, SP_DIR_DRAIN, SP_DIR_TMP, SP_DIR_WORKERS,
		SP_DIR_RUNS };
	struct sp_names names = { 0 };
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; st == SP_OK && i < sizeof dirs / sizeof *dirs; i++) {
		st = sp_list(check->spool->dir[dirs[i]], true, &names, err);
		if (st != SP_OK)
			break;
		switch (dirs[i]) {
		case SP_DIR_BAD:
			rest_bad(check, &names);
			break;
		case SP_DIR_CANCEL:
		case SP_DIR_HOLD:
			rest_marks(check, dirs[i], &names);
			break;
		case SP_DIR_DRAIN:
			rest_drain(check, &names);
			break;
		case SP_DIR_TMP:
			rest_tmp(check, &names);
			break;
		case SP_DIR_WORKERS:
			rest_workers(check, &names);
			break;
		default:
			st = rest_runs(check, &names, err);
			break;
		}
	}
	sp_names_clear(&names);
	return st;
}
