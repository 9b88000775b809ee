/*
 * sftpopfile.c - files from their opening to their end: get one, put one, write
 * to one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/sftpop.h"

#define FIRST 32768 /* bytes to ask for before the length is known */

/* ---- get ---- */

/* The rest of a long one. */
static int
get_rest(struct work *w, size_t size)
{
	struct sp_buf *b = w->op->text;
	size_t want;
	ssize_t n;
	char *to;

	while (b->len < size) {
		if (b->len > w->op->max)
			return -EFBIG;
		want = size - b->len;
		if (want > w->op->max + 1 - b->len)
			want = w->op->max + 1 - b->len;
		if ((to = sp_buf_room(b, want)) == NULL)
			return -ENOMEM;
		n = sftp_pread(w->fs, &w->file, to, want, (off_t)b->len);
		if (n < 0)
			return (int)n;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (n == 0) /* it was cut meanwhile */
			break;
	}
	return b->len > w->op->max ? -EFBIG : 0;
}

static void
get_read(struct work *w)
{
	struct sftp_call *c = &w->call[1];
	struct sp_buf *b = w->op->text;
	const uint8_t *data;
	struct sftp_in in = c->in;
	struct stat st;
	size_t n = 0;
	int rc;

	rc = sftp_said_attrs(w->fs, &w->call[0], &st);
	if (rc == 0 && c->type == SFTP_DATA) {
		data = sftp_str(&in, &n);
		if (in.bad)
			rc = sftp_spoilt(w->fs->link, c->number);
		else
			sp_buf_put(b, data, n);
	} else if (rc == 0 &&
	    (c->type != SFTP_STATUS || sftp_u32(&in) != SFTP_FX_EOF))
		rc = (rc = sftp_said_of_file(w->fs, c)) == 0 ? -EIO : rc;
	if (rc == 0 && n == 0)
		sp_buf_put(b, "", 0);
	if (rc == 0 && b->failed)
		rc = -EFBIG;
	if (rc == 0 && st.st_size > (off_t)w->op->max)
		rc = -EFBIG;
	if (rc == 0)
		rc = get_rest(w, (size_t)st.st_size);
	if (rc == 0 && w->op->st != NULL)
		*w->op->st = st;
	op_end(w, rc == -ENOENT ? -EIO : rc);
}

static void
get_opened(struct work *w)
{
	size_t want = w->op->max < FIRST ? w->op->max + 1 : FIRST;
	struct sftp_call *c;

	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->step = get_read;
	op_ask_file(w, SFTP_FSTAT);
	if (w->over)
		return;
	c = op_begin(w, SFTP_READ);
	sftp_pack_handle(&c->packet, &w->file);
	sftp_pack_u64(&c->packet, 0);
	sftp_pack_u32(
	    &c->packet, (uint32_t)(want < w->now.chunk ? want : w->now.chunk));
	op_go(w, c, w->file.number);
}

static void
get_open(struct work *w)
{
	w->step = get_opened;
	op_ask_open(w, w->op->full, SFTP_F_READ);
}

/* Seen to be plain; true: open it. */
static bool
looked(struct work *w, bool make)
{
	struct stat st;
	int rc = sftp_said_attrs(w->fs, &w->call[0], &st);

	sftp_call_clear(&w->call[0]);
	w->n = 0;
	if (rc == -ENOENT && make)
		return true;
	if (rc == 0 && (rc = sftp_plain(&st)) == 0)
		sftp_seen(w->fs, w->op->full);
	if (rc != 0)
		op_end(w, rc);
	return rc == 0;
}

static void
get_looked(struct work *w)
{
	if (looked(w, false))
		get_open(w);
}

void
op_get_start(struct work *w)
{
	sp_buf_reset(w->op->text);
	if (sftp_seen_is(w->fs, w->op->full)) {
		get_open(w);
		return;
	}
	w->step = get_looked;
	op_ask_path(w, SFTP_LSTAT, w->op->full);
}

/* ---- put ---- */

static void
put_said(struct work *w)
{
	unsigned i;
	int rc = 0;

	w->open = false; /* the last of them was CLOSE */
	for (i = 0; i < w->n && rc == 0; i++)
		rc = sftp_said_of_file(w->fs, &w->call[i]);
	if (rc == 0)
		sftp_seen(w->fs, w->op->full);
	op_end(w, sftp_full(w->fs, rc));
}

static void
put_opened(struct work *w)
{
	const struct sp_fs_op *op = w->op;
	struct sftp_call *c;
	ssize_t n;

	if (w->call[0].type == SFTP_STATUS && (op->flags & SP_PUT_EXCL) != 0) {
		op_made_said(w);
		return;
	}
	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->step = put_said;
	if (op->len > w->now.chunk) {
		n = sftp_pwrite(w->fs, &w->file, op->data, op->len, 0);
		if (n < 0) {
			op_end(w, (int)n);
			return;
		}
	} else if (op->len > 0) {
		c = op_begin(w, SFTP_WRITE);
		sftp_pack_handle(&c->packet, &w->file);
		sftp_pack_u64(&c->packet, 0);
		sftp_pack_str(&c->packet, op->data, op->len);
		op_go(w, c, w->file.number);
	}
	if (!w->over && (op->flags & SP_PUT_SYNC) != 0 && w->now.has.fsync)
		op_ask_sync(w);
	if (!w->over)
		op_ask_file(w, SFTP_CLOSE);
}

static void
put_open(struct work *w)
{
	w->step = put_opened;
	op_ask_open(w, w->op->full,
	    SFTP_F_WRITE | SFTP_F_CREAT |
		((w->op->flags & SP_PUT_EXCL) != 0 ? SFTP_F_EXCL
						   : SFTP_F_TRUNC));
}

static void
put_looked(struct work *w)
{
	if (looked(w, true))
		put_open(w);
}

void
op_put_start(struct work *w)
{
	if ((w->op->flags & SP_PUT_EXCL) != 0 ||
	    sftp_seen_is(w->fs, w->op->full)) {
		put_open(w);
		return;
	}
	w->step = put_looked;
	op_ask_path(w, SFTP_LSTAT, w->op->full);
}

/* ---- write ---- */

/* FSTAT first, then one of a put. */
static void
write_said(struct work *w)
{
	struct stat st;
	unsigned i;
	int rc;

	w->open = false; /* the last of them was CLOSE */
	rc = sftp_said_attrs(w->fs, &w->call[0], &st);
	if (rc == 0 && w->op->st != NULL)
		*w->op->st = st;
	for (i = 1; i < w->n && rc == 0; i++)
		rc = sftp_said_of_file(w->fs, &w->call[i]);
	if (rc == 0)
		sftp_seen(w->fs, w->op->full);
	op_end(w, sftp_full(w->fs, rc == -ENOENT ? -EIO : rc));
}

static void
write_opened(struct work *w)
{
	const struct sp_fs_op *op = w->op;
	struct sftp_call *c;
	ssize_t n;

	if (!op_opened(w))
		return;
	sftp_call_clear(&w->call[0]);
	w->n = 0;
	w->step = write_said;
	op_ask_file(w, SFTP_FSTAT);
	if (!w->over && op->len > w->now.chunk) {
		n = sftp_pwrite(w->fs, &w->file, op->data, op->len, op->at);
		if (n < 0)
			op_end(w, (int)n);
	} else if (!w->over && op->len > 0) {
		c = op_begin(w, SFTP_WRITE);
		sftp_pack_handle(&c->packet, &w->file);
		sftp_pack_u64(&c->packet, (uint64_t)op->at);
		sftp_pack_str(&c->packet, op->data, op->len);
		op_go(w, c, w->file.number);
	}
	if (!w->over)
		op_ask_file(w, SFTP_CLOSE);
}

static void
write_open(struct work *w)
{
	w->step = write_opened;
	op_ask_open(w, w->op->full, SFTP_F_WRITE | SFTP_F_CREAT);
}

static void
write_looked(struct work *w)
{
	if (looked(w, true))
		write_open(w);
}

void
op_write_start(struct work *w)
{
	if (sftp_seen_is(w->fs, w->op->full)) {
		write_open(w);
		return;
	}
	w->step = write_looked;
	op_ask_path(w, SFTP_LSTAT, w->op->full);
}
