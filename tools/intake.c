/*
 * intake.c - cutting files and streams into jobs: FILE.jsonl has one a line,
 * any other FILE is one; standard input is either, as its first line tells.
 * Only cuts; whether a piece is a job is for others to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/buf.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "tools/intake.h"

struct intake {
	const char *file; /* as people know it */
	char label[SP_LABEL_MAX + 1];
	int fd;
	struct sp_buf buf;
	size_t at;   /* what was cut off already */
	size_t line; /* number of the line at `at` */
	bool end;    /* nothing comes after what is in buf */
	int why;     /* errno of a failed read */
	bool stop;
	intake_fn *fn;
	void *arg;
};

#define PIECE (64 * 1024)

static const char *
rest(const struct intake *in)
{
	return sp_buf_text(&in->buf) + in->at;
}

static void
tell(struct intake *in, size_t line, const char *text, size_t len,
    const struct sp_err *bad)
{
	struct sp_buf where = SP_BUF_INIT(8192);

	sp_buf_printf(&where, "%s:%zu", in->file, line);
	if (in->fn(in->arg, where.failed ? "?" : sp_buf_text(&where), in->label,
		text, len, bad) != 0)
		in->stop = true;
	sp_buf_clear(&where);
}

static void
tell_bad(struct intake *in, size_t line, const char *words)
{
	struct sp_err bad = { "" };

	(void)sp_err_set(&bad, SP_BAD, "%s", words);
	tell(in, line, NULL, 0, &bad);
}

/* Read more; false when there is no more. */
static bool
fill(struct intake *in)
{
	struct pollfd ready = { .fd = in->fd, .events = POLLIN };
	char *room;
	ssize_t n;

	if (in->end || in->stop)
		return false;
	if (in->at > 0) {
		memmove(in->buf.data, rest(in), in->buf.len - in->at);
		in->buf.len -= in->at;
		in->at = 0;
	}
	/* the other side may wait for the ids of what it has sent */
	if (poll(&ready, 1, 0) == 0)
		tell(in, in->line, NULL, 0, NULL);
	if ((room = sp_buf_room(&in->buf, PIECE)) == NULL) {
		in->why = ENOMEM;
		in->end = true;
		return false;
	}
	do
		n = read(in->fd, room, PIECE);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		in->why = n == 0 ? 0 : errno;
		in->end = true;
		return false;
	}
	in->buf.len += (size_t)n;
	return true;
}

/* Length of the line at `at`, without its newline; it is whole, or the last,
 * or longer than a job may be. */
static size_t
line_length(struct intake *in)
{
	const char *nl;
	size_t seen = 0, len;

	for (;;) {
		len = in->buf.len - in->at;
		if (len > seen) {
			nl = memchr(rest(in) + seen, '\n', len - seen);
			if (nl != NULL)
				return (size_t)(nl - (rest(in)));
			seen = len;
		}
		if (len > SP_JOB_MAX || !fill(in))
			return in->buf.len - in->at;
	}
}

static bool
blank(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0')
			return false;
	}
	return true;
}

static bool
object_is(const char *text, size_t len)
{
	struct json_t *json = NULL;
	bool is = sp_json_parse(text, len, &json, NULL) == SP_OK;

	sp_json_free(json);
	return is;
}

/* Step over a line that is too long to keep. */
static void
skip_line(struct intake *in)
{
	size_t len;

	for (;;) {
		len = line_length(in);
		in->at += len;
		if (in->at < in->buf.len || in->end || in->stop)
			break;
	}
}

static void
cut_lines(struct intake *in)
{
	char words[80];
	size_t len;

	while (!in->stop) {
		len = line_length(in);
		if (len == 0 && in->at == in->buf.len)
			break;
		if (len > SP_JOB_MAX) {
			(void)snprintf(words, sizeof words,
			    "the line is longer than %d bytes", SP_JOB_MAX);
			tell_bad(in, in->line, words);
			skip_line(in);
		} else {
			if (!blank(rest(in), len))
				tell(in, in->line, rest(in), len, NULL);
			in->at += len;
		}
		if (in->at < in->buf.len)
			in->at++; /* the newline */
		in->line++;
	}
}

static void
cut_whole(struct intake *in)
{
	char words[80];

	while (in->buf.len - in->at <= SP_JOB_MAX && fill(in))
		;
	if (in->why != 0)
		return;
	if (in->buf.len - in->at > SP_JOB_MAX) {
		(void)snprintf(words, sizeof words,
		    "it is longer than %d bytes; many jobs go into a .jsonl, "
		    "one a line",
		    SP_JOB_MAX);
		tell_bad(in, in->line, words);
	} else if (blank(rest(in), in->buf.len - in->at)) {
		tell_bad(in, in->line, "there is no job in it");
	} else {
		tell(in, in->line, rest(in), in->buf.len - in->at, NULL);
	}
	in->at = in->buf.len;
}

/* One job a line, or one object over many lines? */
static void
cut_either(struct intake *in)
{
	const char *text;
	size_t len;

	/* blank lines before the first job */
	for (;;) {
		len = line_length(in);
		if (in->at + len == in->buf.len || !blank(rest(in), len))
			break;
		in->at += len + 1;
		in->line++;
	}
	if (object_is(rest(in), len)) {
		cut_lines(in);
		return;
	}
	while (in->buf.len - in->at <= SP_JOB_MAX && fill(in))
		;
	text = rest(in);
	while (len > 0 && blank(text + len - 1, 1))
		len--;
	/* a first line that looks like a whole job, but a bad one */
	if (len > 1 && text[0] == '{' && text[len - 1] == '}' &&
	    !object_is(text, in->buf.len - in->at))
		cut_lines(in);
	else
		cut_whole(in);
}

static bool
ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

void
intake_file(const char *file, intake_fn *fn, void *arg)
{
	struct intake in = { .file = file,
		.line = 1,
		.buf = SP_BUF_INIT(SP_JOB_MAX + 4 * PIECE),
		.fn = fn,
		.arg = arg };
	const char *slash = strrchr(file, '/');
	bool input = strcmp(file, "-") == 0;

	if (input) {
		in.file = "stdin";
		in.fd = STDIN_FILENO;
	} else {
		sp_label_make(slash == NULL ? file : slash + 1, in.label);
		in.fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (in.fd == -1) {
		tell_bad(&in, 1, strerror(errno));
		return;
	}
	if (input)
		cut_either(&in);
	else if (ends_in(file, ".jsonl"))
		cut_lines(&in);
	else
		cut_whole(&in);
	if (in.why != 0)
		tell_bad(&in, in.line, strerror(in.why));
	if (!input)
		(void)close(in.fd);
	sp_buf_clear(&in.buf);
}
