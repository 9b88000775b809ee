/*
 * memfs.c - a server's files in memory.  Flat: a name is a whole path, and
 * several may lead to one inode.  One lock, so that every request is one step,
 * but for what is ordered to be two.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/memfs.h"

struct inode {
	mode_t mode;
	unsigned links, opens;
	long number, modified, changed;
	char *data;
	size_t len;
};

struct entry {
	char *path;
	struct inode *to;
};

struct memfs {
	pthread_mutex_t lock;
	struct entry *at;
	size_t n, cap;
	long clock, numbers;
	unsigned trips;
	int good; /* -1: no fault is ordered */
	bool happens, blip, down;
};

struct client {
	struct memfs *m;
	struct sp_fs_ops ops;
	unsigned manners;
};

struct file {
	struct inode *to;
	bool append, written;
};

/* ---- the tree, under the lock ---- */

static struct entry *
find(struct memfs *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->at[i].path, path) == 0)
			return &m->at[i];
	return NULL;
}

static bool
parent_is(struct memfs *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct entry *e;
	char up[PATH_MAX];

	if (slash == NULL)
		return true;
	(void)memcpy(up, path, (size_t)(slash - path));
	up[slash - path] = '\0';
	return (e = find(m, up)) != NULL && S_ISDIR(e->to->mode);
}

static void
unref(struct inode *i)
{
	if (i->links > 0 || i->opens > 0)
		return;
	free(i->data);
	free(i);
}

static struct inode *
inode_new(struct memfs *m, mode_t mode)
{
	struct inode *i = calloc(1, sizeof *i);

	i->mode = mode;
	i->number = ++m->numbers;
	i->modified = i->changed = ++m->clock;
	return i;
}

static void
name_add(struct memfs *m, const char *path, struct inode *to)
{
	if (m->n == m->cap) {
		m->cap = m->cap * 2 + 64;
		m->at = realloc(m->at, m->cap * sizeof *m->at);
	}
	m->at[m->n++] = (struct entry){ strdup(path), to };
	to->links++;
	to->changed = ++m->clock;
}

static void
name_drop(struct memfs *m, struct entry *e)
{
	struct inode *to = e->to;

	free(e->path);
	*e = m->at[--m->n];
	to->links--;
	to->changed = ++m->clock;
	unref(to);
}

static bool
below_is(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, ".") == 0)
		return strchr(path, '/') == NULL;
	return strncmp(path, dir, n) == 0 && path[n] == '/' &&
	    strchr(path + n + 1, '/') == NULL;
}

static void
stat_of(
    const struct client *c, const struct inode *i, bool links, struct stat *st)
{
	(void)memset(st, 0, sizeof *st);
	st->st_mode = i->mode;
	st->st_size = (off_t)i->len;
	/* Each change takes a second. */
	st->st_mtim.tv_sec = st->st_ctim.tv_sec = 1000000 + i->modified;
	if ((c->manners & MEMFS_SECONDS) == 0) {
		st->st_ino = (ino_t)i->number;
		st->st_dev = 1;
		st->st_ctim.tv_sec = 1000000 + i->changed;
	}
	if (links || (c->manners & MEMFS_NO_LINKS) == 0)
		st->st_nlink = i->links;
}

/* ---- faults ---- */

/* Before each request.  0: it arrives. */
static int
arrive(struct memfs *m, unsigned trips)
{
	m->trips += trips;
	return m->down ? -EHOSTDOWN : 0;
}

/* Before one that changes something: is it done; and what is answered? */
static bool
done_is(struct memfs *m, int *answer)
{
	*answer = 0;
	if (m->good < 0 || m->good-- > 0)
		return true;
	m->down = !m->blip;
	*answer = -EHOSTDOWN;
	return m->happens;
}

/* ---- the table ---- */

/* As the requests of SFTP cost: a look before an open, an open before a read,
 * and nobody waits for the answer to a close but of what was written. */
#define BEGIN BEGIN_AT(1)
#define BEGIN_AT(trips)                                                        \
	struct client *c = tree;                                               \
	struct memfs *m = c->m;                                                \
	int rc = 0, answer = 0;                                                \
	(void)pthread_mutex_lock(&m->lock);                                    \
	if ((rc = arrive(m, trips)) < 0)                                       \
	goto out

#define END                                                                    \
	out:                                                                   \
	(void)pthread_mutex_unlock(&m->lock);                                  \
	return answer < 0 ? answer : rc

static int
mem_open(void *tree, const char *path, int flags, mode_t mode, void **file_out,
    struct stat *st_out)
{
	struct entry *e;
	struct file *f;
	struct inode *i;

	BEGIN_AT((flags & O_EXCL) != 0 ? 1 : 2);
	e = find(m, path);
	if (e != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		rc = -EEXIST;
	else if (e != NULL && !S_ISREG(e->to->mode))
		rc = S_ISDIR(e->to->mode)  ? -EISDIR
		    : S_ISLNK(e->to->mode) ? -ELOOP
					   : -ENXIO;
	else if (e == NULL && ((flags & O_CREAT) == 0 || !parent_is(m, path)))
		rc = -ENOENT;
	if (rc < 0)
		goto out;
	if ((e == NULL || (flags & O_TRUNC) != 0) && !done_is(m, &answer))
		goto out;
	if (e == NULL) {
		i = inode_new(m, S_IFREG | (mode & 0644));
		name_add(m, path, i);
	} else
		i = e->to;
	if ((flags & O_TRUNC) != 0)
		i->len = 0;
	if (answer < 0)
		goto out;
	f = calloc(1, sizeof *f);
	f->to = i;
	f->append = (flags & O_APPEND) != 0;
	f->written = (flags & O_ACCMODE) != O_RDONLY;
	i->opens++;
	*file_out = f;
	if (st_out != NULL)
		stat_of(c, i, false, st_out);
	END;
}

static int
mem_close(void *tree, void *file)
{
	struct file *f = file;

	BEGIN_AT(((struct file *)file)->written ? 1 : 0);
out:
	f->to->opens--;
	unref(f->to);
	free(f);
	(void)pthread_mutex_unlock(&m->lock);
	return answer < 0 ? answer : rc;
}

static ssize_t
mem_pread(void *tree, void *file, void *data, size_t len, off_t at)
{
	const struct inode *i = ((struct file *)file)->to;
	size_t n = 0;

	BEGIN;
	if ((size_t)at < i->len) {
		n = i->len - (size_t)at < len ? i->len - (size_t)at : len;
		(void)memcpy(data, i->data + at, n);
	}
	rc = (int)n;
	END;
}

static ssize_t
mem_pwrite(void *tree, void *file, const void *data, size_t len, off_t at)
{
	const struct file *f = file;
	struct inode *i = f->to;

	BEGIN;
	if (!done_is(m, &answer))
		goto out;
	if (f->append)
		at = (off_t)i->len;
	if ((size_t)at + len > i->len) {
		i->data = realloc(i->data, (size_t)at + len + 1);
		(void)memset(i->data + i->len, 0, (size_t)at + len - i->len);
		i->len = (size_t)at + len;
	}
	if (len > 0)
		(void)memcpy(i->data + at, data, len);
	i->modified = i->changed = ++m->clock;
	rc = (int)len;
	END;
}

static int
mem_fstat(void *tree, void *file, struct stat *st_out)
{
	BEGIN;
	stat_of(c, ((struct file *)file)->to, false, st_out);
	END;
}

static int
mem_ftruncate(void *tree, void *file, off_t len)
{
	struct inode *i = ((struct file *)file)->to;

	BEGIN;
	if (!done_is(m, &answer))
		goto out;
	if ((size_t)len < i->len)
		i->len = (size_t)len;
	END;
}

static int
mem_fsync(void *tree, void *file)
{
	(void)file;
	BEGIN;
	END;
}

static int
mem_lstat(void *tree, const char *path, struct stat *st_out)
{
	struct inode root = { .mode = S_IFDIR | 0755 };
	struct entry *e;

	BEGIN;
	if ((e = find(m, path)) != NULL)
		stat_of(c, e->to, false, st_out);
	else if (strcmp(path, ".") == 0)
		stat_of(c, &root, false, st_out);
	else
		rc = -ENOENT;
	END;
}

static int
mem_list(void *tree, const char *path, sp_fs_one_fn *one, void *arg)
{
	const char *slash;
	struct entry *e;
	struct stat st;
	size_t i;

	BEGIN_AT(3);
	if (strcmp(path, ".") != 0 &&
	    ((e = find(m, path)) == NULL || !S_ISDIR(e->to->mode)))
		rc = e == NULL ? -ENOENT : -ENOTDIR;
	for (i = 0; i < m->n && rc == 0; i++) {
		if (!below_is(m->at[i].path, path))
			continue;
		stat_of(c, m->at[i].to, true, &st);
		slash = strrchr(m->at[i].path, '/');
		if (!one(arg, slash == NULL ? m->at[i].path : slash + 1, &st))
			break;
	}
	END;
}

static int
mem_rename(void *tree, const char *from, const char *to, unsigned flags)
{
	struct inode *moved;
	struct entry *a, *b;

	BEGIN;
	a = find(m, from);
	b = find(m, to);
	if ((flags & RENAME_NOREPLACE) != 0 &&
	    (c->manners & MEMFS_NO_REPLACE) != 0)
		rc = -EINVAL;
	else if (a == NULL || !parent_is(m, to))
		rc = -ENOENT;
	else if (b != NULL && (flags != 0 || (c->manners & MEMFS_BY_LINK) != 0))
		rc = -EEXIST;
	if (rc < 0 || !done_is(m, &answer))
		goto out;
	if (b != NULL && a->to == b->to)
		goto out;
	moved = a->to;
	if (b != NULL)
		name_drop(m, b);
	name_add(m, to, moved);
	/* Half of it, when the server dies at it. */
	if (answer == 0 || (c->manners & MEMFS_BY_LINK) == 0)
		name_drop(m, find(m, from));
	END;
}

static int
mem_link(void *tree, const char *from, const char *to)
{
	struct entry *a;

	BEGIN;
	a = find(m, from);
	if (a == NULL || !parent_is(m, to))
		rc = -ENOENT;
	else if (find(m, to) != NULL)
		rc = -EEXIST;
	if (rc < 0 || !done_is(m, &answer))
		goto out;
	name_add(m, to, a->to);
	END;
}

static int
mem_unlink(void *tree, const char *path)
{
	struct entry *e;

	BEGIN;
	e = find(m, path);
	if (e == NULL || S_ISDIR(e->to->mode))
		rc = e == NULL ? -ENOENT : -EISDIR;
	else if (done_is(m, &answer))
		name_drop(m, e);
	END;
}

static int
mem_mkdir(void *tree, const char *path, mode_t mode)
{
	BEGIN;
	if (find(m, path) != NULL)
		rc = -EEXIST;
	else if (!parent_is(m, path))
		rc = -ENOENT;
	else if (done_is(m, &answer))
		name_add(m, path, inode_new(m, S_IFDIR | (mode & 0755)));
	END;
}

static int
mem_rmdir(void *tree, const char *path)
{
	struct entry *e;
	size_t i;

	BEGIN;
	if ((e = find(m, path)) == NULL || !S_ISDIR(e->to->mode))
		rc = e == NULL ? -ENOENT : -ENOTDIR;
	for (i = 0; i < m->n && rc == 0; i++)
		if (below_is(m->at[i].path, path))
			rc = -ENOTEMPTY;
	if (rc == 0 && done_is(m, &answer))
		name_drop(m, e);
	END;
}

static int
mem_syncdir(void *tree, const char *path)
{
	(void)path;
	BEGIN_AT(2);
	END;
}

static unsigned
mem_facts(void *tree)
{
	const struct client *c = tree;
	unsigned facts = SP_FS_DURABLE;

	if ((c->manners & MEMFS_BY_LINK) == 0)
		facts |= SP_FS_REAL_RENAME;
	if ((c->manners & MEMFS_SECONDS) == 0)
		facts |= SP_FS_FINE_TIMES | SP_FS_INODES;
	return facts;
}

/* Two: what is in the listing of its directory. */
static int
mem_links(void *tree, const char *path, struct stat *st_out)
{
	struct entry *e;

	BEGIN_AT(2);
	if ((e = find(m, path)) != NULL)
		stat_of(c, e->to, true, st_out);
	else
		rc = -ENOENT;
	END;
}

static void
trips_are(struct memfs *m, unsigned trips)
{
	(void)pthread_mutex_lock(&m->lock);
	m->trips = trips;
	(void)pthread_mutex_unlock(&m->lock);
}

/* As open, pwrite, fsync and close, but these three are asked at once. */
static int
mem_put(
    void *tree, const char *path, const void *data, size_t len, unsigned flags)
{
	struct memfs *m = ((struct client *)tree)->m;
	unsigned was;
	void *file;
	ssize_t n = 0;
	int rc;

	rc = mem_open(tree, path,
	    O_WRONLY | O_CREAT | (flags & SP_PUT_EXCL ? O_EXCL : O_TRUNC), 0666,
	    &file, NULL);
	if (rc < 0)
		return rc;
	was = memfs_trips(m);
	if (len > 0)
		n = mem_pwrite(tree, file, data, len, 0);
	rc = mem_close(tree, file);
	trips_are(m, was + 1);
	return n < 0 ? (int)n : rc;
}

/* One trip for all of them: each is asked as if alone, and only the first is
 * counted. */
static void
mem_many(void *tree, struct sp_fs_op *ops, size_t n)
{
	struct client *c = tree;
	unsigned before, cost, most = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		(void)pthread_mutex_lock(&c->m->lock);
		before = c->m->trips;
		(void)pthread_mutex_unlock(&c->m->lock);
		sp_fs_alone(&ops[i]);
		(void)pthread_mutex_lock(&c->m->lock);
		cost = c->m->trips - before;
		/* Over SFTP it looks, opens, and the rest goes together. */
		if (ops[i].what == SP_FS_WRITE && cost > 3)
			cost = 3;
		most = cost > most ? cost : most;
		c->m->trips = before;
		(void)pthread_mutex_unlock(&c->m->lock);
	}
	(void)pthread_mutex_lock(&c->m->lock);
	c->m->trips += most;
	(void)pthread_mutex_unlock(&c->m->lock);
}

static const struct sp_fs_ops mem_ops = {
	.name = "memory",
	.leave = free,
	.facts = mem_facts,
	.open = mem_open,
	.close = mem_close,
	.pread = mem_pread,
	.pwrite = mem_pwrite,
	.fstat = mem_fstat,
	.ftruncate = mem_ftruncate,
	.fsync = mem_fsync,
	.lstat = mem_lstat,
	.list = mem_list,
	.rename = mem_rename,
	.link = mem_link,
	.unlink = mem_unlink,
	.mkdir = mem_mkdir,
	.rmdir = mem_rmdir,
	.syncdir = mem_syncdir,
	.links = mem_links,
	.put = mem_put,
	.many = mem_many,
};

/* ---- the server ---- */

struct memfs *
memfs_new(void)
{
	struct memfs *m = calloc(1, sizeof *m);

	(void)pthread_mutex_init(&m->lock, NULL);
	m->good = -1;
	return m;
}

void
memfs_free(struct memfs *m)
{
	while (m->n > 0)
		name_drop(m, &m->at[m->n - 1]);
	free(m->at);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

int
memfs_client(struct memfs *m, unsigned manners)
{
	struct client *c = calloc(1, sizeof *c);

	c->m = m;
	c->manners = manners;
	c->ops = mem_ops;
	if ((manners & MEMFS_NO_MANY) != 0)
		c->ops.many = NULL;
	return sp_fs_root(&c->ops, c);
}

void
memfs_cut(struct memfs *m, int good, bool happens)
{
	(void)pthread_mutex_lock(&m->lock);
	m->good = good;
	m->happens = happens;
	m->blip = false;
	(void)pthread_mutex_unlock(&m->lock);
}

void
memfs_blip(struct memfs *m, int good, bool happens)
{
	memfs_cut(m, good, happens);
	m->blip = true;
}

void
memfs_mend(struct memfs *m)
{
	(void)pthread_mutex_lock(&m->lock);
	m->good = -1;
	m->down = false;
	(void)pthread_mutex_unlock(&m->lock);
}

unsigned
memfs_trips(const struct memfs *m)
{
	return m->trips;
}

size_t
memfs_names(const struct memfs *m)
{
	return m->n;
}

unsigned
memfs_links(const struct memfs *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->at[i].path, path) == 0)
			return m->at[i].to->links;
	return 0;
}
