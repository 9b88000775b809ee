/*
 * sftptalk.c - the first words on a fresh connection, in three round trips:
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
	uint8_t *answer;  /* SFTP_PACKET_MAX + 4 */
	size_t got, used; /* bytes, and how many of them are done with */
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

/* The next packet; what follows its type.  in_out is good until the one after
 * it. */
static bool
hear(struct talk *t, unsigned *type_out, struct sftp_in *in_out)
{
	ssize_t n;

	t->got -= t->used;
	(void)memmove(t->answer, t->answer + t->used, t->got);
	t->used = 0;
	while ((n = sftp_packet_len(t->answer, t->got)) == 0) {
		n = ssh_read(
		    t->ssh, t->answer + t->got, SFTP_PACKET_MAX + 4 - t->got);
		if (n > 0)
			t->got += (size_t)n;
		else if (n == 0 || errno != EAGAIN || !await(t, false))
			return false;
	}
	if (n == -1)
		return false;
	t->used = (size_t)n;
	*in_out =
	    (struct sftp_in){ .at = t->answer + 4, .left = (size_t)n - 4 };
	*type_out = sftp_u8(in_out);
	return true;
}

/* Say all that is in `out`: questions, which are answered in their order. */
static bool
say_all(struct talk *t)
{
	bool ok = !t->out.failed && say(t);

	sp_buf_reset(&t->out);
	return ok;
}

/* The next answer; its body.  0: broken. */
static unsigned
answer(struct talk *t, struct sftp_in *in)
{
	unsigned type;

	if (!hear(t, &type, in))
		return 0;
	(void)sftp_u32(in); /* the id */
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

/* ---- one round trip: limits, where it is, and its handle ---- */

static void
ask_limits(struct talk *t)
{
	size_t begun = sftp_pack(&t->out, SFTP_EXTENDED);

	sftp_pack_text(&t->out, "limits@openssh.com");
	sftp_pack_end(&t->out, begun);
}

static bool
limits(struct talk *t, struct sftp_now *now)
{
	uint64_t packet, most_read, most_write;
	struct sftp_in in;
	unsigned type;

	if ((type = answer(t, &in)) != SFTP_EXTENDED_REPLY)
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

static void
ask_path(struct talk *t, const char *path)
{
	size_t begun = sftp_pack(&t->out, SFTP_REALPATH);

	sftp_pack_text(&t->out, path);
	sftp_pack_end(&t->out, begun);
}

/* Relative names fail on some servers, and what "." is may change: one absolute
 * name for good. */
static bool
path(struct talk *t, char root[PATH_MAX], bool *gone_out)
{
	const uint8_t *name;
	struct sftp_in in;
	unsigned type;
	size_t len;

	if ((type = answer(t, &in)) == 0)
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

/* A directory is opened as if it were a file: OpenSSH fsyncs no other. */
static void
ask_open(struct talk *t, const char *dir)
{
	size_t begun = sftp_pack(&t->out, SFTP_OPEN);

	sftp_pack_text(&t->out, dir);
	sftp_pack_u32(&t->out, SFTP_F_READ);
	sftp_pack_u32(&t->out, 0);
	sftp_pack_end(&t->out, begun);
}

static bool
handle(struct talk *t, uint8_t h[SFTP_HANDLE_MAX], size_t *len_out)
{
	const uint8_t *is;
	struct sftp_in in;
	unsigned type;

	*len_out = 0;
	if ((type = answer(t, &in)) != SFTP_HANDLE)
		return type != 0;
	is = sftp_str(&in, len_out);
	if (in.bad || *len_out > SFTP_HANDLE_MAX)
		return false;
	(void)memcpy(h, is, *len_out);
	return true;
}

/* ---- and one more: does fsync of that work? ---- */

static bool
probe(struct talk *t, const uint8_t *h, size_t len, bool *works_out)
{
	size_t begun = sftp_pack(&t->out, SFTP_EXTENDED);
	struct sftp_in in;
	unsigned type;

	sftp_pack_text(&t->out, "fsync@openssh.com");
	sftp_pack_str(&t->out, h, len);
	sftp_pack_end(&t->out, begun);
	begun = sftp_pack(&t->out, SFTP_CLOSE);
	sftp_pack_str(&t->out, h, len);
	sftp_pack_end(&t->out, begun);
	if (!say_all(t) || (type = answer(t, &in)) == 0)
		return false;
	*works_out = type == SFTP_STATUS && sftp_u32(&in) == SFTP_FX_OK;
	return answer(t, &in) != 0;
}

static enum sp_status
converse(struct talk *t, const char *where, char root[PATH_MAX],
    struct sftp_now *now, struct sp_err *err)
{
	bool gone = false, known = root[0] != '\0';
	uint8_t h[SFTP_HANDLE_MAX];
	size_t len = 0;

	if (!hello(t, &now->has))
		return sp_err_set(err, SP_RETRY, "the server spoke no SFTP");
	if (now->has.limits)
		ask_limits(t);
	if (!known)
		ask_path(t, where);
	if (now->has.fsync)
		ask_open(t, known ? root : where);
	if (!say_all(t) || (now->has.limits && !limits(t, now)) ||
	    (!known && !path(t, root, &gone)) ||
	    (now->has.fsync && !handle(t, h, &len)) ||
	    (len > 0 && !probe(t, h, len, &now->durable)))
		return sp_err_set(err, SP_RETRY, "the SFTP server went silent");
	return gone
	    ? sp_err_set(err, SP_FATAL, "%s is not there on the server", where)
	    : SP_OK;
}

enum sp_status
sftp_talk(struct ssh *ssh, int stop, int64_t until, const char *where,
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
			      : converse(&t, where, root, now, err);
	sp_buf_clear(&t.out);
	free(t.answer);
	return st;
}
