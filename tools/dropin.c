/*
 * dropin.c - jobs into incoming/, and their answers.  We own no right there but
 * to make a file and to remove our own: the directory cannot be listed, nor
 * opened, so what is in it is synced by its file alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incoming.h"
#include "libspool/job.h"
#include "libspool/move.h"
#include "tools/dropin.h"

#define LOOK_MS 30

bool
dropin_open(const char *where, struct dropin *drop)
{
	int root;

	(void)memset(drop, 0, sizeof *drop);
	drop->dir = drop->answers = drop->root = -1;
	where = where == NULL ? "spool" : where;
	root = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return false;
	if (faccessat(root, "new", W_OK | X_OK, AT_EACCESS) == -1 &&
	    errno == EACCES &&
	    faccessat(root, SP_INCOMING, W_OK | X_OK, AT_EACCESS) == 0)
		drop->dir = openat(root, SP_INCOMING,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (drop->dir == -1) {
		(void)close(root);
		return false;
	}
	drop->root = root;
	return true;
}

void
dropin_clear(struct dropin *drop)
{
	sp_names_clear(&drop->names);
	if (drop->answers != -1)
		(void)close(drop->answers);
	(void)close(drop->dir);
	(void)close(drop->root);
}

static enum sp_status
write_it(struct dropin *drop, const char *name, const struct sp_buf *text,
    struct sp_err *err)
{
	char tmp[SP_NAME_MAX + 8];
	enum sp_status st;
	int fd;

	(void)snprintf(tmp, sizeof tmp, ".%s", name);
	fd = openat(drop->dir, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return sp_err_sys(err, "create " SP_INCOMING "/%s", tmp);
	/* Who takes it in may be another user; and none but he can write. */
	if (fchmod(fd, 0644) == -1)
		st = sp_err_sys(err, "chmod");
	else if ((st = sp_write_all(fd, text->data, text->len)) != SP_OK)
		(void)sp_err_sys(err, "write " SP_INCOMING "/%s", tmp);
	else
		st = sp_sync(fd, tmp, err);
	if (st == SP_OK)
		st = sp_move_file(drop->dir, tmp, drop->dir, name, true, err);
	if (st == SP_OK) /* and with it the name, as far as we may ask */
		st = sp_sync(fd, name, err);
	(void)close(fd);
	if (st != SP_OK)
		(void)unlinkat(drop->dir, tmp, 0);
	return st;
}

enum sp_status
dropin_put(struct dropin *drop, const char *label, const char *text, size_t len,
    struct sp_err *err)
{
	struct sp_buf out = SP_BUF_INIT(2 * SP_JOB_MAX);
	char name[SP_NAME_MAX], value[SP_LABEL_MAX + 3];
	struct sp_member set = { .key = "name", .value = value };
	enum sp_status st;
	struct sp_job job;

	st = sp_job_parse(text, len, &job, err);
	if (st == SP_OK && job.label[0] == '\0' && *label != '\0' &&
	    sp_label_ok(label)) {
		(void)snprintf(value, sizeof value, "\"%s\"", label);
		sp_job_splice(text, len, &set, 1, &out);
	} else if (st == SP_OK) {
		sp_buf_put(&out, text, len);
	}
	sp_job_clear(&job);
	if (st == SP_OK && out.failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	(void)snprintf(name, sizeof name, "%s-%08x%08x.json",
	    *label == '\0' ? "job" : label, sp_dice(), sp_dice());
	if (st == SP_OK)
		st = write_it(drop, name, &out, err);
	if (st == SP_OK)
		st = sp_names_add(&drop->names, name);
	sp_buf_clear(&out);
	return st;
}

static bool
answer(struct dropin *drop, const char *name, const char *ending,
    struct sp_buf *text)
{
	char path[SP_NAME_MAX + 64];
	struct sp_err err = { "" };
	struct stat st;

	(void)snprintf(path, sizeof path, SP_ANSWERS "/%u/%s%s",
	    (unsigned)geteuid(), name, ending);
	sp_buf_reset(text);
	return sp_read(drop->root, path, 16384, text, &st, &err) == SP_OK;
}

/* The line behind "What is wrong:" or "Why:". */
static void
reason(const struct sp_buf *text, struct sp_err *err)
{
	const char *at = strstr(sp_buf_text(text), ":  ");
	size_t n;

	if (at == NULL)
		return;
	at += strspn(at, ": ");
	n = strcspn(at, "\n");
	(void)sp_err_set(err, SP_BAD, "%.*s", n > 400 ? 400 : (int)n, at);
}

enum sp_status
dropin_ask(struct dropin *drop, size_t i, int64_t until, struct sp_id *id_out,
    struct sp_err *err)
{
	const char *name = sp_names_at(&drop->names, i);
	struct sp_buf text = SP_BUF_INIT(16384);
	enum sp_status st = SP_RETRY;
	struct stat is;

	for (;;) {
		if (answer(drop, name, ".id", &text) &&
		    text.len == SP_ID_LEN + 1) {
			text.data[SP_ID_LEN] = '\0';
			st = sp_id_parse(text.data, id_out);
			break;
		}
		if (answer(drop, name, ".why", &text)) {
			reason(&text, err);
			if (strstr(sp_buf_text(&text), " was not taken.") ==
			    NULL)
				break; /* it waits */
			st = SP_BAD;
			(void)unlinkat(drop->dir, name, 0);
			break;
		}
		if (sp_mono_ms() >= until) {
			(void)sp_err_set(err, st,
			    fstatat(
				drop->dir, name, &is, AT_SYMLINK_NOFOLLOW) == 0
				? "nobody has taken it yet: is spoold running "
				  "there?"
				: "it was taken, and nothing says as what");
			break;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	sp_buf_clear(&text);
	return st;
}
