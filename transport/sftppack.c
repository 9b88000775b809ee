/*
 * sftppack.c - packets of SFTP version 3, bytes only.  Which are sent and what
 * an answer means is decided in sftp.c and its neighbours.
 */
#include <ctype.h>
#include <string.h>

#include "transport/sftppack.h"

/* ---- writing ---- */

static void
put32(char *at, uint32_t v)
{
	at[0] = (char)(v >> 24);
	at[1] = (char)(v >> 16);
	at[2] = (char)(v >> 8);
	at[3] = (char)v;
}

void
sftp_pack_u32(struct sp_buf *b, uint32_t v)
{
	char t[4];

	put32(t, v);
	sp_buf_put(b, t, sizeof t);
}

void
sftp_pack_u64(struct sp_buf *b, uint64_t v)
{
	sftp_pack_u32(b, (uint32_t)(v >> 32));
	sftp_pack_u32(b, (uint32_t)v);
}

void
sftp_pack_str(struct sp_buf *b, const void *data, size_t len)
{
	sftp_pack_u32(b, (uint32_t)len);
	sp_buf_put(b, data, len);
}

void
sftp_pack_text(struct sp_buf *b, const char *text)
{
	sftp_pack_str(b, text, strlen(text));
}

size_t
sftp_pack(struct sp_buf *b, enum sftp_type type)
{
	size_t begun = b->len;
	char kind = (char)type;

	sftp_pack_u32(b, 0);
	sp_buf_put(b, &kind, 1);
	sftp_pack_u32(b, 0);
	return begun;
}

void
sftp_pack_end(struct sp_buf *b, size_t begun)
{
	if (!b->failed)
		put32(b->data + begun, (uint32_t)(b->len - begun - 4));
}

void
sftp_pack_id(char *packet, uint32_t id)
{
	put32(packet + 5, id);
}

/* ---- reading ---- */

static const uint8_t *
take(struct sftp_in *in, size_t n)
{
	const uint8_t *at = in->at;

	if (in->bad || in->left < n) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	in->left -= n;
	return at;
}

uint8_t
sftp_u8(struct sftp_in *in)
{
	const uint8_t *p = take(in, 1);

	return p == NULL ? 0 : *p;
}

uint32_t
sftp_u32(struct sftp_in *in)
{
	const uint8_t *p = take(in, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

uint64_t
sftp_u64(struct sftp_in *in)
{
	uint64_t high = sftp_u32(in);

	return high << 32 | sftp_u32(in);
}

const uint8_t *
sftp_str(struct sftp_in *in, size_t *len_out)
{
	size_t len = sftp_u32(in);
	const uint8_t *p = take(in, len);

	*len_out = p == NULL ? 0 : len;
	return p == NULL ? (const uint8_t *)"" : p;
}

ssize_t
sftp_packet_len(const uint8_t *data, size_t len)
{
	struct sftp_in in = { .at = data, .left = len };
	uint32_t n = sftp_u32(&in);

	if (in.bad)
		return 0;
	/* The shortest has a type and an id. */
	if (n < 5 || n > SFTP_PACKET_MAX)
		return -1;
	return len >= n + 4 ? (ssize_t)(n + 4) : 0;
}

void
sftp_attrs(struct sftp_in *in, struct stat *st)
{
	uint32_t flags = sftp_u32(in), more, i;
	size_t len;

	(void)memset(st, 0, sizeof *st);
	if ((flags & SFTP_A_SIZE) != 0) {
		uint64_t size = sftp_u64(in);

		/* Beyond what an off_t holds nothing is true. */
		if (size > INT64_MAX)
			in->bad = true;
		st->st_size = in->bad ? 0 : (off_t)size;
	}
	if ((flags & SFTP_A_OWNER) != 0) {
		st->st_uid = sftp_u32(in);
		st->st_gid = sftp_u32(in);
	}
	if ((flags & SFTP_A_MODE) != 0)
		st->st_mode = sftp_u32(in);
	if ((flags & SFTP_A_TIMES) != 0) {
		st->st_atim.tv_sec = sftp_u32(in);
		st->st_mtim.tv_sec = sftp_u32(in);
		st->st_ctim = st->st_mtim;
	}
	if ((flags & SFTP_A_MORE) != 0) {
		more = sftp_u32(in);
		for (i = 0; i < more && !in->bad; i++) {
			(void)sftp_str(in, &len);
			(void)sftp_str(in, &len);
		}
	}
	if (in->bad)
		(void)memset(st, 0, sizeof *st);
}

unsigned
sftp_links(const char *line, size_t len)
{
	size_t i = 0, digits;
	unsigned n = 0;

	/* Type and nine permissions; + or @ may follow. */
	if (len < 12 || strchr("-dlbcpsD", line[0]) == NULL || line[0] == '\0')
		return 0;
	for (i = 1; i < 10; i++)
		if (line[i] == '\0' || strchr("-rwxsStTlL", line[i]) == NULL)
			return 0;
	while (i < len && line[i] != ' ')
		i++;
	while (i < len && line[i] == ' ')
		i++;
	for (digits = 0; i < len && isdigit((unsigned char)line[i]); i++) {
		if (++digits > 9)
			return 0;
		n = n * 10 + (unsigned)(line[i] - '0');
	}
	return digits > 0 && i < len && line[i] == ' ' ? n : 0;
}

bool
sftp_entry(struct sftp_in *in, char name_out[NAME_MAX + 1], struct stat *st)
{
	const uint8_t *name, *line;
	size_t len, line_len;

	name = sftp_str(in, &len);
	line = sftp_str(in, &line_len);
	sftp_attrs(in, st);
	if (in->bad || len == 0 || len > NAME_MAX ||
	    memchr(name, '/', len) != NULL || memchr(name, '\0', len) != NULL ||
	    (len == 1 && name[0] == '.') ||
	    (len == 2 && name[0] == '.' && name[1] == '.'))
		return false;
	(void)memcpy(name_out, name, len);
	name_out[len] = '\0';
	st->st_nlink = sftp_links((const char *)line, line_len);
	return true;
}

static bool
str_is(const uint8_t *s, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(s, text, len) == 0;
}

void
sftp_version(struct sftp_in *in, struct sftp_features *f)
{
	const uint8_t *name, *data;
	size_t n, d;

	*f = (struct sftp_features){ .version = sftp_u32(in) };
	while (in->left > 0 && !in->bad) {
		name = sftp_str(in, &n);
		data = sftp_str(in, &d);
		if (in->bad)
			return;
		f->posix_rename |=
		    str_is(name, n, "posix-rename@openssh.com") &&
		    str_is(data, d, "1");
		f->hardlink |= str_is(name, n, "hardlink@openssh.com") &&
		    str_is(data, d, "1");
		f->fsync |= str_is(name, n, "fsync@openssh.com") &&
		    str_is(data, d, "1");
		f->statvfs |= str_is(name, n, "statvfs@openssh.com") &&
		    str_is(data, d, "2");
		f->limits |= str_is(name, n, "limits@openssh.com") &&
		    str_is(data, d, "1");
	}
}

void
sftp_statvfs(struct sftp_in *in, struct statvfs *fs)
{
	(void)memset(fs, 0, sizeof *fs);
	fs->f_bsize = sftp_u64(in);
	fs->f_frsize = sftp_u64(in);
	fs->f_blocks = sftp_u64(in);
	fs->f_bfree = sftp_u64(in);
	fs->f_bavail = sftp_u64(in);
	fs->f_files = sftp_u64(in);
	fs->f_ffree = sftp_u64(in);
	fs->f_favail = sftp_u64(in);
	(void)sftp_u64(in); /* the filesystem's id is another machine's */
	(void)sftp_u64(in); /* flags */
	fs->f_namemax = sftp_u64(in);
	if (in->bad)
		(void)memset(fs, 0, sizeof *fs);
}
