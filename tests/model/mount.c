/*
 * mount.c - an NFS client's memory of names: each was learnt while the
 * directory had a certain change number, and is believed while the client
 * believes that the directory still has it, which it asks now and then only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/mount.h"

#define NAMES_MOST 4096
#define DIRS_MOST  128

struct known {
	struct inode *dir, *to; /* to NULL: it is not there */
	uint32_t hash;
	const char *name;
	uint64_t change;
	struct stat st;
	int64_t until; /* of st */
};

struct known_dir {
	struct inode *dir;
	uint64_t change;
	int64_t until;
};

static struct {
	struct known *name;
	size_t n;
	struct known_dir dir[DIRS_MOST];
	size_t dirs;
} memory[HOSTS_MOST];

static struct file files[FD_MOST];
static int files_top;

void
mounts_init(void)
{
	int h;

	for (h = 0; h < HOSTS_MOST; h++)
		memory[h].n = memory[h].dirs = 0;
	(void)memset(files, 0, sizeof files);
	files_top = 0;
}

void
mounts_clear(void)
{
	mounts_init();
}

bool
mount_far(void)
{
	return W->me != NULL && W->me->host > 0;
}

/* ---- open files ---- */

struct file *
file_of(int fd)
{
	struct file *f = model_fd(fd) ? &files[fd - FD_FIRST] : NULL;

	if (f == NULL || f->i == NULL) {
		errno = EBADF;
		return NULL;
	}
	return f;
}

int
file_open(struct inode *i, int flags)
{
	int n;

	for (n = 0; n < FD_MOST && files[n].i != NULL; n++)
		;
	if (n == FD_MOST) {
		errno = EMFILE;
		return -1;
	}
	if (n >= files_top)
		files_top = n + 1;
	files[n] = (struct file){ .i = i,
		.slot = W->me == NULL ? -1 : W->me->n,
		.host = W->me == NULL ? 0 : W->me->host,
		.flags = flags };
	i->opens++;
	return FD_FIRST + n;
}

int
file_close(int fd)
{
	struct file *f = file_of(fd);

	if (f == NULL)
		return -1;
	f->i->opens--;
	f->i = NULL;
	return 0;
}

void
mounts_slot_gone(int slot)
{
	int n;

	for (n = 0; n < files_top; n++)
		if (files[n].i != NULL && files[n].slot == slot)
			(void)file_close(FD_FIRST + n);
}

/* The server: handles of what is no more are stale.  A client: what it had not
 * sent is lost. */
void
mounts_host_gone(int host)
{
	int n;

	for (n = 0; n < files_top; n++) {
		struct file *f = &files[n];

		if (f->i == NULL)
			continue;
		if (host == 0 && f->i->gone)
			f->stale = true;
		if (host > 0 && f->host == host && f->ours && !f->sent) {
			disk_truncate(&W->disk, f->i,
			    f->i->len == 0
				? 0
				: model_mix((uint64_t)W->now) % f->i->len);
			disk_sync_file(&W->disk, f->i);
		}
	}
	if (host > 0)
		memory[host].n = memory[host].dirs = 0;
}

void
mount_seen(const struct inode *i)
{
	int n;

	for (n = 0; n < files_top; n++)
		if (files[n].i == i && files[n].ours &&
		    (W->me == NULL || files[n].host != W->me->host))
			files[n].sent = true;
}

void
mount_sent(const struct inode *i)
{
	int n;

	for (n = 0; n < files_top; n++)
		if (files[n].i == i &&
		    files[n].host == (W->me == NULL ? 0 : W->me->host))
			files[n].ours = false;
}

/* What a client has not seen on the disk it sends once more. */
void
mounts_resend(void)
{
	int n;

	for (n = 0; n < files_top; n++)
		if (files[n].i != NULL && files[n].ours)
			disk_keep(&W->disk, files[n].i);
}

int
mount_root(void)
{
	return file_open(W->disk.root, 0);
}

/* ---- what a client remembers ---- */

void
mount_stat(const struct inode *i, struct stat *st)
{
	(void)memset(st, 0, sizeof *st);
	st->st_mode = i->dir ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = i->dir && !i->gone ? i->links + 1 : i->links;
	st->st_ino = i->number;
	st->st_dev = 7;
	st->st_size = (off_t)i->len;
	/* The kernel's clock ticks. */
	st->st_mtim.tv_sec = 1700000000 + i->mtime / 1000000;
	st->st_mtim.tv_nsec = i->mtime % 1000000 / 4000 * 4000000;
	st->st_ctim.tv_sec = 1700000000 + i->ctime / 1000000;
	st->st_ctim.tv_nsec = i->ctime % 1000000 / 4000 * 4000000;
}

static int64_t
believes_until(const struct inode *i)
{
	uint64_t most = (uint64_t)W->plan->cache * 1000;

	return W->now +
	    (most == 0 ? 0
		       : (int64_t)(model_mix((uint64_t)W->now + i->number) %
			     most));
}

/* Ask the server for the directory's change number; what was learnt under
 * another one counts no more. */
static struct known_dir *
dir_known(int host, struct inode *dir, bool ask)
{
	struct known_dir *k = NULL;
	size_t i;

	for (i = 0; i < memory[host].dirs; i++)
		if (memory[host].dir[i].dir == dir)
			k = &memory[host].dir[i];
	if (k == NULL) {
		if (memory[host].dirs == DIRS_MOST)
			memory[host].dirs = memory[host].n = 0;
		k = &memory[host].dir[memory[host].dirs++];
		*k = (struct known_dir){ .dir = dir };
		ask = true;
	}
	if (ask || k->until <= W->now) {
		k->change = dir->change;
		k->until = believes_until(dir);
	}
	return k;
}

static struct known *
name_known(int host, struct inode *dir, const char *name)
{
	uint32_t hash = disk_hash(name);
	size_t i;

	for (i = 0; i < memory[host].n; i++)
		if (memory[host].name[i].hash == hash &&
		    memory[host].name[i].dir == dir &&
		    strcmp(memory[host].name[i].name, name) == 0)
			return &memory[host].name[i];
	return NULL;
}

static struct known *
learn(int host, struct inode *dir, const char *name, struct inode *to,
    uint64_t change)
{
	struct known *k = name_known(host, dir, name);

	if (k == NULL) {
		if (memory[host].name == NULL) {
			memory[host].name =
			    calloc(NAMES_MOST, sizeof *memory[host].name);
			if (memory[host].name == NULL)
				abort();
		}
		if (memory[host].n == NAMES_MOST)
			memory[host].n = 0;
		k = &memory[host].name[memory[host].n++];
		*k = (struct known){ .dir = dir,
			.hash = disk_hash(name),
			.name = disk_text(&W->disk, name) };
	}
	k->to = to;
	k->change = change;
	if (to != NULL) {
		mount_stat(to, &k->st);
		k->until = believes_until(to);
	}
	return k;
}

struct inode *
mount_look(struct inode *dir, const char *name, bool open, struct stat *st)
{
	int host = mount_far() ? W->me->host : 0;
	struct known_dir *d;
	struct inode *i;
	struct known *k;

	if (host == 0) {
		if ((i = disk_find(dir, name)) != NULL && st != NULL)
			mount_stat(i, st);
		return i;
	}
	d = dir_known(host, dir, false);
	k = name_known(host, dir, name);
	if (k == NULL || k->change != d->change ||
	    (k->to != NULL && (k->to->gone || k->to->links == 0))) {
		d = dir_known(host, dir, true); /* comes with the answer */
		k = learn(host, dir, name, disk_find(dir, name), d->change);
	} else if (k->to != NULL && (open || k->until <= W->now)) {
		mount_stat(k->to, &k->st);
		k->until = believes_until(k->to);
	}
	if (k->to != NULL && st != NULL)
		*st = k->st;
	return k->to;
}

void
mount_knows(
    struct inode *dir, const char *name, struct inode *to, uint64_t before)
{
	int host = mount_far() ? W->me->host : 0;
	struct known_dir *d;
	size_t i;

	if (host == 0)
		return;
	d = dir_known(host, dir, false);
	/* The answer has the number before and after: if nobody else was
	 * there, what was known is still good. */
	if (d->change == before)
		for (i = 0; i < memory[host].n; i++)
			if (memory[host].name[i].dir == dir &&
			    memory[host].name[i].change == before)
				memory[host].name[i].change = dir->change;
	d->change = dir->change;
	(void)learn(host, dir, name, to, d->change);
}

void
mount_refresh(struct inode *dir)
{
	if (mount_far())
		(void)dir_known(W->me->host, dir, true);
}
