/*
 * outlook.c - what lies in the local $SPOOL_OUT, and what of it was copied as
 * it is now.  Knows nothing of who copies.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/outcopy.h"

#define DEEPEST   32
#define LOOK_MOST 100000
#define PATH_LONG 1024

bool
outlook_path_ok(const char *path)
{
	const char *at = path, *end;
	size_t n;

	if (strlen(path) >= PATH_LONG)
		return false;
	for (;; at = end + 1) {
		end = strchr(at, '/');
		n = end == NULL ? strlen(at) : (size_t)(end - at);
		if (n == 0 || n > 255 || (n <= 2 && strncmp(at, "..", n) == 0))
			return false;
		if (end == NULL)
			return true;
	}
}

/* Where it is, or belongs. */
static size_t
place_of(const struct outlook *l, const char *path, bool *there)
{
	size_t low = 0, high = l->n, mid;
	int order;

	*there = false;
	while (low < high) {
		mid = (low + high) / 2;
		order = strcmp(l->at[mid].path, path);
		if (order == 0) {
			*there = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct outfile *
row_of(struct outlook *l, const char *path)
{
	size_t cap = l->cap == 0 ? 32 : l->cap * 2, i;
	struct outfile *more;
	bool there;

	i = place_of(l, path, &there);
	if (there)
		return &l->at[i];
	if (l->n == l->cap) {
		if ((more = realloc(l->at, cap * sizeof *more)) == NULL)
			return NULL;
		l->at = more;
		l->cap = cap;
	}
	(void)memmove(&l->at[i + 1], &l->at[i], (l->n - i) * sizeof *l->at);
	(void)memset(&l->at[i], 0, sizeof l->at[i]);
	if ((l->at[i].path = strdup(path)) == NULL) {
		(void)memmove(
		    &l->at[i], &l->at[i + 1], (l->n - i) * sizeof *l->at);
		return NULL;
	}
	l->n++;
	return &l->at[i];
}

static int64_t
mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool
met(struct outlook *l, const char *path, const struct stat *st)
{
	struct outfile *f = row_of(l, path);

	if (f == NULL)
		return false;
	f->calm = f->ino == st->st_ino && f->size == st->st_size &&
	    f->mtime == mtime_of(st);
	f->ino = st->st_ino;
	f->size = st->st_size;
	f->mtime = mtime_of(st);
	f->here = true;
	f->sent = f->sent && f->sent_ino == f->ino && f->sent_size == f->size &&
	    f->sent_mtime == f->mtime;
	return true;
}

bool
outlook_sent(struct outlook *l, const char *path, const struct stat *st)
{
	struct outfile *f = row_of(l, path);

	if (f == NULL)
		return false;
	f->sent = true;
	f->sent_ino = st->st_ino;
	f->sent_size = st->st_size;
	f->sent_mtime = mtime_of(st);
	return true;
}

struct walk {
	struct outlook *look;
	size_t seen;
	bool failed;
	char path[PATH_LONG + 1];
};

static void walk(struct walk *w, int fd, size_t len, int depth);

static void
one(struct walk *w, int dir, const char *name, size_t len, int depth)
{
	size_t n = strlen(name);
	struct stat st;
	int fd;

	if (++w->seen > LOOK_MOST || len + n + 1 >= PATH_LONG) {
		w->look->cut = true;
		return;
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	(void)memcpy(w->path + len, name, n + 1);
	if (S_ISREG(st.st_mode)) {
		if (!met(w->look, w->path, &st))
			w->failed = true;
		return;
	}
	if (!S_ISDIR(st.st_mode))
		return;
	fd = depth >= DEEPEST
	    ? -1
	    : openat(
		  dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		w->look->cut = true;
		return;
	}
	(void)memcpy(w->path + len + n, "/", 2);
	walk(w, fd, len + n + 1, depth + 1);
}

/* Takes the handle. */
static void
walk(struct walk *w, int fd, size_t len, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		(void)close(fd);
		w->failed = true;
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			one(w, fd, e->d_name, len, depth);
	(void)closedir(d);
}

bool
outlook_round(struct outlook *l, const char *root)
{
	struct walk *w = calloc(1, sizeof *w);
	bool ok;
	size_t i;
	int fd;

	if (w == NULL)
		return false;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (i = 0; i < l->n; i++)
		l->at[i].here = false;
	l->cut = false;
	w->look = l;
	if (fd != -1)
		walk(w, fd, 0, 0);
	ok = fd != -1 && !w->failed;
	free(w);
	return ok;
}

void
outlook_clear(struct outlook *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->at[i].path);
	free(l->at);
	*l = (struct outlook){ 0 };
}
