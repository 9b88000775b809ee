/*
 * sftpop.c - groups of operations on an SFTP server: each is a few requests
 * that depend on each other, and the group takes them in rounds, one wait for
 * the first requests of all, one for the second, ...; so a group costs as many
 * round trips as its longest member.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "transport/sftpop.h"

#define AT_ONCE 64 /* operations of a group */
void
op_end(struct work *w, int rc)
{
	w->over = true;
	w->rc = rc == -EREMOTEIO ? -EIO : rc;
}

/* ---- asking ---- */

struct sftp_call *
op_begin(struct work *w, enum sftp_type type)
{
	struct sftp_call *c = &w->call[w->n];

	sftp_call_init(c, type);
	return c;
}

struct sftp_call *
op_begin_extended(struct work *w, const char *name)
{
	struct sftp_call *c = op_begin(w, SFTP_EXTENDED);

	sftp_pack_text(&c->packet, name);
	return c;
}

void
op_go(struct work *w, struct sftp_call *c, unsigned number)
{
	int rc = sftp_send(w->fs->link, c, number);

	if (rc == 0) {
		w->n++;
	} else {
		sftp_call_clear(c);
		op_end(w, rc);
	}
}

void
op_ask_path(struct work *w, enum sftp_type type, const char *path)
{
	struct sftp_call *c = op_begin(w, type);

	sftp_pack_path(w->fs, &c->packet, path);
	op_go(w, c, 0);
}

void
op_ask_open(struct work *w, const char *path, uint32_t flags)
{
	struct sftp_call *c = op_begin(w, SFTP_OPEN);

	sftp_pack_path(w->fs, &c->packet, path);
	sftp_pack_u32(&c->packet, flags);
	sftp_pack_u32(&c->packet, 0);
	op_go(w, c, 0);
}

void
op_ask_file(struct work *w, enum sftp_type type)
{
	struct sftp_call *c = op_begin(w, type);

	sftp_pack_handle(&c->packet, &w->file);
	op_go(w, c, w->file.number);
}

void
op_ask_sync(struct work *w)
{
	struct sftp_call *c = op_begin_extended(w, "fsync@openssh.com");

	sftp_pack_handle(&c->packet, &w->file);
	op_go(w, c, w->file.number);
}

bool
op_opened(struct work *w)
{
	int rc = sftp_said_handle(w->fs, &w->call[0], &w->file);

	w->open = rc == 0;
	if (rc != 0)
		op_end(w, rc);
	return rc == 0;
}

/* ---- one name ---- */

static void
lstat_said(struct work *w)
{
	struct stat st;
	int rc = sftp_said_attrs(w->fs, &w->call[0], &st);

	if (rc == 0) {
		*w->op->st = st;
		if (S_ISREG(st.st_mode))
			sftp_seen(w->fs, w->op->full);
	}
	op_end(w, rc);
}

static void
lstat_start(struct work *w)
{
	w->step = lstat_said;
	op_ask_path(w, SFTP_LSTAT, w->op->full);
}

void
op_plain_said(struct work *w)
{
	op_end(w, sftp_said(w->fs, &w->call[0]));
}

static void
unlink_start(struct work *w)
{
	sftp_seen_not(w->fs, w->op->full);
	w->step = op_plain_said;
	op_ask_path(w, SFTP_REMOVE, w->op->full);
}

static void
rmdir_said(struct work *w)
{
	int rc = sftp_said(w->fs, &w->call[0]);

	op_end(w, rc == -EREMOTEIO ? -ENOTEMPTY : rc);
}

static void
rmdir_start(struct work *w)
{
	w->step = rmdir_said;
	op_ask_path(w, SFTP_RMDIR, w->op->full);
}

/* "Failure", and then a look whether the name is there. */
static void
there_said(struct work *w)
{
	struct stat st;
	int rc = sftp_said_attrs(w->fs, &w->call[0], &st);

	op_end(w, rc == 0 ? -EEXIST : rc == -ENOENT ? -EIO : rc);
}

void
op_made_said(struct work *w)
{
	int rc = sftp_said(w->fs, &w->call[0]);

	if (rc != -EREMOTEIO) {
		op_end(w, rc);
		return;
	}
	w->n = 0;
	sftp_call_clear(&w->call[0]);
	w->step = there_said;
	op_ask_path(w, SFTP_LSTAT,
	    w->op->full_to != NULL ? w->op->full_to : w->op->full);
}

static void
mkdir_start(struct work *w)
{
	struct sftp_call *c = op_begin(w, SFTP_MKDIR);

	sftp_pack_path(w->fs, &c->packet, w->op->full);
	sftp_pack_u32(&c->packet, 0);
	w->step = op_made_said;
	op_go(w, c, 0);
}

/* ---- two names ---- */

static void
link_start(struct work *w)
{
	struct sftp_call *c;

	if (!w->now.has.hardlink) {
		op_end(w, w->now.number == 0 ? -EHOSTDOWN : -ENOTSUP);
		return;
	}
	c = op_begin_extended(w, "hardlink@openssh.com");
	sftp_pack_path(w->fs, &c->packet, w->op->full);
	sftp_pack_path(w->fs, &c->packet, w->op->full_to);
	w->step = op_made_said;
	op_go(w, c, 0);
}

/* SSH_FXP_RENAME over an older file: that goes first.  Never when it might be
 * the very file that is on its way there: two names, one half done. */
static void
older_gone(struct work *w)
{
	struct sftp_call *c;

	w->n = 0;
	sftp_call_clear(&w->call[0]);
	c = op_begin(w, SFTP_RENAME);
	sftp_pack_path(w->fs, &c->packet, w->op->full);
	sftp_pack_path(w->fs, &c->packet, w->op->full_to);
	w->step = op_plain_said;
	op_go(w, c, 0);
}

static void
rename_said(struct work *w)
{
	struct sp_fs_op look = { .what = SP_FS_LINKS, .full = w->op->full_to };
	int rc = sftp_said(w->fs, &w->call[0]);
	struct stat st;

	if (rc == 0)
		sftp_seen_not(w->fs, w->op->full);
	if (rc != -EREMOTEIO || w->now.has.posix_rename) {
		op_end(w, rc);
		return;
	}
	look.st = &st;
	sftp_many(w->fs, &look, 1);
	if (look.error != 0 || st.st_nlink != 1) {
		op_end(w, look.error == 0 ? -EBUSY : -EIO);
		return;
	}
	w->n = 0;
	sftp_call_clear(&w->call[0]);
	w->step = older_gone;
	op_ask_path(w, SFTP_REMOVE, w->op->full_to);
}

static void
rename_start(struct work *w)
{
	bool beside = w->op->flags == RENAME_NOREPLACE && !w->now.has.hardlink;
	struct sftp_call *c;

	/* Whoever can link does it by link and unlink, and finishes what he
	 * finds half done; else the server does that for us. */
	if (w->op->flags != 0 && !beside) {
		op_end(w, -EINVAL);
		return;
	}
	c = w->now.has.posix_rename && !beside
	    ? op_begin_extended(w, "posix-rename@openssh.com")
	    : op_begin(w, SFTP_RENAME);
	sftp_pack_path(w->fs, &c->packet, w->op->full);
	sftp_pack_path(w->fs, &c->packet, w->op->full_to);
	/* What comes behind in the same group may open it. */
	if (!beside && sftp_seen_is(w->fs, w->op->full))
		sftp_seen(w->fs, w->op->full_to);
	else
		sftp_seen_not(w->fs, w->op->full_to);
	w->step = beside ? op_made_said : rename_said;
	op_go(w, c, 0);
}

/* ---- rounds ---- */

static void (*const starts[])(struct work *) = {
	[SP_FS_RENAME] = rename_start,
	[SP_FS_LINK] = link_start,
	[SP_FS_UNLINK] = unlink_start,
	[SP_FS_RMDIR] = rmdir_start,
	[SP_FS_MKDIR] = mkdir_start,
	[SP_FS_LSTAT] = lstat_start,
	[SP_FS_LINKS] = op_links_start,
	[SP_FS_SYNC] = op_sync_start,
	[SP_FS_LIST] = op_list_start,
	[SP_FS_GET] = op_get_start,
	[SP_FS_PUT] = op_put_start,
	[SP_FS_WRITE] = op_write_start,
};

/* The answers to what was asked; then the next step.  false: it is over. */
static bool
step(struct work *w)
{
	unsigned i;
	int rc = 0, was;

	for (i = 0; i < w->n; i++)
		if ((was = sftp_wait(w->fs->link, &w->call[i])) != 0)
			rc = was;
	if (rc != 0)
		op_end(w, rc);
	if (!w->over)
		w->step(w);
	if (!w->over)
		return true;
	/* A step that failed in its middle has asked something, too. */
	for (i = 0; i < w->n; i++) {
		(void)sftp_wait(w->fs->link, &w->call[i]);
		sftp_call_clear(&w->call[i]);
	}
	w->n = 0;
	if (w->open)
		sftp_drop(w->fs, &w->file);
	w->op->error = -w->rc;
	w->op = NULL;
	return false;
}

static void
group(struct sftp_fs *f, struct sp_fs_op *ops, struct work *work, size_t n)
{
	struct sftp_now now = sftp_now(f->link);
	size_t i, left = n;

	for (i = 0; i < n; i++) {
		struct work *w = &work[i];

		(void)memset(w, 0, sizeof *w);
		w->fs = f;
		w->op = &ops[i];
		w->now = now;
		if (now.number == 0)
			op_end(w, -EHOSTDOWN);
		else
			starts[ops[i].what](w);
	}
	while (left > 0)
		for (i = 0, left = 0; i < n; i++)
			left += work[i].op != NULL && step(&work[i]);
}

void
sftp_many(void *tree, struct sp_fs_op *ops, size_t n)
{
	size_t most = n < AT_ONCE ? n : AT_ONCE, i, part;
	struct work *work = malloc((most == 0 ? 1 : most) * sizeof *work);

	for (i = 0; i < n; i += part) {
		part = n - i < AT_ONCE ? n - i : AT_ONCE;
		if (work != NULL)
			group(tree, ops + i, work, part);
		else
			for (size_t k = 0; k < part; k++)
				ops[i + k].error = ENOMEM;
	}
	free(work);
}
