/*
 * checkfix.c - mends, a function for each kind of breach.  Everything is a
 * rename (into repair/, or to the name that the order should have), or the
 * publication of what was missing; nothing of anybody's is deleted.  What is
 * moved is seen at the next look, so each mend may leave the rest to others.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"
#include "tools/check.h"

/* Says in finding->how what it did. */
typedef enum sp_status
fix_fn(struct check *check, struct finding *finding, struct sp_err *err);

static bool
known_is(const struct finding *finding)
{
	return finding->name.id.text[0] != '\0';
}

static enum sp_state
state_of(const struct finding *finding)
{
	return (enum sp_state)(int)finding->dir;
}

enum sp_status
check_fix_aside(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	const struct sp_spool *spool = check->spool;
	enum sp_status st;
	char to[256];
	int fd;

	st = check_open(check, finding->dir, finding->sub, &fd, err);
	if (st != SP_OK)
		return st;
	(void)snprintf(to, sizeof to, "%.200s",
	    finding->file + (finding->file[0] == '.' ? 1 : 0));
	st = sp_move_aside(spool, fd, finding->file, SP_DIR_REPAIR, to, err);
	if (st == SP_OK) {
		(void)snprintf(finding->how, sizeof finding->how,
		    "moved to repair/%.120s", to);
		st = sp_sync(spool->dir[SP_DIR_REPAIR], "repair", err);
	}
	if (st == SP_OK)
		st = sp_sync(fd, sp_dir_text(finding->dir), err);
	(void)sp_fs_close(fd);
	return st;
}

/* To another name, in the state's own directory, never over anything. */
enum sp_status
check_fix_rename(struct check *check, struct finding *finding, enum sp_state to,
    const struct sp_name *name, struct sp_err *err)
{
	char file[SP_NAME_MAX], day[SP_DAY_LEN + 1];
	enum sp_status st;
	int fromfd, tofd;

	sp_name_print(name, file);
	st = check_open(check, finding->dir, finding->sub, &fromfd, err);
	if (st != SP_OK)
		return st;
	st = sp_state_open(check->spool, to, &name->id, true, &tofd, err);
	if (st == SP_OK) {
		st =
		    sp_move_file(fromfd, finding->file, tofd, file, false, err);
		if (st == SP_OK)
			st = sp_sync(tofd, sp_state_text(to), err);
		if (st == SP_OK)
			st = sp_sync(fromfd, sp_dir_text(finding->dir), err);
		(void)sp_fs_close(tofd);
	}
	(void)sp_fs_close(fromfd);
	if (st == SP_LOST) {
		sp_err_clear(err);
		return check_fix_aside(check, finding, err);
	}
	sp_id_day(&name->id, day);
	if (st == SP_OK)
		(void)snprintf(finding->how, sizeof finding->how,
		    "renamed to %s/%s%s%.140s", sp_state_text(to),
		    sp_state_over_is(to) ? day : "",
		    sp_state_over_is(to) ? "/" : "", file);
	return st;
}

/* The name it would have got at its next move. */
static enum sp_status
fix_name(struct check *check, struct finding *finding, struct sp_err *err)
{
	enum sp_state to = state_of(finding);
	struct sp_name name = finding->name;

	if (!known_is(finding) || check_order(check, &name.id) != NULL ||
	    name.ticket >= SP_COUNT_MAX)
		return check_fix_aside(check, finding, err);
	name.ticket++;
	name.worker[0] = '\0';
	if (sp_state_over_is(to))
		(void)snprintf(
		    name.worker, sizeof name.worker, "%s", check->spool->actor);
	return check_fix_rename(
	    check, finding, to == SP_ASSIGNED ? SP_NEW : to, &name, err);
}

static enum sp_status
fix_plain(struct check *check, struct finding *finding, struct sp_err *err)
{
	enum sp_status st;

	if (finding->dir != SP_DIR_NEW)
		return check_fix_aside(check, finding, err);
	st = sp_set_bad(check->spool, check->spool->dir[SP_DIR_NEW],
	    finding->file, finding->words, err);
	(void)snprintf(finding->how, sizeof finding->how, "moved to bad/");
	return st;
}

static enum sp_status
fix_place(struct check *check, struct finding *finding, struct sp_err *err)
{
	return check_fix_rename(
	    check, finding, state_of(finding), &finding->name, err);
}

/* Bring an order into its directory anew, with other text, under its next
 * name; then set the old file aside.  A crash between leaves two entries, which
 * the next look finds. */
static enum sp_status
renew(struct check *check, struct finding *finding, const char *text,
    size_t len, struct sp_err *err)
{
	enum sp_state to = state_of(finding);
	struct sp_name name = finding->name;
	char file[SP_NAME_MAX];
	enum sp_status st;
	int fd;

	if (name.ticket >= SP_COUNT_MAX)
		return sp_err_set(err, SP_BAD, "its tickets are spent");
	name.ticket++;
	if (to == SP_ASSIGNED) {
		to = SP_NEW;
		name.worker[0] = '\0';
	}
	if (sp_state_over_is(to)) {
		/* an outcome not published yet goes by the old name */
		st = sp_outcome_publish(check->spool, &finding->name, err);
		if (st != SP_OK && st != SP_GONE)
			return st;
		(void)snprintf(
		    name.worker, sizeof name.worker, "%s", check->spool->actor);
	}
	sp_name_print(&name, file);
	st = sp_state_open(check->spool, to, &name.id, true, &fd, err);
	if (st != SP_OK)
		return st;
	st = sp_publish(check->spool, fd, file, text, len, 0, err);
	(void)sp_fs_close(fd);
	if (st == SP_OK)
		st = check_fix_aside(check, finding, err);
	if (st == SP_OK)
		(void)snprintf(finding->how, sizeof finding->how,
		    "made anew as %.100s; the old file is in repair/", file);
	return st;
}

/* The order as a file of its own: a copy; the other names stay what they are,
 * here in repair/ or wherever they were planted. */
static enum sp_status
copy_out(struct check *check, struct finding *finding, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 2);
	enum sp_status st;
	struct stat stat;
	int fd;

	st = check_open(check, finding->dir, finding->sub, &fd, err);
	if (st != SP_OK)
		return st;
	st = sp_read(fd, finding->file,
	    finding->name.bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, &text, &stat,
	    err);
	(void)sp_fs_close(fd);
	if (st == SP_OK)
		st = renew(check, finding, sp_buf_text(&text), text.len, err);
	sp_buf_clear(&text);
	return st;
}

static enum sp_status
fix_links(struct check *check, struct finding *finding, struct sp_err *err)
{
	const struct entry *order = check_order(check, &finding->name.id);
	struct finding other;
	enum sp_status st;
	char file[SP_NAME_MAX];

	if (order == NULL)
		return check_fix_aside(check, finding, err);
	sp_name_print(&order->name, file);
	if (state_of(finding) == order->state &&
	    strcmp(file, finding->file) == 0)
		return copy_out(check, finding, err);
	/* the name too many goes; the one that stays becomes its own file,
	 * unless it is over: then nobody starts it */
	st = check_fix_aside(check, finding, err);
	if (st != SP_OK || sp_state_over_is(order->state))
		return st;
	memset(&other, 0, sizeof other);
	other.dir = (enum sp_dir)(int)order->state;
	other.name = order->name;
	(void)snprintf(other.file, sizeof other.file, "%s", file);
	return copy_out(check, &other, err);
}

static enum sp_status
fix_count(struct check *check, struct finding *finding, struct sp_err *err)
{
	struct sp_name name = finding->name;
	enum sp_status st;

	if (finding->dir == SP_DIR_ASSIGNED || name.attempt >= SP_COUNT_MAX)
		return sp_err_set(
		    err, SP_BAD, "left as it is while its worker has it");
	name.ticket = name.attempt + 1;
	if (sp_state_over_is(state_of(finding))) {
		st = sp_outcome_publish(check->spool, &finding->name, err);
		if (st != SP_OK && st != SP_GONE)
			return st;
	}
	return check_fix_rename(check, finding, state_of(finding), &name, err);
}

static enum sp_status
fix_text(struct check *check, struct finding *finding, struct sp_err *err)
{
	static const char lost[] =
	    "{\"lost\": \"the text of this job could not be read; what was "
	    "left of it is in repair/\"}\n";
	const struct sp_spool *spool = check->spool;

	switch (finding->dir) {
	case SP_DIR_NEW:
		(void)snprintf(
		    finding->how, sizeof finding->how, "moved to bad/");
		return sp_set_bad(spool, spool->dir[SP_DIR_NEW], finding->file,
		    finding->words, err);
	case SP_DIR_WAITING:
		(void)snprintf(finding->how, sizeof finding->how,
		    "ended with status %d", SP_ST_INVALID);
		return sp_end(spool, SP_WAITING, &finding->name, SP_ST_INVALID,
		    false, finding->words, err);
	default:
		return renew(check, finding, lost, sizeof lost - 1, err);
	}
}

/* ---- beside the orders ---- */

static enum sp_status
fix_why(struct check *check, struct finding *finding, struct sp_err *err)
{
	(void)snprintf(finding->how, sizeof finding->how,
	    "wrote bad/%.120s.why", finding->file);
	return sp_bad_explain(check->spool, err);
}

static enum sp_status
fix_mark(struct check *check, struct finding *finding, struct sp_err *err)
{
	(void)snprintf(finding->how, sizeof finding->how, "removed");
	return sp_mark_remove(check->spool, finding->dir, finding->file, err);
}

/* The stage of a bundle may hold jobs that were accepted. */
static enum sp_status
fix_tmp(struct check *check, struct finding *finding, struct sp_err *err)
{
	enum sp_status st;
	struct stat stat;

	if ((st = sp_bundle_recover(check->spool, err)) != SP_OK)
		return st;
	if (sp_fs_lstat(check->spool->dir[SP_DIR_TMP], finding->file, &stat) ==
	    -1) {
		(void)snprintf(finding->how, sizeof finding->how,
		    "a bundle that was cut short: finished");
		return SP_OK;
	}
	return check_fix_aside(check, finding, err);
}

/* Into its own DAY, if there is nothing yet. */
static enum sp_status
fix_runs(struct check *check, struct finding *finding, struct sp_err *err)
{
	char day[SP_DAY_LEN + 1];
	enum sp_status st;
	int fromfd, tofd, runs = check->spool->dir[SP_DIR_RUNS];
	size_t n;

	sp_id_day(&finding->name.id, day);
	if (strcmp(day, finding->sub) == 0 ||
	    check_entries(check, &finding->name.id, &n) == NULL ||
	    sp_make_dir(runs, day, NULL) != SP_OK ||
	    sp_open_dir(runs, day, &tofd, NULL) != SP_OK)
		return check_fix_aside(check, finding, err);
	st = check_open(check, SP_DIR_RUNS, finding->sub, &fromfd, err);
	if (st == SP_OK) {
		st = sp_move_file(
		    fromfd, finding->file, tofd, finding->file, false, err);
		(void)sp_fs_close(fromfd);
	}
	(void)sp_fs_close(tofd);
	if (st != SP_OK && st != SP_GONE) {
		sp_err_clear(err);
		return check_fix_aside(check, finding, err);
	}
	(void)snprintf(
	    finding->how, sizeof finding->how, "moved to runs/%s/", day);
	return st;
}

/* ---- all ---- */

static fix_fn *const fixes[CHECK_KINDS] = {
	[CHECK_NAME] = fix_name,
	[CHECK_PLAIN] = fix_plain,
	[CHECK_PLACE] = fix_place,
	[CHECK_LINKS] = fix_links,
	[CHECK_TWICE] = check_fix_aside,
	[CHECK_COUNT] = fix_count,
	[CHECK_TEXT] = fix_text,
	[CHECK_OWNER] = check_fix_owner,
	[CHECK_OUTCOME] = check_fix_outcome,
	[CHECK_TORN] = check_fix_aside,
	[CHECK_VERDICT] = check_fix_verdict,
	[CHECK_ORPHAN] = check_fix_orphan,
	[CHECK_WHY] = fix_why,
	[CHECK_MARK] = fix_mark,
	[CHECK_TMP] = fix_tmp,
	[CHECK_RUNS] = fix_runs,
	[CHECK_STRAY] = check_fix_aside,
	[CHECK_BLOB] = check_fix_blob,
};

void
check_fix(struct check *check, struct finding *finding)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (fixes[finding->kind] == NULL)
		return;
	st = fixes[finding->kind](check, finding, &err);
	if (st == SP_GONE || st == SP_LOST) {
		(void)snprintf(
		    finding->how, sizeof finding->how, "it is no longer there");
		st = SP_OK;
	}
	finding->mended = st == SP_OK;
	if (st != SP_OK)
		(void)snprintf(finding->how, sizeof finding->how, "%.150s",
		    err.text[0] != '\0' ? err.text : sp_status_text(st));
}
