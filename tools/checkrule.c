/*
 * checkrule.c - what must hold between orders and outcomes: one entry an
 * order, an outcome when it is over and only then, a text that is a job's, a
 * worker that exists.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tools/check.h"

static int64_t
ms(double seconds)
{
	return (int64_t)(seconds * 1000);
}

static void
file_of(const struct entry *entry, char file_out[SP_NAME_MAX])
{
	sp_name_print(&entry->name, file_out);
}

/* ---- one entry an order ---- */

static bool
twin_is(const struct entry *a, const struct entry *b)
{
	return a->ino != 0 && a->dev == b->dev && a->ino == b->ino;
}

/* All entries of one id; the first is the one to believe in. */
static void
rule_once(struct check *check, const struct entry *entry, size_t n)
{
	char file[SP_NAME_MAX], first[SP_NAME_MAX];
	size_t i;

	file_of(&entry[0], first);
	for (i = 1; i < n; i++) {
		if (entry[i].odd)
			continue;
		file_of(&entry[i], file);
		if (!twin_is(&entry[0], &entry[i])) {
			(void)check_say(check, CHECK_TWICE,
			    (enum sp_dir)(int)entry[i].state, entry[i].day,
			    file, &entry[i].name,
			    "a second entry of the order in %s/",
			    sp_state_text(entry[0].state));
		} else if (check->now - entry[i].changed >=
		    ms(check->spool->policy.half_rename)) {
			(void)check_say(check, CHECK_LINKS,
			    (enum sp_dir)(int)entry[i].state, entry[i].day,
			    file, &entry[i].name,
			    "the same file as in %s/: a rename died half-way",
			    sp_state_text(entry[0].state));
		}
	}
}

/* A second link that no other order has: planted, or left in tmp/ or repair/.
 * Nobody starts such an order.  What is over, or runs, is not hurt by it. */
static void
rule_links(struct check *check, const struct entry *entry, size_t n)
{
	char file[SP_NAME_MAX];
	nlink_t ours = 1;
	size_t i;

	if (entry->links < 2 || entry->odd ||
	    (entry->state != SP_NEW && entry->state != SP_WAITING) ||
	    check->now - entry->changed < ms(check->spool->policy.half_rename))
		return;
	for (i = 1; i < n; i++)
		ours += twin_is(entry, &entry[i]) ? 1 : 0;
	if (ours >= entry->links)
		return;
	file_of(entry, file);
	(void)check_say(check, CHECK_LINKS, (enum sp_dir)(int)entry->state, "",
	    file, &entry->name,
	    "has %u hard links; nobody will start it like that",
	    (unsigned)entry->links);
}

/* ---- its name, its worker ---- */

static void
rule_count(struct check *check, const struct entry *entry)
{
	char file[SP_NAME_MAX];

	if (entry->name.attempt < entry->name.ticket)
		return;
	file_of(entry, file);
	(void)check_say(check, CHECK_COUNT, (enum sp_dir)(int)entry->state,
	    entry->day, file, &entry->name,
	    "%u attempts cannot have been spent with ticket %u",
	    entry->name.attempt, entry->name.ticket);
}

/* No worker without a beat lives longer than a lease. */
static void
rule_owner(struct check *check, const struct entry *entry)
{
	char file[SP_NAME_MAX], beat[SP_WORKER_MAX + 8];

	if (entry->state != SP_ASSIGNED)
		return;
	(void)snprintf(beat, sizeof beat, "%s.json", entry->name.worker);
	if (sp_names_has(&check->workers, beat) ||
	    check->now - entry->changed < ms(check->spool->policy.lease))
		return;
	file_of(entry, file);
	(void)check_say(check, CHECK_OWNER, SP_DIR_ASSIGNED, "", file,
	    &entry->name, "there is no worker %s (no workers/%s)",
	    entry->name.worker, beat);
}

/* ---- its text ---- */

static bool
refused_is(struct check *check, const struct sp_id *id)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	char file[SP_ID_LEN + 8];
	struct stat st;
	int status = 0;

	(void)snprintf(file, sizeof file, "%s.json", id->text);
	if (sp_read(check->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
		&text, &st, NULL) == SP_OK)
		(void)sp_outcome_status(sp_buf_text(&text), text.len, &status);
	sp_buf_clear(&text);
	return status == SP_ST_INVALID;
}

/* Of what runs the worker has its own copy; what was refused for its text may
 * have any. */
static void
rule_text(struct check *check, const struct entry *entry, struct sp_buf *text)
{
	struct json_t *json = NULL;
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;
	int fd;

	if (entry->state == SP_ASSIGNED || entry->name.bundle)
		return;
	if (entry->state == SP_NEW &&
	    check->now - entry->changed < ms(check->spool->policy.settle))
		return; /* somebody may be writing it there */
	if (check_open(check, (enum sp_dir)(int)entry->state, entry->day, &fd,
		NULL) != SP_OK)
		return;
	file_of(entry, file);
	s = sp_read(fd, file, SP_JOB_MAX, text, &st, &err);
	(void)sp_fs_close(fd);
	if (s == SP_OK) {
		s = sp_json_parse(sp_buf_text(text), text->len, &json, &err);
		sp_json_free(json);
	}
	if (s != SP_BAD ||
	    (entry->state == SP_FAILED && refused_is(check, &entry->name.id)))
		return;
	(void)check_say(check, CHECK_TEXT, (enum sp_dir)(int)entry->state,
	    entry->day, file, &entry->name, "its text is no job: %.180s",
	    err.text);
}

/* ---- its outcome ---- */

/* A worker that lives is about to publish what it has just committed. */
static bool
publishing_is(struct check *check, const struct entry *entry)
{
	char provisional[SP_NAME_MAX + 1], beat[SP_WORKER_MAX + 8];

	provisional[0] = '.';
	sp_attempt_print(&entry->name, provisional + 1);
	(void)snprintf(beat, sizeof beat, "%s.json", entry->name.worker);
	return sp_names_has(&check->outcomes, provisional) &&
	    sp_names_has(&check->alive, beat) &&
	    check->now - entry->changed < ms(check->spool->policy.settle);
}

static void
rule_outcome(struct check *check, const struct entry *entry)
{
	char file[SP_NAME_MAX], outcome[SP_ID_LEN + 8];

	(void)snprintf(outcome, sizeof outcome, "%s.json", entry->name.id.text);
	if (!sp_state_over_is(entry->state) ||
	    sp_names_has(&check->outcomes, outcome) ||
	    publishing_is(check, entry))
		return;
	file_of(entry, file);
	(void)check_say(check, CHECK_OUTCOME, (enum sp_dir)(int)entry->state,
	    entry->day, file, &entry->name,
	    "it is over, and there is no outcomes/%s", outcome);
}

/* Does an outcome say itself that it belongs to this commit? */
static bool
same_commit(const struct json_t *json, const struct sp_name *name)
{
	const struct json_t *run = sp_json_get(json, "run");
	const char *worker = sp_json_text(sp_json_get(run, "worker"));

	return worker != NULL && strcmp(worker, name->worker) == 0 &&
	    sp_json_int(sp_json_get(run, "ticket"), name->ticket) ==
	    (int64_t)name->ticket;
}

static void
rule_verdict(struct check *check, const char *file, const struct entry *entry,
    const struct sp_buf *text)
{
	struct json_t *json = NULL;
	struct finding *finding;
	int status;

	if (sp_outcome_status(sp_buf_text(text), text->len, &status) != SP_OK ||
	    sp_status_good_is(status) == (entry->state == SP_DONE))
		return;
	finding = check_say(check, CHECK_VERDICT, SP_DIR_OUTCOMES, "", file,
	    &entry->name, "says status %d, and the order stands in %s/", status,
	    sp_state_text(entry->state));
	if (finding == NULL ||
	    sp_json_parse(sp_buf_text(text), text->len, &json, NULL) != SP_OK)
		return;
	finding->status = status;
	finding->mine = same_commit(json, &entry->name);
	sp_json_free(json);
}

/* outcomes/ID.json */
static void
rule_accepted(struct check *check, const char *file, const struct sp_id *id,
    struct sp_buf *text)
{
	const struct entry *entry;
	struct sp_name name = { .id = *id };
	enum sp_status s;
	struct stat st;
	int status;
	size_t n;

	s = sp_read(check->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
	    text, &st, NULL);
	if (s == SP_OK)
		s = sp_outcome_status(sp_buf_text(text), text->len, &status);
	if (s == SP_BAD) {
		(void)check_say(check, CHECK_TORN, SP_DIR_OUTCOMES, "", file,
		    &name, "is no outcome: not a JSON object with a status");
		return;
	}
	entry = check_entries(check, id, &n);
	if (entry == NULL)
		(void)check_say(check, CHECK_ORPHAN, SP_DIR_OUTCOMES, "", file,
		    &name, "an outcome of no order");
	else if (!entry->odd && !sp_state_over_is(entry->state))
		(void)check_say(check, CHECK_ORPHAN, SP_DIR_OUTCOMES, "", file,
		    &name, "an outcome, and the order stands in %s/",
		    sp_state_text(entry->state));
	else if (!entry->odd && s == SP_OK)
		rule_verdict(check, file, entry, text);
}

/* outcomes/.ID.tTaA@W: of a run going on, or of a commit not published (the
 * order's own rule says so); else of nobody. */
static void
rule_provisional(
    struct check *check, const char *file, const struct sp_name *name)
{
	const struct entry *entry;
	char outcome[SP_ID_LEN + 8];
	struct stat st;
	size_t i, n;
	bool published;

	(void)snprintf(outcome, sizeof outcome, "%s.json", name->id.text);
	published = sp_names_has(&check->outcomes, outcome);
	entry = check_entries(check, &name->id, &n);
	for (i = 0; i < n; i++) {
		if (sp_attempt_same(&entry[i].name, name) &&
		    (entry[i].state == SP_ASSIGNED || !published))
			return;
	}
	/* its writer may be about to make that name */
	if (sp_fs_lstat(check->spool->dir[SP_DIR_OUTCOMES], file, &st) == -1 ||
	    check->now - check_ctime(&st) <
		ms(check->spool->policy.half_rename))
		return;
	(void)check_say(check, CHECK_ORPHAN, SP_DIR_OUTCOMES, "", file, name,
	    published ? "a second outcome; another was accepted"
		      : "an outcome of an attempt that was taken away");
}

static void
rule_outcomes(struct check *check, struct sp_buf *text)
{
	char word[SP_ID_LEN + 1];
	struct sp_name name;
	struct sp_id id;
	struct stat st;
	const char *file;
	size_t i;

	for (i = 0; i < check->outcomes.n; i++) {
		file = sp_names_at(&check->outcomes, i);
		if (strcmp(file, ".gitkeep") == 0 ||
		    strncmp(file, ".nfs", 4) == 0)
			continue;
		if (sp_fs_lstat(
			check->spool->dir[SP_DIR_OUTCOMES], file, &st) == -1)
			continue;
		(void)snprintf(word, sizeof word, "%s", file);
		/* What original workers say of orders that nobody knows. */
		if (strcmp(file, "orphans") == 0 && S_ISDIR(st.st_mode))
			continue;
		if (!S_ISREG(st.st_mode))
			(void)check_say(check, CHECK_PLAIN, SP_DIR_OUTCOMES, "",
			    file, NULL, "is no plain file");
		else if (file[0] == '.' &&
		    sp_attempt_parse(file + 1, &name) == SP_OK)
			rule_provisional(check, file, &name);
		else if (strlen(file) == SP_ID_LEN + 5 &&
		    strcmp(file + SP_ID_LEN, ".json") == 0 &&
		    sp_id_parse(word, &id) == SP_OK)
			rule_accepted(check, file, &id, text);
		else
			(void)check_say(check, CHECK_STRAY, SP_DIR_OUTCOMES, "",
			    file, NULL, "is not the name of an outcome");
	}
}

/* ---- all ---- */

void
check_rules(struct check *check)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	const struct entry *entry;
	size_t i, n;

	for (i = 0; i < check->n; i += n) {
		entry = check_entries(check, &check->entry[i].name.id, &n);
		rule_once(check, entry, n);
		rule_links(check, entry, n);
		if (entry->odd)
			continue;
		rule_count(check, entry);
		rule_owner(check, entry);
		rule_text(check, entry, &text);
		rule_outcome(check, entry);
	}
	rule_outcomes(check, &text);
	sp_buf_clear(&text);
}
