/*
 * pinplan.c - the code of a job, its script, what goes with it and where git
 * says that it comes from; and its data.  A hundred thousand jobs of one script
 * ask for this once a second, for the files may change while jobs stream in.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/code.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/imports.h"
#include "libspool/json.h"
#include "tools/git.h"
#include "tools/pin.h"

#define FRESH      1000 /* ms */
#define SCRIPT_MAX (8 * 1024 * 1024)

/* ---- git ---- */

static void
print_git(struct pin *pin, const char *where, const struct git *git,
    struct sp_buf *out)
{
	char hex[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	struct sp_jw w;

	sp_jw_init(&w, out);
	sp_jw_open(&w, NULL, '{');
	if (git->commit[0] != '\0')
		sp_jw_text(&w, "commit", git->commit);
	if (git->branch[0] != '\0')
		sp_jw_text(&w, "branch", git->branch);
	sp_jw_bool(&w, "dirty", git->dirty);
	if (git->diff.len > 0) {
		if (sp_blob_text(&pin->tool->spool, git->diff.data,
			git->diff.len, hex, &err) == SP_OK)
			sp_jw_text(&w, "diff", hex);
		else
			pin_warn(pin, where,
			    "the git diff could not be kept: %s", err.text);
		if (git->cut)
			sp_jw_bool(&w, "cut", true);
	}
	sp_jw_close(&w, '}');
}

/* What git says of a work tree, asked once; "": nothing. */
static const char *
of_top(struct pin *pin, const char *where, const char *top)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	struct sp_err err = { "" };
	struct git git;
	size_t i;

	for (i = 0; i < pin->tops.n; i += 2)
		if (strcmp(sp_names_at(&pin->tops, i), top) == 0)
			return sp_names_at(&pin->tops, i + 1);
	if (git_read(top, &git, &err) == SP_OK)
		print_git(pin, where, &git, &text);
	else
		pin_warn(pin, where,
		    "%s is a git repository, but its commit is not kept: %s",
		    top, err.text);
	git_clear(&git);
	if (sp_names_add(&pin->tops, top) != SP_OK ||
	    sp_names_add(&pin->tops, text.failed ? "" : sp_buf_text(&text)) !=
		SP_OK) {
		sp_names_clear(&pin->tops);
		sp_buf_clear(&text);
		return "";
	}
	sp_buf_clear(&text);
	return sp_names_at(&pin->tops, pin->tops.n - 1);
}

/* order.git of a script in this directory; NULL: nothing to say. */
static char *
git_of(struct pin *pin, const char *where, const char *dir, const char *script)
{
	static const char clean[] = "\"dirty\":false";
	char top[4096], *text, *at;
	const char *said;

	if (!git_top(dir, top))
		return NULL;
	said = of_top(pin, where, top);
	if (said[0] == '\0' || (text = strdup(said)) == NULL)
		return NULL;
	/* A commit that has not got the script is no clean one. */
	if ((at = strstr(text, clean)) != NULL && !git_has(dir, script))
		(void)memcpy(at, "\"dirty\":true ", sizeof clean - 1);
	return text;
}

/* ---- code ---- */

/* The directory that order.code names: beside the job, else in scripts/. */
static enum sp_status
open_code(struct pin *pin, const char *code, struct pin_place *place_out,
    struct sp_err *err)
{
	const struct pin_place *from = &pin->beside;
	char path[PATH_MAX], real[PATH_MAX];
	enum sp_status st = SP_GONE;

	(void)snprintf(path, sizeof path, "%.2000s/%.2000s",
	    code[0] == '/' ? "" : from->words, code);
	place_out->links = true;
	place_out->dir = -1;
	if (realpath(path, real) != NULL)
		place_out->dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place_out->dir != -1) {
		st = SP_OK;
	} else if (sp_file_ok(code)) {
		from = &pin->scripts;
		place_out->links = false;
		(void)snprintf(
		    real, sizeof real, "%.3000s/%s", from->path, code);
		(void)snprintf(path, sizeof path, "%s", real);
		st = sp_open_dir(from->dir, code, &place_out->dir, NULL);
	}
	if (st != SP_OK)
		return sp_err_set(err, SP_BAD,
		    "order.code: there is no directory %.200s beside the job, "
		    "nor in the spool's scripts/",
		    code);
	(void)snprintf(place_out->path, sizeof place_out->path, "%s", real);
	(void)snprintf(place_out->words, sizeof place_out->words, "%s", path);
	return SP_OK;
}

/* Does Python run it? */
static bool
python_is(const char *name, const struct sp_buf *text)
{
	const char *at = sp_buf_text(text);
	size_t line = strcspn(at, "\n");

	if (sp_python_is(name))
		return true;
	return strncmp(at, "#!", 2) == 0 &&
	    memmem(at, line, "python", 6) != NULL;
}

static enum sp_status
put_siblings(struct sp_code *code, const char *script, int fd, off_t size,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SCRIPT_MAX + 2);
	enum sp_status st = SP_OK;

	if (size <= SCRIPT_MAX && sp_fs_seek(fd, 0) == 0) {
		st = sp_read_fd(
		    fd, script, SCRIPT_MAX, (size_t)size, &text, err);
		if (st == SP_OK && python_is(script, &text))
			st = sp_code_siblings(
			    code, sp_buf_text(&text), text.len, err);
	}
	sp_buf_clear(&text);
	return st;
}

/* Script and code from this place. */
static enum sp_status
make(struct pin *pin, const char *where, const struct pin_place *place,
    const struct pin_wish *wish, int fd, const struct stat *st,
    struct pin_plan *plan, struct sp_err *err)
{
	const char *script = wish->script;
	bool tree = wish->code != NULL;
	struct sp_err why = { "" };
	struct sp_code code;
	enum sp_status s;

	s = pin_put(pin, fd, st, plan->hex, &why);
	if (s != SP_OK)
		return sp_err_set(
		    err, s, "%.200s/%s: %s", place->words, script, why.text);
	if (!tree)
		pin_compare(
		    pin, where, place, &pin->scripts, script, st, plan->hex);
	sp_code_init(
	    &code, &pin->tool->spool, place->dir, place->words, place->links);
	code.put = pin_put;
	code.put_arg = pin;
	code.skip = wish->data;
	s = tree ? sp_code_tree(&code, err)
		 : put_siblings(&code, script, fd, st->st_size, err);
	plan->code[0] = '\0';
	if (s == SP_OK && code.names.n > 0)
		s = sp_code_put(&code, plan->code, err);
	sp_code_clear(&code);
	free(plan->git);
	plan->git = NULL;
	if (s == SP_OK && place->links)
		plan->git = git_of(pin, where, place->path, script);
	return s;
}

static enum sp_status
renew(struct pin *pin, const char *where, const struct pin_wish *wish,
    struct pin_plan *plan, struct sp_err *err)
{
	const char *script = wish->script, *code = wish->code;
	const struct pin_place *place;
	struct pin_place own;
	enum sp_status s;
	struct stat st;
	int fd;

	if (code == NULL) {
		s = pin_find(pin, &pin->scripts, script, &place, &fd, &st, err);
		if (s != SP_OK)
			return s;
		s = make(pin, where, place, wish, fd, &st, plan, err);
		(void)sp_fs_close(fd);
		return s;
	}
	if ((s = open_code(pin, code, &own, err)) != SP_OK)
		return s;
	s = own.links ? sp_open_inside(own.dir, script, 0, &fd, &st, NULL)
		      : sp_open(own.dir, script, 0, &fd, &st, NULL);
	if (s == SP_OK) {
		s = make(pin, where, &own, wish, fd, &st, plan, err);
		(void)sp_fs_close(fd);
	} else {
		s = sp_err_set(err, SP_BAD,
		    "order.code: there is no file %s at the top of %.200s",
		    script, own.words);
	}
	(void)sp_fs_close(own.dir);
	return s;
}

/* ---- data ---- */

static enum sp_status
renew_data(struct pin *pin, const char *where, const char *data,
    struct pin_plan *plan, struct sp_err *err)
{
	const struct pin_place *place;
	struct sp_err why = { "" };
	enum sp_status s;
	struct stat st;
	int fd;

	s = pin_find(pin, &pin->data, data, &place, &fd, &st, err);
	if (s != SP_OK)
		return s;
	s = pin_put(pin, fd, &st, plan->hex, &why);
	(void)sp_fs_close(fd);
	if (s != SP_OK)
		return sp_err_set(
		    err, s, "%.200s/%s: %s", place->words, data, why.text);
	pin_compare(pin, where, place, &pin->data, data, &st, plan->hex);
	return SP_OK;
}

/* ---- remembering ---- */

/* The plan of this key, an old one or a new one; NULL: no memory. */
static struct pin_plan *
find(struct pin *pin, const struct pin_wish *wish)
{
	struct sp_buf key = SP_BUF_INIT(64 * 1024);
	struct pin_plan *more;
	size_t i, cap;

	sp_buf_printf(&key, "%s\n%s\n%s\n%s", pin->beside.path,
	    wish->script == NULL ? "" : wish->script,
	    wish->code == NULL ? "" : wish->code,
	    wish->data == NULL ? "" : wish->data);
	for (i = 0; i < pin->plan_n; i++)
		if (strcmp(pin->plan[i].key, sp_buf_text(&key)) == 0) {
			sp_buf_clear(&key);
			return &pin->plan[i];
		}
	if (i == pin->plan_cap) {
		cap = i == 0 ? 16 : 2 * i;
		if ((more = realloc(pin->plan, cap * sizeof *more)) != NULL) {
			pin->plan = more;
			pin->plan_cap = cap;
		}
	}
	if (key.failed || i == pin->plan_cap) {
		sp_buf_clear(&key);
		return NULL;
	}
	pin->plan[i] = (struct pin_plan){ .key = key.data };
	pin->plan_n++;
	return &pin->plan[i];
}

/* Believed for a while.  What is not there neither: the next line asks for the
 * same, and a file that comes between two lines of one text belongs to neither.
 */
static enum sp_status
keep(struct pin_plan *plan, enum sp_status st)
{
	plan->st = st;
	plan->until = st == SP_OK || st == SP_GONE || st == SP_LOST
	    ? sp_mono_ms() + FRESH
	    : 0;
	return st;
}

void
pin_forget(struct pin *pin)
{
	size_t i;

	for (i = 0; i < pin->plan_n; i++)
		if (pin->plan[i].st != SP_OK)
			pin->plan[i].until = 0;
}

enum sp_status
pin_plan(struct pin *pin, const char *where, const struct pin_wish *wish,
    const struct pin_plan **plan_out, struct sp_err *err)
{
	struct pin_plan *plan = find(pin, wish);

	if ((*plan_out = plan) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if (plan->until != 0 && sp_mono_ms() < plan->until)
		return plan->st;
	return keep(plan, renew(pin, where, wish, plan, err));
}

enum sp_status
pin_plan_data(struct pin *pin, const char *where, const char *data,
    const struct pin_plan **plan_out, struct sp_err *err)
{
	const struct pin_wish wish = { .data = data };
	struct pin_plan *plan = find(pin, &wish);

	if ((*plan_out = plan) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if (plan->until != 0 && sp_mono_ms() < plan->until)
		return plan->st;
	return keep(plan, renew_data(pin, where, data, plan, err));
}
