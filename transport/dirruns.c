/*
 * dirruns.c - runs/DAY/ID/: the log and the metrics of each attempt and the
 * directory out/ that is $SPOOL_OUT.  Nothing here is synced and nothing here
 * decides anything: a log that cannot be written must not hurt the job.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/spare.h"
#include "transport/dir.h"

#define PATH_ROOM (SP_DAY_LEN + 1 + SP_ID_LEN + 1 + SP_NAME_MAX + 16)

static enum sp_status
make_out(
    struct dir *d, const struct sp_id *id, bool *old_out, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	if ((st = sp_run_make(&d->spool, id, &fd, err)) != SP_OK)
		return st;
	*old_out = false;
	if (sp_fs_mkdir(fd, "out", 0777) == 0)
		dir_idle_made(d, fd);
	else if (errno == EEXIST)
		*old_out = true;
	else
		st = sp_err_sys(err, "make runs/%s/out", id->text);
	(void)sp_fs_close(fd);
	return st;
}

/*
 * Made when the job starts, for a script should find $SPOOL_OUT and not have to
 * make it; whether an earlier attempt was here is told by its being there.
 */
enum sp_status
dir_out(struct tr *tr, const struct sp_id *id, char *path_out, size_t size,
    bool *old_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	char day[SP_DAY_LEN + 1];
	enum sp_status st;
	int n;

	if (sp_fs_far(d->spool.root))
		return SP_GONE;
	if (dir_idle_take(d, id)) {
		*old_out = false;
		st = SP_OK;
	} else
		st = make_out(d, id, old_out, err);
	if (st != SP_OK)
		return st;
	sp_id_day(id, day);
	n = snprintf(
	    path_out, size, "%s/runs/%s/%s/out", d->spool.path, day, id->text);
	if (st == SP_OK && (n < 0 || (size_t)n >= size))
		st = sp_err_set(err, SP_FATAL, "the spool's path is too long");
	return st;
}

/* Half of it would be read as a whole line. */
static enum sp_status
append_whole(int fd, int64_t at, const void *data, size_t len)
{
	enum sp_status st;
	struct stat was;
	int saved;

	if (sp_fs_fstat(fd, &was) == -1)
		return sp_errno_status(errno);
	if (at > was.st_size)
		at = was.st_size;
	st = sp_fs_seek(fd, at) == -1 ? sp_errno_status(errno)
				      : sp_write_all(fd, data, len);
	saved = errno;
	if (st != SP_OK)
		(void)!sp_fs_ftruncate(fd, at);
	errno = saved;
	return st;
}

/* It, made if it is not there.  Over there mostly it is, and so is what it lies
 * in: that is found out by trying. */
static int
trace_open(const struct sp_spool *spool, const struct sp_id *id,
    const char *file, struct sp_err *err)
{
	/* O_NONBLOCK: a FIFO planted here must not hold us up. */
	const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
	char day[SP_DAY_LEN + 1], path[PATH_ROOM];
	int dirfd, fd;

	if (sp_fs_far(spool->root)) {
		sp_id_day(id, day);
		(void)snprintf(
		    path, sizeof path, "%s/%s/%s", day, id->text, file);
		fd = sp_fs_open(spool->dir[SP_DIR_RUNS], path, flags, 0666);
		if (fd != -1 || errno != ENOENT)
			return fd;
	}
	if (sp_run_make(spool, id, &dirfd, err) != SP_OK)
		return -1;
	fd = sp_fs_open(dirfd, file, flags, 0666);
	(void)sp_fs_close(dirfd);
	return fd;
}

/*
 * In two round trips, where all is as expected: what comes first is put into a
 * file that was not there, in a directory that may not have been; what follows
 * goes behind what is there.  SP_LOST: it is not so; the long way finds out,
 * and cuts what is beyond *cut_out unless that is -1.
 */
static enum sp_status
append_far(const struct sp_spool *spool, const struct sp_id *id,
    const char *file, int64_t at, const void *data, size_t len,
    int64_t *cut_out, struct sp_err *err)
{
	char day[SP_DAY_LEN + 1], run[PATH_ROOM], path[2 * PATH_ROOM];
	int runs = spool->dir[SP_DIR_RUNS];
	struct stat was = { 0 };
	struct sp_fs_op ops[2] = {
		{ .what = SP_FS_MKDIR, .dir = runs, .path = run },
		{ .what = at == 0 ? SP_FS_PUT : SP_FS_WRITE,
		    .dir = runs,
		    .path = path,
		    .data = data,
		    .len = len,
		    .at = at,
		    .flags = SP_PUT_EXCL,
		    .st = &was },
	};

	sp_id_day(id, day);
	(void)snprintf(run, sizeof run, "%s/%s", day, id->text);
	(void)snprintf(path, sizeof path, "%s/%s", run, file);
	sp_fs_many(at == 0 ? ops : ops + 1, at == 0 ? 2 : 1);
	if (ops[1].error == EHOSTDOWN) {
		errno = EHOSTDOWN;
		return sp_err_sys(err, "write runs/%s/%s", id->text, file);
	}
	if (ops[1].error != 0)
		return SP_LOST;
	/* Somebody has cut it: there is a hole now, which goes again. */
	if (at > was.st_size)
		*cut_out = was.st_size;
	return at > was.st_size ? SP_LOST : SP_OK;
}

/* Where there is no room: once more with some that was set aside. */
static enum sp_status
append_here(const struct sp_spool *spool, const struct sp_id *id,
    const char *file, int64_t cut, int64_t at, const void *data, size_t len,
    struct sp_err *err)
{
	struct sp_err why;
	enum sp_status st;
	int fd;

	do {
		sp_err_clear(&why);
		fd = trace_open(spool, id, file, &why);
		if (fd == -1) {
			st =
			    sp_err_sys(&why, "open runs/%s/%s", id->text, file);
			continue;
		}
		st = cut >= 0 && sp_fs_ftruncate(fd, cut) == -1
		    ? sp_errno_status(errno)
		    : append_whole(fd, at, data, len);
		if (st != SP_OK)
			(void)sp_err_sys(
			    &why, "write runs/%s/%s", id->text, file);
		if (sp_fs_close(fd) == -1 && st == SP_OK)
			st = sp_err_sys(
			    &why, "close runs/%s/%s", id->text, file);
	} while (st != SP_OK && sp_spare_short_is(errno) &&
	    sp_spare_lend(spool->spare));
	return st == SP_OK ? st : sp_err_set(err, st, "%s", why.text);
}

enum sp_status
dir_append(struct tr *tr, const struct sp_name *claimed, enum tr_trace which,
    int64_t at, const void *data, size_t len, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char name[SP_NAME_MAX], file[SP_NAME_MAX + 16];
	int64_t cut = -1;
	enum sp_status st;

	sp_attempt_print(claimed, name);
	(void)snprintf(file, sizeof file, "%s%s", name + SP_ID_LEN + 1,
	    which == TR_LOG ? ".log" : ".metrics.jsonl");
	if (sp_fs_far(spool->root)) {
		st = append_far(
		    spool, &claimed->id, file, at, data, len, &cut, err);
		if (st != SP_LOST)
			return st;
	}
	return append_here(spool, &claimed->id, file, cut, at, data, len, err);
}

/* ---- pins ---- */

#define PINS "pins.json"

enum sp_status
dir_pins(struct tr *tr, const struct sp_id *id, struct sp_buf *text_out,
    struct sp_err *err)
{
	char day[SP_DAY_LEN + 1], path[PATH_ROOM];
	struct stat is;

	sp_id_day(id, day);
	(void)snprintf(path, sizeof path, "%s/%s/" PINS, day, id->text);
	return sp_read(dir_of(tr)->spool.dir[SP_DIR_RUNS], path, 65536,
	    text_out, &is, err);
}

enum sp_status
dir_pin(struct tr *tr, const struct sp_id *id, const struct sp_buf *text,
    struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	enum sp_status st;
	int fd;

	if ((st = sp_run_make(spool, id, &fd, err)) != SP_OK)
		return st;
	st = sp_publish(
	    spool, fd, PINS, text->data, text->len, SP_PUB_LAZY, err);
	(void)sp_fs_close(fd);
	return st;
}

/* ---- what is left empty ---- */

struct empty {
	char run[PATH_ROOM], out[PATH_ROOM + 4];
};

static void
empty_ops(const struct sp_spool *spool, const struct sp_id *id, struct empty *e,
    struct sp_fs_op ops[2])
{
	int runs = spool->dir[SP_DIR_RUNS];
	char day[SP_DAY_LEN + 1];

	sp_id_day(id, day);
	(void)snprintf(e->run, sizeof e->run, "%s/%s", day, id->text);
	(void)snprintf(e->out, sizeof e->out, "%s/out", e->run);
	ops[0] = (struct sp_fs_op){
		.what = SP_FS_RMDIR, .dir = runs, .path = e->out
	};
	ops[1] = (struct sp_fs_op){
		.what = SP_FS_RMDIR, .dir = runs, .path = e->run
	};
}

/* Only after the commit: before it another attempt may be starting there. */
void
dir_tidy(const struct sp_spool *spool, const struct sp_id *id)
{
	struct sp_fs_op ops[2];
	struct empty e;
	int fd;

	empty_ops(spool, id, &e, ops);
	if (sp_fs_far(spool->root)) {
		sp_fs_many(ops, 2);
		return;
	}
	if (sp_run_open(spool, id, false, &fd, NULL) != SP_OK)
		return;
	(void)sp_fs_rmdir(fd, "out");
	(void)sp_fs_close(fd);
	(void)sp_fs_rmdir(spool->dir[SP_DIR_RUNS], e.run);
}

void
dir_tidy_all(
    const struct sp_spool *spool, const struct sp_ended *group, size_t n)
{
	struct sp_fs_op *ops = calloc(2 * n + 1, sizeof *ops);
	struct empty *e = calloc(n + 1, sizeof *e);
	size_t i, k = 0;

	for (i = 0; i < n && ops != NULL && e != NULL; i++) {
		if (group[i].status != SP_OK)
			continue;
		empty_ops(spool, &group[i].name.id, &e[i], ops + k);
		k += 2;
	}
	sp_fs_many(ops, k);
	free(e);
	free(ops);
}
