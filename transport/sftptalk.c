/*
 * sftptalk.c - the first words on a fresh connection, one request at a time:
 * versions, limits, where the spool is, whether fsync works there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/spool.h"
#include "transport/sftp.h"

#define CHUNK 32768 /* what every server takes */

struct talk {
	struct ssh *ssh;
	int stop;
	int64_t until;
	struct sp_buf out;
	uint8_t *answer; /* SFTP_PACKET_MAX + 4 */
	size_t got;
};

static bool
await(const struct talk *t, bool writing)
{
	struct pollfd p[2] = { ssh_poll(t->ssh, writing),
		{ .fd = t->stop, .events = POLLIN } };
	int64_t left = t->until - sp_mono_ms();

	return left > 0 && (poll(p, 2, (int)left) != -1 || errno == EINTR) &&
	    p[1].revents == 0;
}

static bool
say(struct talk *t)
{
	size_t at = 0;
	ssize_t n;

	while (at < t->out.len) {
		n = ssh_write(t->ssh, t->out.data + at, t->out.len - at);
		if (n > 0)
			at += (size_t)n;
		else if (n == -1 && errno != EAGAIN)
			return false;
		else if (n <= 0 && !await(t, true))
			return false;
	}
	return true;
}

/* The next packet; what follows its type. */
static bool
hear(struct talk *t, unsigned *type_out, struct sftp_in *in_out)
{
	ssize_t n;

	t->got = 0;
	while ((n = sftp_packet_len(t->answer, t->got)) == 0) {
		n = ssh_read(
		    t->ssh, t->answer + t->got, SFTP_PACKET_MAX + 4 - t->got);
		if (n > 0)
			t->got += (size_t)n;
		else if (n == 0 || errno != EAGAIN || !await(t, false))
			return false;
	}
	/* One question, one answer: there is no second packet behind it. */
	if (n == -1 || (size_t)n != t->got)
		return false;
	*in_out =
	    (struct sftp_in){ .at = t->answer + 4, .left = (size_t)n - 4 };
	*type_out = sftp_u8(in_out);
	return true;
}

/* Ask what `out` holds; the body of the answer.  0: broken. */
static unsigned
ask(struct talk *t, size_t begun, struct sftp_in *in)
{
	unsigned type;

	sftp_pack_end(&t->out, begun);
	if (t->out.failed || !say(t) || !hear(t, &type, in))
		return 0;
	(void)sftp_u32(in); /* the id */
	sp_buf_reset(&t->out);
	return in->bad ? 0 : type;
}

static bool
hello(struct talk *t, struct sftp_features *has)
{
	struct sftp_in in;
	unsigned type;
	size_t begun = sftp_pack(&t->out, SFTP_INIT);

	/* Here the version stands where others have their id. */
	sftp_pack_end(&t->out, begun);
	if (t->out.failed)
		return false;
	sftp_pack_id(t->out.data, 3);
	if (!say(t) || !hear(t, &type, &in) || type != SFTP_VERSION)
		return false;
	sp_buf_reset(&t->out);
	sftp_version(&in, has);
	return !in.bad && has->version >= 3;
}

static bool
limits(struct talk *t, struct sftp_now *now)
{
	size_t begun = sftp_pack(&t->out, SFTP_EXTENDED);
	uint64_t packet, most_read, most_write;
	struct sftp_in in;
	unsigned type;

	sftp_pack_text(&t->out, "limits@openssh.com");
	if ((type = ask(t, begun, &in)) != SFTP_EXTENDED_REPLY)
		return type != 0;
	packet = sftp_u64(&in);
	most_read = sftp_u64(&in);
	most_write = sftp_u64(&in);
	if (!in.bad && packet > 1024 && packet - 1024 < now->chunk)
		now->chunk = packet - 1024;
	if (!in.bad && most_read > 0 && most_read < now->chunk)
		now->chunk = most_read;
	if (!in.bad && most_write > 0 && most_write < now->chunk)
		now->chunk = most_write;
	if (now->chunk < 1024)
		now->chunk = 1024;
	return true;
}

/* Relative names fail on some servers, and what "." is may change: one absolute
 * name for good. */
static bool
locate(struct talk *t, const char *path, char root[PATH_MAX], bool *gone_out)
{
	size_t begun = sftp_pack(&t->out, SFTP_REALPATH), len;
	const uint8_t *name;
	struct sftp_in in;
	unsigned type;

	sftp_pack_text(&t->out, path);
	if ((type = ask(t, begun, &in)) == 0)
		return false;
	*gone_out = true;
	if (type != SFTP_NAME)
		return true;
	(void)sftp_u32(&in); /* how many: one */
	name = sftp_str(&in, &len);
	if (in.bad || len == 0 || len > PATH_MAX - 300 || name[0] != '/' ||
	    memchr(name, '\0', len) != NULL)
		return true;
	(void)memcpy(root, name, len);
	root[len] = '\0';
	*gone_out = false;
	return true;
}

/* Does fsync of a directory work?  It is opened as if it were a file: OpenSSH
 * has no other way. */
static bool
probe(struct talk *t, const char *root, bool *works_out)
{
	size_t begun = sftp_pack(&t->out, SFTP_OPEN), len;
	uint8_t handle[SFTP_HANDLE_MAX];
	const uint8_t *h;
	struct sftp_in in;
	unsigned type;

	sftp_pack_text(&t->out, root);
	sftp_pack_u32(&t->out, SFTP_F_READ);
	sftp_pack_u32(&t->out, 0);
	if ((type = ask(t, begun, &in)) != SFTP_HANDLE)
		return type != 0;
	h = sftp_str(&in, &len);
	if (in.bad || len > sizeof handle)
		return false;
	(void)memcpy(handle, h, len);
	begun = sftp_pack(&t->out, SFTP_EXTENDED);
	sftp_pack_text(&t->out, "fsync@openssh.com");
	sftp_pack_str(&t->out, handle, len);
	if ((type = ask(t, begun, &in)) == 0)
		return false;
	*works_out = type == SFTP_STATUS && sftp_u32(&in) == SFTP_FX_OK;
	begun = sftp_pack(&t->out, SFTP_CLOSE);
	sftp_pack_str(&t->out, handle, len);
	return ask(t, begun, &in) != 0;
}

static enum sp_status
converse(struct talk *t, const char *path, char root[PATH_MAX],
    struct sftp_now *now, struct sp_err *err)
{
	bool gone = false;

	if (!hello(t, &now->has))
		return sp_err_set(err, SP_RETRY, "the server spoke no SFTP");
	if ((now->has.limits && !limits(t, now)) ||
	    (root[0] == '\0' && !locate(t, path, root, &gone)))
		return sp_err_set(err, SP_RETRY, "the SFTP server went silent");
	if (gone)
		return sp_err_set(
		    err, SP_FATAL, "%s is not there on the server", path);
	if (now->has.fsync && !probe(t, root, &now->durable))
		return sp_err_set(err, SP_RETRY, "the SFTP server went silent");
	return SP_OK;
}

enum sp_status
sftp_talk(struct ssh *ssh, int stop, int64_t until, const char *path,
    char root[PATH_MAX], struct sftp_now *now, struct sp_err *err)
{
	struct talk t = { .ssh = ssh,
		.stop = stop,
		.until = until,
		.out = SP_BUF_INIT(65536),
		.answer = malloc(SFTP_PACKET_MAX + 4) };
	enum sp_status st;

	*now = (struct sftp_now){ .chunk = CHUNK };
	st = t.answer == NULL ? sp_err_set(err, SP_RETRY, "no memory")
			      : converse(&t, path, root, now, err);
	sp_buf_clear(&t.out);
	free(t.answer);
	return st;
}
