/*
 * sftpbytes.c - the bytes of open files: in pieces, many on the way at once,
 * behind which small requests need not wait (sftpcall.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/sftpfs.h"

#define PIECES 64 /* of one transfer, on the way at once */

struct piece {
	struct sftp_call call;
	size_t at, len; /* of the caller's buffer */
};

/* One transfer: `next` is sent up to there, `done` is over up to there. */
struct transfer {
	struct sftp_fs *fs;
	const struct sftp_file *file;
	char *to;         /* reading */
	const char *from; /* writing */
	size_t len, chunk, next;
	off_t at;
	struct piece *piece; /* a ring */
	unsigned first, n;
	int rc;
	bool end; /* of the file was met */
};

static void
send_piece(struct transfer *t, struct piece *p, size_t at, size_t len)
{
	p->at = at;
	p->len = len;
	sftp_call_init(&p->call, t->to != NULL ? SFTP_READ : SFTP_WRITE);
	p->call.bulk = t->len > t->chunk;
	sftp_pack_handle(&p->call.packet, t->file);
	sftp_pack_u64(&p->call.packet, (uint64_t)t->at + at);
	if (t->to != NULL)
		sftp_pack_u32(&p->call.packet, (uint32_t)len);
	else
		sftp_pack_str(&p->call.packet, t->from + at, len);
	t->rc = sftp_send(t->fs->link, &p->call, t->file->number);
	if (t->rc != 0)
		sftp_call_clear(&p->call);
}

/* How much a READ brought: 0 at the end. */
static ssize_t
read_said(struct transfer *t, struct sftp_call *c, char *to, size_t len)
{
	struct sftp_in in = c->in;
	const uint8_t *data;
	size_t n;
	int rc;

	if (c->type == SFTP_STATUS) {
		if (sftp_u32(&in) == SFTP_FX_EOF)
			return 0;
		rc = sftp_said_of_file(t->fs, c);
		return rc == 0 || rc == -EREMOTEIO ? -EIO : rc;
	}
	data = sftp_str(&in, &n);
	if (c->type != SFTP_DATA || in.bad || n == 0 || n > len)
		return sftp_spoilt(t->fs->link, c->number);
	(void)memcpy(to, data, n);
	return (ssize_t)n;
}

/* A server may give less than was asked for: ask for the rest, alone. */
static void
read_piece(struct transfer *t, struct piece *p, size_t *end_out)
{
	size_t got = 0;
	ssize_t n;

	n = read_said(t, &p->call, t->to + p->at, p->len);
	while (n > 0 && (got += (size_t)n) < p->len) {
		sftp_call_clear(&p->call);
		sftp_call_init(&p->call, SFTP_READ);
		sftp_pack_handle(&p->call.packet, t->file);
		sftp_pack_u64(&p->call.packet, (uint64_t)t->at + p->at + got);
		sftp_pack_u32(&p->call.packet, (uint32_t)(p->len - got));
		n = sftp_ask(t->fs->link, &p->call, t->file->number);
		if (n == 0)
			n = read_said(
			    t, &p->call, t->to + p->at + got, p->len - got);
	}
	if (n < 0)
		t->rc = (int)n;
	t->end = n == 0;
	*end_out = p->at + got;
}

/* The oldest piece is over.  end_out: all before is read or written. */
static void
take_piece(struct transfer *t, size_t *end_out)
{
	struct piece *p = &t->piece[t->first];
	int rc;

	t->first = (t->first + 1) % PIECES;
	t->n--;
	rc = sftp_wait(t->fs->link, &p->call);
	if (t->rc == 0 && !t->end) {
		if (rc != 0)
			t->rc = rc;
		else if (t->to != NULL)
			read_piece(t, p, end_out);
		else if ((t->rc = sftp_said_of_file(t->fs, &p->call)) == 0)
			*end_out = p->at + p->len;
	}
	sftp_call_clear(&p->call);
}

static ssize_t
transfer(struct transfer *t)
{
	struct sftp_now now = sftp_now(t->fs->link);
	size_t end = 0, len;

	if (now.number != t->file->number)
		return -EIO;
	t->chunk = now.chunk;
	if ((t->piece = malloc(PIECES * sizeof *t->piece)) == NULL)
		return -ENOMEM;
	while (t->n > 0 || (t->rc == 0 && !t->end && t->next < t->len)) {
		while (t->rc == 0 && !t->end && t->next < t->len &&
		    t->n < PIECES) {
			len = t->len - t->next;
			if (len > t->chunk)
				len = t->chunk;
			send_piece(t, &t->piece[(t->first + t->n) % PIECES],
			    t->next, len);
			if (t->rc != 0)
				break;
			t->n++;
			t->next += len;
		}
		if (t->n > 0)
			take_piece(t, &end);
	}
	free(t->piece);
	return t->rc != 0 ? t->rc : (ssize_t)end;
}

ssize_t
sftp_pread(void *tree, void *file, void *data, size_t len, off_t at)
{
	struct transfer t = {
		.fs = tree, .file = file, .to = data, .len = len, .at = at
	};

	return transfer(&t);
}

ssize_t
sftp_pwrite(void *tree, void *file, const void *data, size_t len, off_t at)
{
	struct transfer t = {
		.fs = tree, .file = file, .from = data, .len = len, .at = at
	};
	ssize_t n = transfer(&t);

	return n == -EREMOTEIO ? sftp_full(tree, (int)n) : n;
}
