/*
 * workdir.c - a work directory is made fresh for each attempt; or it is one
 * that an earlier one had and left as it was, with our handles on it and on our
 * file in it.  To make and remove directories and files costs a filesystem more
 * than all else that it does for a short job.
 *
 * Who had it may have done anything to it: it is used again only when it is
 * empty but for our own file, the very file, which has no other name and is
 * ours alone, as the directory is, and the script, if that is the link that we
 * put there (what it holds is the cache's affair).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "workerd/stage.h"
#include "workerd/workdir.h"
#include "workerd/worker.h"

#define ENTRIES 16 /* of one that is emptied for the next */
#define LISTING 2048

static void
forget(struct workdir *d)
{
	if (d->file != -1)
		(void)close(d->file);
	if (d->fd != -1)
		(void)close(d->fd);
	free(d->path);
	free(d);
}

void
workdir_forget(struct workdir *d)
{
	if (d != NULL)
		forget(d);
}

static bool
ours_is(const struct stat *st, mode_t mode)
{
	return st->st_mode == mode && st->st_uid == geteuid();
}

/* ---- one of an attempt ---- */

static bool
write_text(struct workdir *d, const struct sp_buf *text)
{
	if (pwrite(d->file, text->data, text->len, 0) != (ssize_t)text->len ||
	    (text->len < d->len && ftruncate(d->file, (off_t)text->len) == -1))
		return false;
	d->len = text->len;
	return true;
}

static struct workdir *
take(struct worker *w, const struct sp_buf *text, const char *script)
{
	struct workdir *d;

	if (w->workdirs.n == 0)
		return NULL;
	d = w->workdirs.idle[--w->workdirs.n];
	if (d->script_ino != 0 && strcmp(d->script, script) != 0) {
		if (unlinkat(d->fd, d->script, 0) == -1)
			goto lost;
		d->script_ino = 0;
	}
	if (write_text(d, text))
		return d;
lost:
	rmtree(d->path);
	forget(d);
	return NULL;
}

struct workdir *
workdir_make(struct worker *w, const char *path, bool kept, const char *file,
    const struct sp_buf *text, const char *script)
{
	struct workdir *d;
	struct stat st;
	int why;

	if (!kept && (d = take(w, text, script)) != NULL)
		return d;
	if ((d = calloc(1, sizeof *d)) == NULL)
		return NULL;
	d->fd = d->file = -1;
	if ((d->path = strdup(path)) != NULL &&
	    (kept || mkdir(path, 0700) == 0) &&
	    (d->fd = open(path,
		 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1 &&
	    (d->file = openat(d->fd, file,
		 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) !=
		-1 &&
	    fstat(d->file, &st) == 0 && write_text(d, text)) {
		d->ino = st.st_ino;
		return d;
	}
	why = errno;
	forget(d);
	errno = why;
	return NULL;
}

/* ---- the next one's ---- */

struct left {
	const char *file, *script;
	ino_t script_ino;
	bool found, script_found;
	int others;
};

/* One entry; false: not with that in it. */
static bool
look_at(struct workdir *d, struct left *l, const char *name)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (strcmp(name, l->file) == 0) {
		l->found =
		    fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ours_is(&st, S_IFREG | 0600) && st.st_nlink == 1 &&
		    st.st_ino == d->ino && st.st_size == (off_t)d->len;
		return l->found;
	}
	if (l->script_ino != 0 && strcmp(name, l->script) == 0 &&
	    strlen(name) < WORKDIR_SCRIPT &&
	    fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_ino == l->script_ino) {
		l->script_found = true;
		return true;
	}
	return ++l->others <= ENTRIES && unlinkat(d->fd, name, 0) == 0;
}

/* All but that; false: there is more than can be removed at once. */
static bool
empty(struct workdir *d, struct left *l)
{
	_Alignas(struct dirent64) char list[LISTING];
	const struct dirent64 *e;
	ssize_t n, at;

	if (lseek(d->fd, 0, SEEK_SET) == -1)
		return false;
	while ((n = getdents64(d->fd, list, sizeof list)) > 0)
		for (at = 0; at < n; at += e->d_reclen) {
			e = (const struct dirent64 *)(list + at);
			if (!look_at(d, l, e->d_name))
				return false;
		}
	return n == 0 && l->found;
}

void
workdir_drop(struct worker *w, struct workdir *d, const char *file,
    const char *script, ino_t script_ino, bool again)
{
	struct left l = {
		.file = file, .script = script, .script_ino = script_ino
	};
	struct workdirs *all = &w->workdirs;
	struct stat st;

	if (again && all->n < WORKDIR_IDLE && fstat(d->fd, &st) == 0 &&
	    ours_is(&st, S_IFDIR | 0700) && empty(d, &l)) {
		d->script_ino = l.script_found ? script_ino : 0;
		if (l.script_found)
			(void)strcpy(d->script, script);
		all->idle[all->n++] = d;
		return;
	}
	rmtree(d->path);
	forget(d);
}

void
workdir_close(struct worker *w)
{
	while (w->workdirs.n > 0)
		forget(w->workdirs.idle[--w->workdirs.n]);
}
