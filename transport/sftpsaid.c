/*
 * sftpsaid.c - what a server's answers mean, paths as it knows them, and which
 * names were plain files a moment ago.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/spool.h"
#include "transport/sftpfs.h"

#define SEEN_MS 20000

/* ---- names seen ---- */

static uint64_t
hash(const char *path)
{
	uint64_t h = 14695981039346656037u;

	for (; *path != '\0'; path++)
		h = (h ^ (unsigned char)*path) * 1099511628211u;
	return h;
}

void
sftp_seen(struct sftp_fs *f, const char *path)
{
	uint64_t h = hash(path);

	(void)pthread_mutex_lock(&f->lock);
	f->seen[h % SFTP_SEEN].name = h;
	f->seen[h % SFTP_SEEN].until = sp_mono_ms() + SEEN_MS;
	(void)pthread_mutex_unlock(&f->lock);
}

bool
sftp_seen_is(struct sftp_fs *f, const char *path)
{
	uint64_t h = hash(path);
	bool is;

	(void)pthread_mutex_lock(&f->lock);
	is = f->seen[h % SFTP_SEEN].name == h &&
	    sp_mono_ms() < f->seen[h % SFTP_SEEN].until;
	(void)pthread_mutex_unlock(&f->lock);
	return is;
}

void
sftp_seen_not(struct sftp_fs *f, const char *path)
{
	uint64_t h = hash(path);

	(void)pthread_mutex_lock(&f->lock);
	if (f->seen[h % SFTP_SEEN].name == h)
		f->seen[h % SFTP_SEEN].until = 0;
	(void)pthread_mutex_unlock(&f->lock);
}

/* ---- packing, and what was said ---- */

void
sftp_pack_path(const struct sftp_fs *f, struct sp_buf *b, const char *path)
{
	const char *root = sftp_root(f->link);
	size_t len = strlen(path);

	if (strcmp(path, ".") == 0) {
		sftp_pack_text(b, root);
		return;
	}
	/* "/" alone ends in its slash. */
	sftp_pack_u32(
	    b, (uint32_t)((f->root_len == 1 ? 0 : f->root_len) + 1 + len));
	if (f->root_len > 1)
		sp_buf_put(b, root, f->root_len);
	sp_buf_put(b, "/", 1);
	sp_buf_put(b, path, len);
}

void
sftp_pack_handle(struct sp_buf *b, const struct sftp_file *file)
{
	sftp_pack_str(b, file->handle, file->len);
}

int
sftp_said(struct sftp_fs *f, struct sftp_call *c)
{
	uint32_t code = sftp_u32(&c->in);

	if (c->type != SFTP_STATUS || c->in.bad)
		return sftp_spoilt(f->link, c->number);
	switch (code) {
	case SFTP_FX_OK:
		return 0;
	case SFTP_FX_GONE:
		return -ENOENT;
	case SFTP_FX_DENIED:
		return -EACCES;
	case SFTP_FX_UNSUPPORTED:
		return -ENOTSUP;
	case SFTP_FX_BAD:
		return -EPROTO;
	default:
		return -EREMOTEIO;
	}
}

int
sftp_said_of_file(struct sftp_fs *f, struct sftp_call *c)
{
	int rc = sftp_said(f, c);

	return rc == -ENOENT ? -EIO : rc;
}

int
sftp_said_handle(struct sftp_fs *f, struct sftp_call *c, struct sftp_file *file)
{
	const uint8_t *h;
	size_t len;

	if (c->type == SFTP_STATUS) {
		int rc = sftp_said(f, c);

		return rc == 0 ? sftp_spoilt(f->link, c->number) : rc;
	}
	h = sftp_str(&c->in, &len);
	if (c->type != SFTP_HANDLE || c->in.bad || len > sizeof file->handle)
		return sftp_spoilt(f->link, c->number);
	*file = (struct sftp_file){ .number = c->number, .len = len };
	(void)memcpy(file->handle, h, len);
	return 0;
}

int
sftp_said_attrs(struct sftp_fs *f, struct sftp_call *c, struct stat *st)
{
	if (c->type == SFTP_STATUS) {
		int rc = sftp_said(f, c);

		return rc == 0 ? sftp_spoilt(f->link, c->number) : rc;
	}
	sftp_attrs(&c->in, st);
	if (c->type != SFTP_ATTRS || c->in.bad)
		return sftp_spoilt(f->link, c->number);
	return 0;
}

int
sftp_plain(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return -EISDIR;
	default:
		return -ENXIO;
	}
}

void
sftp_drop(struct sftp_fs *f, const struct sftp_file *file)
{
	struct sftp_call c;

	sftp_call_init(&c, SFTP_CLOSE);
	sftp_pack_handle(&c.packet, file);
	sftp_throw(f->link, &c, file->number);
}
