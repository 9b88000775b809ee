/*
 * sftpopdir.c - operations on directories: fsync, listings, and how many links
 * a name has, which the listing alone tells.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/sftpop.h"

static void
sync_opened(struct work *w)
{
	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->step = op_plain_said;
	op_ask_sync(w);
}

void
op_sync_start(struct work *w)
{
	if (!w->now.has.fsync || (!w->now.durable && w->now.number != 0)) {
		op_end(w, w->now.number == 0 ? -EHOSTDOWN : -ENOTSUP);
		return;
	}
	w->step = sync_opened;
	op_ask_open(w, w->op->full, SFTP_F_READ);
}

/* How many links a name has stands in the listing alone. */
static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* 1: not here, go on. */
static int
links_in(struct work *w, struct sftp_call *c)
{
	char name[NAME_MAX + 1];
	struct stat st;
	uint32_t n;

	if (c->type == SFTP_STATUS) {
		struct sftp_in in = c->in;

		if (sftp_u32(&in) == SFTP_FX_EOF)
			return -ENOENT;
		n = (uint32_t)-sftp_said_of_file(w->fs, c);
		return n == 0 ? -EIO : -(int)n;
	}
	if (c->type != SFTP_NAME)
		return sftp_spoilt(w->fs->link, c->number);
	for (n = sftp_u32(&c->in); n > 0; n--) {
		bool ok = sftp_entry(&c->in, name, &st);

		if (c->in.bad || w->left-- == 0)
			return sftp_spoilt(w->fs->link, c->number);
		if (!ok || strcmp(name, base_of(w->op->full)) != 0)
			continue;
		*w->op->st = st;
		return st.st_nlink == 0 ? -ENOTSUP : 0;
	}
	return 1;
}

static void
links_read(struct work *w)
{
	unsigned i;
	int rc = 1;

	for (i = 0; i < w->n; i++) {
		if (rc == 1)
			rc = links_in(w, &w->call[i]);
		sftp_call_clear(&w->call[i]);
	}
	w->n = 0;
	if (rc != 1) {
		op_end(w, rc);
		return;
	}
	for (i = 0; i < OP_CALLS && !w->over; i++)
		op_ask_file(w, SFTP_READDIR);
}

static void
links_opened(struct work *w)
{
	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->left = SFTP_LIST;
	w->step = links_read;
	op_ask_file(w, SFTP_READDIR);
	if (!w->over)
		op_ask_file(w, SFTP_READDIR);
}

void
op_links_start(struct work *w)
{
	char dir[PATH_MAX];
	const char *base = base_of(w->op->full);
	size_t len = (size_t)(base - w->op->full);

	if (len == 0)
		(void)strcpy(dir, ".");
	else {
		(void)memcpy(dir, w->op->full, len - 1);
		dir[len - 1] = '\0';
	}
	w->step = links_opened;
	op_ask_path(w, SFTP_OPENDIR, dir);
}

/* ---- a listing ---- */

static void
list_ask(struct work *w)
{
	unsigned i;

	for (i = 0; i < OP_CALLS && !w->over; i++)
		op_ask_file(w, SFTP_READDIR);
}

static void
list_read(struct work *w)
{
	unsigned i;
	int rc = 1;

	for (i = 0; i < w->n; i++) {
		if (rc == 1)
			rc = sftp_entries(w->fs, w->op->full, &w->call[i],
			    w->op->one, w->op->arg, &w->left);
		sftp_call_clear(&w->call[i]);
	}
	w->n = 0;
	if (rc == 1)
		list_ask(w);
	else
		op_end(w, rc);
}

static void
list_opened(struct work *w)
{
	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->left = SFTP_LIST;
	w->step = list_read;
	list_ask(w);
}

void
op_list_start(struct work *w)
{
	w->step = list_opened;
	op_ask_path(w, SFTP_OPENDIR, w->op->full);
}
