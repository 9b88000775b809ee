/*
 * lines.c - writing index/outcomes.jsonl.  Which outcomes it gets is sync.c's
 * business.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/lines.h"
#include "libspool/json.h"
#include "libspool/move.h"
#include "libspool/outcome.h"

#define NAME      "outcomes.jsonl"
#define PART      NAME ".part"
#define TEXT_MAX  (64 * 1024 * 1024)
#define TEXT_FULL (1024 * 1024) /* written when this much was added */

void
lines_clear(int dirfd, const char *path)
{
	if (unlinkat(dirfd, path, 0) == -1 && errno == EISDIR)
		(void)unlinkat(dirfd, path, AT_REMOVEDIR);
}

void
lines_init(struct lines *lines)
{
	(void)memset(lines, 0, sizeof *lines);
	lines->fd = -1;
	sp_buf_init(&lines->text, TEXT_MAX);
}

void
lines_close(struct lines *lines)
{
	if (lines->fd != -1)
		(void)close(lines->fd);
	sp_buf_clear(&lines->text);
	lines_init(lines);
}

/* Is this the file of which `mark` says how far it goes? */
static bool
known_is(int fd, const struct sql_lines *mark, off_t *size_out)
{
	char tail[SQL_TAIL];
	struct stat sb;
	ssize_t n;

	if (fstat(fd, &sb) == -1 || !S_ISREG(sb.st_mode) ||
	    sb.st_ino != mark->ino || sb.st_size < mark->at ||
	    (int64_t)mark->tail_n > mark->at)
		return false;
	n = pread(fd, tail, mark->tail_n, mark->at - (off_t)mark->tail_n);
	*size_out = sb.st_size;
	return n == (ssize_t)mark->tail_n &&
	    memcmp(tail, mark->tail, mark->tail_n) == 0;
}

enum sp_status
lines_open(struct lines *lines, int dirfd, const struct sql_lines *mark,
    struct sp_err *err)
{
	static const char *const names[] = { NAME, PART };
	off_t size = 0;
	size_t i;
	int fd;

	lines_close(lines);
	for (i = 0; i < 2; i++) {
		fd = openat(dirfd, names[i],
		    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1)
			continue;
		if (!known_is(fd, mark, &size)) {
			(void)close(fd);
			continue;
		}
		if (size > mark->at && ftruncate(fd, mark->at) == -1) {
			(void)sp_err_sys(err, "cut index/%s", names[i]);
			(void)close(fd);
			return SP_RETRY;
		}
		lines->fd = fd;
		lines->part = i == 1;
		lines->mark = lines->next = *mark;
		return SP_OK;
	}
	return SP_GONE;
}

enum sp_status
lines_make(struct lines *lines, int dirfd, struct sp_err *err)
{
	struct stat sb;

	lines_close(lines);
	lines_clear(dirfd, PART);
	lines->fd = openat(dirfd, PART,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (lines->fd == -1 || fstat(lines->fd, &sb) == -1) {
		(void)sp_err_sys(err, "make index/%s", PART);
		lines_close(lines);
		return SP_RETRY;
	}
	lines->part = true;
	lines->mark.ino = lines->next.ino = sb.st_ino;
	return SP_OK;
}

bool
lines_there_is(const struct lines *lines, int dirfd)
{
	struct stat sb;

	return lines->fd != -1 &&
	    fstatat(dirfd, lines->part ? PART : NAME, &sb,
		AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(sb.st_mode) && sb.st_ino == lines->mark.ino &&
	    sb.st_size == lines->mark.at;
}

enum sp_status
lines_add(struct lines *lines, const char *text, size_t len, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (memchr(text, '\n', len) == NULL &&
	    memchr(text, '\r', len) == NULL) {
		sp_buf_put(&lines->text, text, len);
	} else {
		if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
			return st;
		sp_json_put(&lines->text, json);
		sp_json_free(json);
	}
	sp_buf_puts(&lines->text, "\n");
	if (lines->text.failed)
		return sp_err_set(err, SP_RETRY, "no memory");
	return lines->text.len < TEXT_FULL ? SP_OK : lines_write(lines, err);
}

/* The last bytes of the file are the last of old and new together. */
static void
tail_set(struct sql_lines *mark, const char *text, size_t len)
{
	size_t keep;

	if (len >= SQL_TAIL) {
		(void)memcpy(mark->tail, text + len - SQL_TAIL, SQL_TAIL);
		mark->tail_n = SQL_TAIL;
		return;
	}
	keep = SQL_TAIL - len < mark->tail_n ? SQL_TAIL - len : mark->tail_n;
	(void)memmove(mark->tail, mark->tail + mark->tail_n - keep, keep);
	(void)memcpy(mark->tail + keep, text, len);
	mark->tail_n = keep + len;
}

enum sp_status
lines_write(struct lines *lines, struct sp_err *err)
{
	const char *data = lines->text.data;
	size_t len = lines->text.len, done = 0;
	ssize_t n;

	while (done < len) {
		n = pwrite(lines->fd, data + done, len - done,
		    lines->next.at + (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)sp_err_sys(err, "write index/%s", NAME);
			return SP_RETRY;
		}
		done += (size_t)n;
	}
	if (len > 0) {
		tail_set(&lines->next, data, len);
		lines->next.at += (int64_t)len;
	}
	sp_buf_reset(&lines->text);
	return SP_OK;
}

void
lines_keep(struct lines *lines)
{
	lines->mark = lines->next;
}

void
lines_undo(struct lines *lines)
{
	lines->next = lines->mark;
	sp_buf_reset(&lines->text);
	/* What cannot be cut is made anew. */
	if (lines->fd != -1 && ftruncate(lines->fd, lines->mark.at) == -1)
		lines_close(lines);
}

enum sp_status
lines_finish(struct lines *lines, int dirfd, struct sp_err *err)
{
	enum sp_status st;

	if (!lines->part)
		return SP_OK;
	/* a rename goes over a file, and not over a directory */
	(void)unlinkat(dirfd, NAME, AT_REMOVEDIR);
	st = sp_move_file(dirfd, PART, dirfd, NAME, true, err);
	if (st == SP_OK)
		lines->part = false;
	return st;
}
