/*
 * file.c - an open file as an answer: ETag, Range, If-Range, If-None-Match.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"

void
etag_print(const struct stat *st, char etag[128])
{
	(void)snprintf(etag, 128, "\"%llx-%llx-%llx-%llx.%lx-%llx.%lx\"",
	    (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
	    (unsigned long long)st->st_size,
	    (unsigned long long)st->st_mtim.tv_sec,
	    (unsigned long)st->st_mtim.tv_nsec,
	    (unsigned long long)st->st_ctim.tv_sec,
	    (unsigned long)st->st_ctim.tv_nsec);
}

void
file_answer(struct request *r, struct answer *a, int fd, int64_t size,
    const char *etag, const char *type)
{
	const char *range = r->head.range;
	int64_t from = 0, len = size;
	int got;

	answer_header(a, "ETag", "%s", etag);
	answer_header(a, "Accept-Ranges", "bytes");
	if (etag_in(r->head.if_none_match, etag)) {
		(void)close(fd);
		a->status = 304;
		return;
	}
	/* Of another version: all of it. */
	if (r->head.if_range != NULL && strcmp(r->head.if_range, etag) != 0)
		range = NULL;
	got = range_parse(range, size, &from, &len);
	if (got == -1) {
		(void)close(fd);
		answer_wrong(
		    a, W_RANGE, "there are %lld bytes", (long long)size);
		answer_header(
		    a, "Content-Range", "bytes */%lld", (long long)size);
		answer_header(a, "ETag", "%s", etag);
		return;
	}
	a->status = 200;
	if (got == 1) {
		a->status = 206;
		answer_header(a, "Content-Range", "bytes %lld-%lld/%lld",
		    (long long)from, (long long)(from + len - 1),
		    (long long)size);
	} else {
		from = 0;
		len = size;
	}
	a->type = type;
	a->fd = fd;
	a->at = from;
	a->len = len;
}
