/*
 * pinfind.c - finding the files that a job names, beside it or in the spool,
 * and hashing each once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/sha256.h"
#include "tools/pin.h"

void
pin_warn(struct pin *pin, const char *where, const char *fmt, ...)
{
	char words[2048];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	for (i = 0; i < pin->said.n; i++)
		if (strcmp(sp_names_at(&pin->said, i), words) == 0)
			return;
	(void)sp_names_add(&pin->said, words);
	complain("%s: warning: %s", where, words);
}

/* ---- places ---- */

static void
place_close(struct pin_place *place)
{
	if (place->dir != -1)
		(void)sp_fs_close(place->dir);
	place->dir = -1;
}

static void
place_open(struct pin_place *place, const char *path, const char *words)
{
	char real[PATH_MAX];

	place->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->links = true;
	(void)snprintf(place->path, sizeof place->path, "%s",
	    realpath(path, real) == NULL ? path : real);
	(void)snprintf(place->words, sizeof place->words, "%s", words);
}

/* Nothing that others planted in the spool leads us out of it. */
static void
place_spool(struct pin *pin, struct pin_place *place, enum sp_dir dir)
{
	const struct sp_spool *spool = &pin->tool->spool;

	place->dir = sp_fs_dup(spool->dir[dir]);
	place->links = false;
	(void)snprintf(place->path, sizeof place->path, "%.4000s/%s",
	    spool->path, sp_dir_text(dir));
	(void)snprintf(place->words, sizeof place->words, "%.4000s/%s",
	    spool->path, sp_dir_text(dir));
}

void
pin_init(struct pin *pin, struct tool *tool)
{
	memset(pin, 0, sizeof *pin);
	pin->tool = tool;
	pin->beside.dir = -1;
	place_spool(pin, &pin->scripts, SP_DIR_SCRIPTS);
	place_spool(pin, &pin->data, SP_DIR_DATA);
}

void
pin_clear(struct pin *pin)
{
	size_t i;

	if (pin->tool == NULL)
		return;
	place_close(&pin->beside);
	place_close(&pin->scripts);
	place_close(&pin->data);
	for (i = 0; i < pin->plan_n; i++) {
		free(pin->plan[i].key);
		free(pin->plan[i].git);
	}
	free(pin->plan);
	free(pin->file);
	sp_names_clear(&pin->said);
	sp_names_clear(&pin->tops);
	memset(pin, 0, sizeof *pin);
}

void
pin_from(struct pin *pin, const char *file)
{
	const char *slash = strrchr(file, '/');
	char dir[PATH_MAX];

	if (slash == NULL)
		(void)snprintf(dir, sizeof dir, ".");
	else
		(void)snprintf(dir, sizeof dir, "%.*s",
		    slash == file ? 1 : (int)(slash - file), file);
	place_close(&pin->beside);
	place_open(&pin->beside, dir, dir);
}

/* ---- files ---- */

/* A name that the job says is followed wherever the user put it; but it must
 * be a plain file. */
static enum sp_status
open_beside(const struct pin_place *place, const char *name, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	int fd;

	fd = openat(
	    place->dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return SP_GONE;
	if (fd == -1 || sp_fs_fstat(fd, st_out) == -1) {
		(void)sp_err_set(err, SP_BAD,
		    "%.300s/%s: %s; mend that, or leave pins out (--no-pin)",
		    place->words, name, strerror(errno));
		if (fd != -1)
			(void)sp_fs_close(fd);
		return SP_BAD;
	}
	if (!S_ISREG(st_out->st_mode)) {
		(void)sp_fs_close(fd);
		/* A directory of that name is something else. */
		return S_ISDIR(st_out->st_mode)
		    ? SP_GONE
		    : sp_err_set(err, SP_BAD,
			  "%.300s/%s is no plain file; only plain files can be "
			  "pinned",
			  place->words, name);
	}
	*fd_out = fd;
	return SP_OK;
}

enum sp_status
pin_find(struct pin *pin, const struct pin_place *there, const char *name,
    const struct pin_place **place_out, int *fd_out, struct stat *st_out,
    struct sp_err *err)
{
	enum sp_status st = SP_GONE;

	*place_out = &pin->beside;
	if (pin->beside.dir != -1)
		st = open_beside(&pin->beside, name, fd_out, st_out, err);
	if (st != SP_GONE)
		return st;
	*place_out = there;
	if (sp_open(there->dir, name, 0, fd_out, st_out, NULL) == SP_OK)
		return SP_OK;
	return sp_fs_lstat(there->dir, name, st_out) == 0 &&
		S_ISDIR(st_out->st_mode)
	    ? SP_LOST
	    : SP_GONE;
}

static bool
time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
file_same(const struct pin_file *file, const struct stat *st)
{
	return file->ino != 0 && file->ino == st->st_ino &&
	    file->dev == st->st_dev && file->size == st->st_size &&
	    time_same(&file->mtime, &st->st_mtim) &&
	    time_same(&file->ctime, &st->st_ctim);
}

/* File times are coarse: what changed a moment ago may change again unseen. */
static bool
young(const struct stat *st)
{
	time_t age = time(NULL) - st->st_ctim.tv_sec;

	return age >= -2 && age <= 2;
}

static void
file_keep(struct pin *pin, const struct stat *st, const char *hex)
{
	struct pin_file *more;
	size_t cap, i;

	if (st->st_ino == 0) /* one of another machine */
		return;
	for (i = 0; i < pin->file_n; i++)
		if (pin->file[i].ino == st->st_ino &&
		    pin->file[i].dev == st->st_dev)
			break;
	if (i == pin->file_cap) {
		cap = i == 0 ? 64 : 2 * i;
		if ((more = realloc(pin->file, cap * sizeof *more)) == NULL)
			return;
		pin->file = more;
		pin->file_cap = cap;
	}
	pin->file_n += i == pin->file_n;
	pin->file[i] = (struct pin_file){ .dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim };
	(void)snprintf(pin->file[i].hex, sizeof pin->file[i].hex, "%s", hex);
}

enum sp_status
pin_put(void *arg, int fd, const struct stat *st, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	struct pin *pin = arg;
	enum sp_status s;
	size_t i;

	for (i = 0; i < pin->file_n; i++)
		if (file_same(&pin->file[i], st) && !young(st)) {
			(void)memcpy(hex_out, pin->file[i].hex, SP_SHA_LEN + 1);
			return SP_OK;
		}
	s = sp_blob_put(&pin->tool->spool, fd, hex_out, err);
	if (s == SP_OK)
		file_keep(pin, st, hex_out);
	return s;
}

void
pin_compare(struct pin *pin, const char *where, const struct pin_place *found,
    const struct pin_place *there, const char *name, const struct stat *st,
    const char *hex)
{
	char other[SP_SHA_LEN + 1];
	struct stat is;
	bool differs;
	int fd;

	if (found == there ||
	    sp_open(there->dir, name, 0, &fd, &is, NULL) != SP_OK)
		return;
	differs = is.st_size != st->st_size ||
	    ((is.st_ino != st->st_ino || is.st_dev != st->st_dev) &&
		sp_sha_file(fd, other, NULL) == SP_OK &&
		strcmp(other, hex) != 0);
	(void)sp_fs_close(fd);
	if (differs)
		pin_warn(pin, where,
		    "%.500s/%s and %.500s/%s differ; the first, beside the "
		    "job, is what will run",
		    found->words, name, there->words, name);
}
