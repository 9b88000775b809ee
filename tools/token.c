/*
 * token.c - spool token: who may ask spool-httpd(8) for what.  The file has
 * hashes; a token itself is printed once, when it is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/token.h"
#include "tools/spool.h"

/* The file, and its directory, locked: two of us must not both add to what was
 * before. */
struct book {
	int dir;
	char name[256];
	struct sp_tokens tokens;
};

static void
book_close(struct book *b)
{
	sp_tokens_clear(&b->tokens);
	if (b->dir != -1)
		(void)close(b->dir);
}

static enum sp_status
book_open(
    struct tool *tool, const char *file, struct book *b, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_TOKENS_MAX);
	const char *slash = file == NULL ? NULL : strrchr(file, '/');
	char dir[PATH_MAX] = ".";
	struct sp_err why = { "" };
	enum sp_status st;
	struct stat is;

	memset(b, 0, sizeof *b);
	b->dir = -1;
	if (sp_fs_far(tool->spool.root))
		return sp_err_set(err, SP_BAD,
		    "tokens are made on the spool's own host: run it there");
	(void)snprintf(b->name, sizeof b->name, "%s",
	    file == NULL        ? SP_TOKEN_FILE
		: slash == NULL ? file
				: slash + 1);
	if (file == NULL)
		(void)snprintf(dir, sizeof dir, "%s", tool->spool.path);
	else if (slash != NULL)
		(void)snprintf(
		    dir, sizeof dir, "%.*s", (int)(slash - file + 1), file);
	b->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir == -1 || flock(b->dir, LOCK_EX) == -1)
		return sp_err_sys(err, "open %s", dir);
	st = sp_read(b->dir, b->name, SP_TOKENS_MAX, &text, &is, &why);
	if (st == SP_OK)
		st = sp_tokens_parse(text.data, text.len, &b->tokens, &why);
	sp_buf_clear(&text);
	return st == SP_OK || st == SP_GONE
	    ? SP_OK
	    : sp_err_set(err, st, "%s: %s", b->name, why.text);
}

/* Whole or not at all; readable by the owner of the spool, whose server it is.
 */
static enum sp_status
book_write(struct tool *tool, const struct book *b, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_TOKENS_MAX);
	char tmp[300];
	enum sp_status st;
	struct stat owner;
	size_t i;
	int fd;

	for (i = 0; i < b->tokens.n; i++)
		sp_token_print(&b->tokens.at[i], &text);
	(void)snprintf(tmp, sizeof tmp, ".%s.%08x", b->name, sp_dice());
	fd = openat(b->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		sp_buf_clear(&text);
		return sp_err_sys(err, "create %s", tmp);
	}
	if (geteuid() == 0 && fstat(tool->spool.root, &owner) == 0 &&
	    fchown(fd, owner.st_uid, owner.st_gid) == -1)
		complain("%s stays root's: %s", b->name, strerror(errno));
	st = text.failed
	    ? sp_err_set(err, SP_BAD, "too many tokens for one file")
	    : sp_write_all(fd, text.data, text.len);
	if (st == SP_OK)
		st = sp_sync(fd, tmp, err);
	(void)close(fd);
	sp_buf_clear(&text);
	if (st == SP_OK)
		st = sp_move_file(b->dir, tmp, b->dir, b->name, true, err);
	if (st == SP_OK)
		return sp_sync(b->dir, b->name, err);
	(void)unlinkat(b->dir, tmp, 0);
	return sp_err_set(err, st, "write %s", b->name);
}

/* ---- add, ls, revoke ---- */

static enum sp_status
token_add(struct tool *tool, struct book *b, const struct sp_token *asked,
    struct sp_err *err)
{
	char text[SP_TOKEN_LEN + 1];
	struct sp_token *more;
	enum sp_status st;

	more = realloc(b->tokens.at, (b->tokens.n + 1) * sizeof *more);
	if (more == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	b->tokens.at = more;
	more[b->tokens.n] = *asked;
	if (!sp_token_make(&more[b->tokens.n], text))
		return sp_err_set(err, SP_RETRY, "no random bytes");
	b->tokens.n++;
	if ((st = book_write(tool, b, err)) == SP_OK)
		(void)puts(text);
	explicit_bzero(text, sizeof text);
	return st;
}

static void
token_ls(const struct book *b)
{
	const struct sp_token *t;
	char when[32], words[64];
	struct tm tm;
	time_t made;
	size_t i, k, n;

	for (i = 0; i < b->tokens.n; i++) {
		t = &b->tokens.at[i];
		for (k = n = 0; k < SP_ROLES; k++)
			if ((t->roles & 1u << k) != 0)
				n += (size_t)snprintf(words + n,
				    sizeof words - n, "%s%s", n == 0 ? "" : ",",
				    sp_role_text((enum sp_role)(1u << k)));
		made = (time_t)(t->made / 1000);
		(void)gmtime_r(&made, &tm);
		(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
		(void)printf("%s  %s  %-16s %s%s%s\n", t->id, when, words,
		    t->worker[0] == '\0' ? "-" : t->worker,
		    t->note[0] == '\0' ? "" : "  ", t->note);
	}
}

static enum sp_status
token_revoke(
    struct tool *tool, struct book *b, int n, char **ids, struct sp_err *err)
{
	size_t k;
	int i;

	for (i = 0; i < n; i++) {
		for (k = 0; k < b->tokens.n; k++)
			if (strcmp(b->tokens.at[k].id, ids[i]) == 0)
				break;
		if (k == b->tokens.n)
			return sp_err_set(
			    err, SP_GONE, "there is no token %s", ids[i]);
		b->tokens.n--;
		memmove(&b->tokens.at[k], &b->tokens.at[k + 1],
		    (b->tokens.n - k) * sizeof *b->tokens.at);
	}
	return book_write(tool, b, err);
}

/* ---- the verb ---- */

struct ask {
	const char *file, *what;
	struct sp_token token;
	bool given; /* options that belong to `add` */
};

static bool
option(struct ask *k, int c)
{
	switch (c) {
	case 'f':
		k->file = optarg;
		return true;
	case 'r':
		k->token.roles = sp_roles_parse(optarg);
		if (k->token.roles == 0)
			complain("--role: found '%s', expected submit, work, "
				 "read, admin, or several with commas",
			    optarg);
		break;
	case 'w':
		if (optarg[0] == '\0' || strlen(optarg) > SP_BASE_MAX ||
		    optarg[strspn(optarg, SP_WORD)] != '\0') {
			complain("--worker: found '%s', expected the NAME of "
				 "a worker",
			    optarg);
			return false;
		}
		(void)strcpy(k->token.worker, optarg);
		break;
	case 'n':
		(void)snprintf(
		    k->token.note, sizeof k->token.note, "%s", optarg);
		break;
	default:
		(void)usage_wrong();
		return false;
	}
	k->given = true;
	return k->token.roles != 0;
}

static int
token_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "role", required_argument, NULL, 'r' },
		{ "worker", required_argument, NULL, 'w' },
		{ "note", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	struct ask k = { .token.roles = SP_ROLE_READ };
	struct sp_err err = { "" };
	enum sp_status st;
	struct book b;
	int c, n;
	bool add, ls;

	while ((c = getopt_long(argc, argv, "f:r:w:n:", longs, NULL)) != -1)
		if (!option(&k, c))
			return ANSWER_WRONG;
	n = argc - optind;
	k.what = n > 0 ? argv[optind] : "";
	add = strcmp(k.what, "add") == 0 && n == 1;
	ls = strcmp(k.what, "ls") == 0 && n == 1 && !k.given;
	if (!add && !ls && (strcmp(k.what, "revoke") != 0 || n < 2 || k.given))
		return usage_wrong();
	st = book_open(tool, k.file, &b, &err);
	if (st == SP_OK && add)
		st = token_add(tool, &b, &k.token, &err);
	else if (st == SP_OK && ls)
		token_ls(&b);
	else if (st == SP_OK)
		st = token_revoke(tool, &b, n - 1, argv + optind + 1, &err);
	book_close(&b);
	return complain_of(st, &err, NULL);
}

const struct verb verb_token = {
	.name = "token",
	.usage =
	    "[--role R[,R...]] [--worker NAME] [--note TEXT] [--file FILE]\n"
	    "             add | ls | revoke ID ...",
	.help = "who may ask spool-httpd for what",
	.page = "add prints the token, once: only its hash is kept.  Roles: "
		"submit, work, read\n(the default), admin.  With --worker it "
		"acts for workers of that NAME only.\nThe server sees a change "
		"of the file at once or nearly so.\n\n"
		"  spool token --role work --worker gpu07 add > gpu07.token\n"
		"  spool token revoke 5e0b1c2d\n",
	.files = "run it where they are",
	.run = token_run,
};
