/*
 * doorsay.c - an answer as libmicrohttpd sends it: a text, a piece of a file,
 * or a stream that has no end.
 */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/doorin.h"

#define GULP (64 * 1024)

struct piece {
	int fd;
	int64_t at, len;
	bool steady;
	struct stat was;
};

static bool
changed_is(const struct piece *p)
{
	struct stat is;

	return fstat(p->fd, &is) == -1 || is.st_size != p->was.st_size ||
	    is.st_mtim.tv_sec != p->was.st_mtim.tv_sec ||
	    is.st_mtim.tv_nsec != p->was.st_mtim.tv_nsec;
}

static ssize_t
piece_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct piece *p = arg;
	int64_t left = p->len - (int64_t)pos;
	ssize_t n;

	n = pread(p->fd, buf, (int64_t)max < left ? max : (size_t)left,
	    (off_t)(p->at + (int64_t)pos));
	if (n <= 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	/* Half of one version and half of another is worse than nothing. */
	if (p->steady && n == left && changed_is(p))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n;
}

static void
piece_free(void *arg)
{
	struct piece *p = arg;

	(void)close(p->fd);
	free(p);
}

/* Takes the file out of the answer. */
static struct MHD_Response *
response_piece(struct answer *a)
{
	struct MHD_Response *m;
	struct piece *p;

	if ((p = calloc(1, sizeof *p)) == NULL)
		return NULL;
	p->fd = a->fd;
	p->at = a->at;
	p->len = a->len;
	p->steady = a->steady;
	a->fd = -1;
	if (p->steady && fstat(p->fd, &p->was) == -1)
		p->len = 0;
	m = MHD_create_response_from_callback(
	    (uint64_t)p->len, GULP, piece_read, p, piece_free);
	if (m == NULL)
		piece_free(p);
	return m;
}

/* What has no end.  While nothing comes the connection is suspended. */
struct flow {
	struct stream stream;
	struct MHD_Connection *mhd;
};

static void
flow_sleep(void *arg)
{
	MHD_suspend_connection(((struct flow *)arg)->mhd);
}

static void
flow_wake(void *arg)
{
	MHD_resume_connection(((struct flow *)arg)->mhd);
}

static ssize_t
flow_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct flow *f = arg;
	ssize_t n;

	(void)pos;
	n = f->stream.read(f->stream.arg, buf, max, flow_sleep, flow_wake, f);
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void
flow_free(void *arg)
{
	struct flow *f = arg;

	f->stream.close(f->stream.arg);
	free(f);
}

/* Takes the stream out of the answer. */
static struct MHD_Response *
response_flow(struct answer *a, struct MHD_Connection *mhd)
{
	struct flow *f = calloc(1, sizeof *f);
	struct MHD_Response *m;

	if (f == NULL)
		return NULL;
	f->stream = a->stream;
	f->mhd = mhd;
	m = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, 4096, flow_read, f, flow_free);
	if (m == NULL)
		free(f);
	else
		a->stream.read = NULL;
	return m;
}

static bool
said_is(const struct answer *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->header_n; i++)
		if (strcmp(a->header[i].name, name) == 0)
			return true;
	return false;
}

struct MHD_Response *
door_response(struct answer *a, struct MHD_Connection *mhd)
{
	struct MHD_Response *m;
	char *text = a->body.data;
	size_t i, len = a->body.len;

	if (a->stream.read != NULL) {
		m = response_flow(a, mhd);
	} else if (a->fd != -1) {
		m = response_piece(a);
	} else {
		m = MHD_create_response_from_buffer(
		    len, text, MHD_RESPMEM_MUST_FREE);
		if (m != NULL)
			a->body.data = NULL;
	}
	if (m == NULL)
		return NULL;
	if (a->status != 204 && a->status != 304)
		(void)MHD_add_response_header(m, "Content-Type", a->type);
	if (!said_is(a, "Cache-Control"))
		(void)MHD_add_response_header(m, "Cache-Control", "no-store");
	(void)MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	for (i = 0; i < a->header_n; i++)
		(void)MHD_add_response_header(
		    m, a->header[i].name, a->header[i].value);
	return m;
}
