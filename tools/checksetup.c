/*
 * checksetup.c - what must be there before a spool can be opened: spool.json
 * and the directories.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incoming.h"
#include "libspool/json.h"
#include "libspool/move.h"
#include "libspool/policy.h"
#include "tools/check.h"
#include "transport/reach.h"

/* spool.json: 0 well, 1 missing, 2 bad, 3 not to be touched. */
static int
look_policy(int root, struct check *check)
{
	struct sp_buf text = SP_BUF_INIT(65536 + 2);
	struct sp_policy policy;
	struct sp_err err = { "" };
	struct json_t *json = NULL;
	struct stat stat;
	enum sp_status st;
	int is = 0;

	st = sp_read(root, "spool.json", 65536, &text, &stat, &err);
	if (st == SP_GONE) {
		(void)check_say(check, CHECK_SETUP, SP_DIRS, "", "spool.json",
		    NULL, "is missing; it says what this spool is");
		is = 1;
	} else if (st != SP_OK ||
	    sp_policy_parse(sp_buf_text(&text), text.len, &policy, &err) !=
		SP_OK) {
		(void)check_say(check, CHECK_SETUP, SP_DIRS, "", "spool.json",
		    NULL, "%.250s",
		    strncmp(err.text, "spool.json: ", 12) == 0 ? err.text + 12
							       : err.text);
		is = st == SP_OK || st == SP_BAD ? 2 : 3;
	}
	if (is == 2 &&
	    sp_json_parse(sp_buf_text(&text), text.len, &json, NULL) == SP_OK &&
	    sp_json_int(sp_json_get(json, "format"), 0) > SP_FORMAT)
		is = 3; /* of a later program: no business of ours */
	sp_json_free(json);
	sp_buf_clear(&text);
	return is;
}

static void
look_dirs(int root, struct check *check)
{
	struct stat st;
	const char *name;
	int i;

	for (i = 0; i <= SP_DIRS; i++) {
		name =
		    i < SP_DIRS ? sp_dir_text((enum sp_dir)i) : "blobs/sha256";
		if (sp_fs_lstat(root, name, &st) == -1)
			(void)check_say(check, CHECK_SETUP, SP_DIRS, "", name,
			    NULL, "the directory is missing");
		else if (!S_ISDIR(st.st_mode))
			(void)check_say(check, CHECK_SETUP, SP_DIRS, "", name,
			    NULL, "is no directory");
	}
}

/* That is a choice; but where it is it must be as it must be. */
static void
look_incoming(int root, struct check *check)
{
	struct sp_err err = { "" };

	if (!sp_fs_far(root) && sp_incoming_look(root, &err) == SP_BAD)
		(void)check_say(check, CHECK_SETUP, SP_DIRS, "", SP_INCOMING,
		    NULL, "%.250s", err.text);
}

/* What stands where something else should is kept, in repair/; or, where
 * repair/ itself should be, beside it. */
static enum sp_status
aside(int root, const char *file, struct sp_err *err)
{
	const char *slash = strrchr(file, '/');
	char to[64];
	enum sp_status st;
	int fd;

	(void)snprintf(to, sizeof to, "%.40s.%08x",
	    slash == NULL ? file : slash + 1, sp_dice());
	if (strcmp(file, "repair") == 0)
		return sp_move_file(root, file, root, to, false, err);
	st = sp_make_dir(root, "repair", err);
	if (st == SP_OK)
		st = sp_open_dir(root, "repair", &fd, err);
	if (st != SP_OK)
		return st;
	st = sp_move_file(root, file, fd, to, false, err);
	(void)sp_fs_close(fd);
	return st;
}

static enum sp_status
dirs_aside(int root, const struct check *check, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	struct stat stat;
	size_t i;

	for (i = 0; i < check->found_n && st == SP_OK; i++) {
		const char *file = check->found[i].file;

		if (strcmp(file, "spool.json") != 0 &&
		    strcmp(file, SP_INCOMING) != 0 &&
		    sp_fs_lstat(root, file, &stat) == 0)
			st = aside(root, file, err);
	}
	return st;
}

/* Make what is missing.  Fills what became of each finding. */
static void
mend_setup(const char *where, int root, int policy, struct check *check)
{
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	size_t i;

	if (policy == 3)
		st = sp_err_set(&err, SP_BAD, "left alone");
	if (st == SP_OK)
		st = dirs_aside(root, check, &err);
	if (st == SP_OK && policy == 2)
		st = aside(root, "spool.json", &err);
	if (st == SP_OK)
		st = sp_spool_make(where, &err);
	if (st == SP_OK && sp_incoming_look(root, NULL) == SP_BAD &&
	    (st = sp_incoming_make(root, &err)) == SP_OK)
		st = sp_incoming_look(root, &err);
	for (i = 0; i < check->found_n; i++) {
		check->found[i].mended = st == SP_OK;
		(void)snprintf(check->found[i].how, sizeof check->found[i].how,
		    "%.150s", st == SP_OK ? "made anew" : err.text);
	}
}

static bool
spool_like(int root)
{
	struct stat st;

	return sp_fs_lstat(root, "spool.json", &st) == 0 ||
	    (sp_fs_lstat(root, "new", &st) == 0 &&
		sp_fs_lstat(root, "outcomes", &st) == 0);
}

/* Is this a spool at all, and can it be opened? */
int
check_open_up(struct checking *c)
{
	const char *where = c->tool->where;
	struct sp_err err = { "" };
	enum sp_status st;
	struct check setup;
	int root, policy, answer = ANSWER_YES;
	size_t i;

	where = where == NULL ? "spool" : where;
	memset(&setup, 0, sizeof setup);
	st = tr_spool_root(where, &root, &err);
	if (st == SP_RETRY)
		return complain_of(st, &err, NULL);
	if (st != SP_OK || !spool_like(root)) {
		complain("%s: there is no spool", where);
		if (st == SP_OK)
			(void)sp_fs_close(root);
		return ANSWER_WRONG;
	}
	if (c->repair && sp_fs_far(root)) {
		complain("%s: a spool is mended where it lies, not from another"
			 " machine",
		    where);
		(void)sp_fs_close(root);
		return ANSWER_WRONG;
	}
	policy = look_policy(root, &setup);
	look_dirs(root, &setup);
	look_incoming(root, &setup);
	if (c->repair && setup.found_n > 0)
		mend_setup(where, root, policy, &setup);
	for (i = 0; i < setup.found_n; i++) {
		check_print(&setup.found[i], c->json);
		c->mended += setup.found[i].mended;
		c->left += !setup.found[i].mended;
	}
	if (c->left > 0 && !c->repair) {
		(void)fputs("not looked any further: the spool has to be whole "
			    "first (--repair)\n",
		    stderr);
		answer = ANSWER_NO;
	} else if (c->left > 0) {
		answer = ANSWER_NO;
	} else {
		c->tool->where = where;
		answer = tool_open(c->tool);
	}
	check_forget(&setup);
	(void)sp_fs_close(root);
	return answer;
}
