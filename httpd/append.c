/*
 * append.c - logs and metrics of an attempt, added to where they end.  Not
 * synced: a log that a power cut shortens must not slow the job.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/crash.h"
#include "libspool/file.h"

/* Does the file hold these bytes there? */
static bool
same_is(int fd, const char *data, size_t len, off_t at)
{
	char buf[65536];
	size_t done;
	ssize_t n;

	for (done = 0; done < len; done += (size_t)n) {
		n = pread(fd, buf,
		    len - done < sizeof buf ? len - done : sizeof buf,
		    at + (off_t)done);
		if (n <= 0 || memcmp(buf, data + done, (size_t)n) != 0)
			return false;
	}
	return true;
}

/*
 * What stands where the body belongs comes of an earlier try.  If it is the
 * same it stays, also what is behind it: this request may be one that was long
 * on its way.  If it is not, its worker has thought better of it.
 */
static enum sp_status
append(int fd, const char *data, size_t len, int64_t at, int64_t *size_out,
    struct sp_err *err)
{
	struct stat was;
	enum sp_status st = SP_OK;
	size_t over;

	if (flock(fd, LOCK_EX) == -1 || fstat(fd, &was) == -1)
		return sp_err_sys(err, "the file");
	*size_out = was.st_size;
	if (at < 0)
		at = was.st_size;
	if (at > was.st_size)
		return SP_LOST;
	over = (size_t)(was.st_size - at);
	over = over > len ? len : over;
	if (same_is(fd, data, over, at)) {
		at += (int64_t)over;
		data += over;
		len -= over;
	} else if (ftruncate(fd, at) == -1) {
		return sp_err_sys(err, "cut");
	} else {
		was.st_size = at;
	}
	if (len > 0 && lseek(fd, at, SEEK_SET) != -1)
		st = sp_write_all(fd, data, len);
	if (st != SP_OK) {
		(void)sp_err_sys(err, "write");
		/* Half of it would come twice. */
		(void)!ftruncate(fd, was.st_size);
		return st;
	}
	if (at + (int64_t)len > *size_out || was.st_size < *size_out)
		*size_out = at + (int64_t)len;
	return SP_OK;
}

/* May this attempt still leave something?  Held: yes.  Over or taken away: what
 * it has begun it may end, that is all. */
static int
trace_open(struct server *s, const struct sp_name *name, size_t which,
    struct sp_err *err, enum sp_status *st)
{
	char attempt[SP_NAME_MAX], file[SP_NAME_MAX + 16];
	bool held;
	int run, fd;

	*st = claim_stands(s, name, err);
	held = *st == SP_OK;
	if (*st != SP_OK && *st != SP_LOST)
		return -1;
	*st = held ? sp_run_make(&s->spool, &name->id, &run, err)
		   : sp_run_open(&s->spool, &name->id, false, &run, NULL);
	if (*st != SP_OK) {
		*st = held ? *st : SP_LOST;
		return -1;
	}
	sp_attempt_print(name, attempt);
	(void)snprintf(file, sizeof file, "%s%s", attempt + SP_ID_LEN + 1,
	    run_endings[which]);
	/* O_NONBLOCK: a FIFO planted here must not hold us up. */
	fd = openat(run, file,
	    O_RDWR | (held ? O_CREAT : 0) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0666);
	if (fd == -1)
		*st = held ? sp_err_sys(err, "open %s", file) : SP_LOST;
	(void)close(run);
	return fd;
}

static void
add(struct server *s, struct request *r, struct answer *a, size_t which)
{
	static const char *const keys[] = { "at", NULL };
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_status st;
	int64_t at, size = 0;
	struct sp_jw w;
	int fd;

	if (!query_only(r, keys, a) || !claim_named(r, &name, a) ||
	    !query_int(r, "at", 0, FILE_MOST, -1, &at, a) || !body_text(r, a))
		return;
	if ((fd = trace_open(s, &name, which, &err, &st)) != -1) {
		SP_CRASH("append.before");
		st = append(fd, sp_buf_text(&r->body), r->body.len,
		    r->body.len == 0 ? -1 : at, &size, &err);
		SP_CRASH("append.after");
		(void)close(fd);
		if (st == SP_LOST) {
			answer_wrong_at(a, W_OFFSET, "size", size,
			    "at: found %lld, but there are %lld bytes",
			    (long long)at, (long long)size);
			return;
		}
	}
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	if (r->body.len > 0)
		clock_news(s, WAKE_GROWTH);
	answer_object(a, 200, &w);
	sp_jw_int(&w, "size", size);
	answer_end(a, &w);
}

void
v1_log_append(struct server *s, struct request *r, struct answer *a)
{
	add(s, r, a, 0);
}

void
v1_metrics_append(struct server *s, struct request *r, struct answer *a)
{
	add(s, r, a, 1);
}
