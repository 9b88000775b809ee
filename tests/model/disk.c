/*
 * disk.c - inodes, names, and which of them would survive.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/disk.h"

/* One change of one name. */
struct change {
	struct inode *dir, *from, *to;
	const char *name;
};

struct op {
	struct change c[2];
	int n;
	bool safe;
};

#define PAGE (256 * 1024)

struct page {
	struct page *next;
};

uint64_t
model_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint32_t
disk_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	h ^= h >> 15;
	return h * 2654435761u;
}

/* ---- memory ---- */

void *
disk_room(struct disk *d, size_t len)
{
	struct page *p;
	size_t most = len > PAGE ? len : PAGE;
	void *at;

	len = (len + 15) & ~(size_t)15;
	if (len > d->page_left) {
		if ((p = malloc(sizeof *p + 16 + most)) == NULL)
			abort();
		p->next = d->pages;
		d->pages = p;
		d->page = (char *)p + 16;
		d->page_left = most;
	}
	at = d->page;
	d->page += len;
	d->page_left -= len;
	return at;
}

const char *
disk_text(struct disk *d, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(disk_room(d, n), text, n);
}

static struct inode *
inode_new(struct disk *d, bool dir)
{
	struct inode *i = disk_room(d, sizeof *i);

	(void)memset(i, 0, sizeof *i);
	i->number = ++d->numbers;
	i->dir = dir;
	i->key = -1;
	i->mtime = i->ctime = d->now;
	i->next = d->all;
	d->all = i;
	return i;
}

void
disk_init(struct disk *d, bool journal)
{
	(void)memset(d, 0, sizeof *d);
	d->journal = journal;
	d->root = inode_new(d, true);
	d->root->name = "";
	d->root->links = 2;
}

void
disk_clear(struct disk *d)
{
	struct page *p, *next;

	for (p = d->pages; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	free(d->op);
	(void)memset(d, 0, sizeof *d);
}

/* ---- names ---- */

static struct dent *
dent_of(const struct dents *t, const char *name, uint32_t hash)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->at[i].hash == hash && strcmp(t->at[i].name, name) == 0)
			return &t->at[i];
	return NULL;
}

static void
dents_set(struct disk *d, struct dents *t, const char *name, struct inode *to)
{
	uint32_t hash = disk_hash(name);
	struct dent *e = dent_of(t, name, hash), *more;

	if (e != NULL && to == NULL)
		*e = t->at[--t->n];
	else if (e != NULL)
		e->to = to;
	else if (to != NULL) {
		if (t->n == t->cap) {
			t->cap = t->cap * 2 + 8;
			more = disk_room(d, t->cap * sizeof *more);
			if (t->n > 0)
				(void)memcpy(more, t->at, t->n * sizeof *more);
			t->at = more;
		}
		t->at[t->n++] = (struct dent){ name, hash, to };
	}
}

struct inode *
disk_find(const struct inode *dir, const char *name)
{
	struct dent *e = dent_of(&dir->live, name, disk_hash(name));

	return e == NULL ? NULL : e->to;
}

/* ---- what lasts ---- */

static void
op_land(struct disk *d, struct op *op)
{
	int k;

	op->safe = true;
	for (k = 0; k < op->n; k++)
		dents_set(d, &op->c[k].dir->disk, op->c[k].name, op->c[k].to);
}

/* Does b stand on a, which came before? */
static bool
stands_on(const struct op *b, const struct op *a)
{
	int i, k;

	for (i = 0; i < b->n; i++)
		for (k = 0; k < a->n; k++)
			if (a->c[k].to == b->c[i].dir ||
			    (a->c[k].dir == b->c[i].dir &&
				strcmp(a->c[k].name, b->c[i].name) == 0))
				return true;
	return false;
}

/* Land those that are wanted, and all that they stand on. */
static void
land(struct disk *d, bool *want)
{
	size_t i, k, n = 0;

	for (i = d->op_n; i-- > 0;)
		for (k = 0; want[i] && k < i; k++)
			want[k] = want[k] || stands_on(&d->op[i], &d->op[k]);
	for (i = 0; i < d->op_n; i++)
		if (want[i])
			op_land(d, &d->op[i]);
		else
			d->op[n++] = d->op[i];
	d->op_n = n;
}

static void
op_add(struct disk *d, const struct op *op, bool safe)
{
	bool *want;

	if (d->op_n == d->op_cap) {
		d->op_cap = d->op_cap * 2 + 64;
		d->op = realloc(d->op, d->op_cap * sizeof *d->op);
		if (d->op == NULL)
			abort();
	}
	d->op[d->op_n++] = *op;
	if (!safe)
		return;
	want = disk_room(d, d->op_n);
	(void)memset(want, d->journal, d->op_n);
	want[d->op_n - 1] = true;
	land(d, want);
}

void
disk_keep(struct disk *d, struct inode *i)
{
	if (!i->dirty)
		return;
	i->safe = disk_room(d, i->len);
	if (i->len > 0)
		(void)memcpy(i->safe, i->data, i->len);
	i->safe_len = i->len;
	i->dirty = false;
}

void
disk_sync_file(struct disk *d, struct inode *i)
{
	disk_keep(d, i);
	if (d->journal)
		disk_sync_all(d);
}

void
disk_sync_all(struct disk *d)
{
	size_t i;

	for (i = 0; i < d->op_n; i++)
		op_land(d, &d->op[i]);
	d->op_n = 0;
}

void
disk_sync_dir(struct disk *d, struct inode *dir)
{
	bool *want;
	size_t i;
	int k;

	if (d->journal) {
		disk_sync_all(d);
		return;
	}
	if (d->op_n == 0)
		return;
	want = disk_room(d, d->op_n);
	(void)memset(want, 0, d->op_n);
	for (i = 0; i < d->op_n; i++)
		for (k = 0; k < d->op[i].n; k++)
			want[i] = want[i] || d->op[i].c[k].dir == dir ||
			    d->op[i].c[k].to == dir;
	land(d, want);
}

/* ---- changes ---- */

static void
apply(struct disk *d, struct op *op, bool safe)
{
	struct change *c;
	int k;

	for (k = 0; k < op->n; k++) {
		c = &op->c[k];
		c->from = disk_find(c->dir, c->name);
		c->name = disk_text(d, c->name);
		dents_set(d, &c->dir->live, c->name, c->to);
		c->dir->change++;
		c->dir->mtime = c->dir->ctime = d->now;
		if (c->from != NULL) {
			c->from->links--;
			c->from->ctime = d->now;
			d->entry(d->arg, c->dir, c->name, c->from, false);
		}
		if (c->to != NULL) {
			c->to->links++;
			c->to->ctime = d->now;
			if (c->to->dir) {
				c->to->up = c->dir;
				c->to->name = c->name;
			}
			d->entry(d->arg, c->dir, c->name, c->to, true);
		}
	}
	op_add(d, op, safe);
	d->stepped(d->arg);
}

int
disk_make(struct disk *d, struct inode *dir, const char *name, bool is_dir,
    bool safe, struct inode **out)
{
	struct op op = { .n = 1 };

	if (dir->gone || (dir != d->root && dir->links == 0))
		return -ENOENT;
	if (disk_find(dir, name) != NULL)
		return -EEXIST;
	*out = inode_new(d, is_dir);
	op.c[0] = (struct change){ .dir = dir, .name = name, .to = *out };
	apply(d, &op, safe);
	return 0;
}

int
disk_link(struct disk *d, struct inode *what, struct inode *dir,
    const char *name, bool safe)
{
	struct op op = { .n = 1 };

	if (dir->gone || dir->links == 0)
		return -ENOENT;
	if (disk_find(dir, name) != NULL)
		return -EEXIST;
	op.c[0] = (struct change){ .dir = dir, .name = name, .to = what };
	apply(d, &op, safe);
	return 0;
}

int
disk_unlink(
    struct disk *d, struct inode *dir, const char *name, bool is_dir, bool safe)
{
	struct inode *i = disk_find(dir, name);
	struct op op = { .n = 1 };

	if (i == NULL)
		return -ENOENT;
	if (i->dir != is_dir)
		return is_dir ? -ENOTDIR : -EISDIR;
	if (is_dir && i->live.n > 0)
		return -ENOTEMPTY;
	op.c[0] = (struct change){ .dir = dir, .name = name };
	apply(d, &op, safe);
	return 0;
}

int
disk_rename(struct disk *d, struct inode *from, const char *name,
    struct inode *to, const char *as, unsigned flags, bool safe)
{
	struct inode *i = disk_find(from, name), *over = disk_find(to, as);
	struct op op = { .n = 2 };

	if (i == NULL || to->gone || (to != d->root && to->links == 0))
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) != 0 && over != NULL)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) != 0 && over == NULL)
		return -ENOENT;
	if (i == over)
		return 0;
	if (over != NULL && (flags & RENAME_EXCHANGE) == 0 &&
	    (over->dir != i->dir || over->live.n > 0))
		return over->dir ? -EISDIR : -ENOTDIR;
	op.c[0] = (struct change){ .dir = from, .name = name };
	if ((flags & RENAME_EXCHANGE) != 0)
		op.c[0].to = over;
	op.c[1] = (struct change){ .dir = to, .name = as, .to = i };
	apply(d, &op, safe);
	return 0;
}

void
disk_write(
    struct disk *d, struct inode *i, size_t at, const void *data, size_t len)
{
	char *more;

	if (at + len > i->cap) {
		i->cap = at + len + 64;
		more = disk_room(d, i->cap);
		if (i->len > 0)
			(void)memcpy(more, i->data, i->len);
		i->data = more;
	}
	if (at > i->len)
		(void)memset(i->data + i->len, 0, at - i->len);
	if (len > 0)
		(void)memcpy(i->data + at, data, len);
	if (at + len > i->len)
		i->len = at + len;
	i->dirty = true;
	i->mtime = i->ctime = d->now;
}

void
disk_truncate(struct disk *d, struct inode *i, size_t len)
{
	if (len > i->len)
		disk_write(d, i, len, "", 0);
	i->len = len;
	i->dirty = true;
	i->mtime = i->ctime = d->now;
}

/* ---- the power goes ---- */

/* All of it came, or none, or the beginning, or zeros: the size is on the disk
 * and the data is not. */
static void
cut_file(struct disk *d, struct inode *i, uint64_t dice)
{
	size_t n;

	if (!i->dirty)
		return;
	i->dirty = false;
	switch (dice % 4) {
	case 0:
		break;
	case 1:
		i->len = i->safe_len;
		if (i->len > 0)
			(void)memcpy(i->data, i->safe, i->len);
		break;
	case 2:
		i->len = i->len == 0 ? 0 : (size_t)(dice >> 8) % i->len;
		break;
	default:
		for (n = i->safe_len; n < i->len; n++)
			i->data[n] = '\0';
	}
	i->safe = disk_room(d, i->len);
	if (i->len > 0)
		(void)memcpy(i->safe, i->data, i->len);
	i->safe_len = i->len;
}

static void
reach(struct inode *dir)
{
	size_t i;

	dir->gone = false;
	for (i = 0; i < dir->live.n; i++) {
		dir->live.at[i].to->links++;
		if (dir->live.at[i].to->dir)
			reach(dir->live.at[i].to);
		else
			dir->live.at[i].to->gone = false;
	}
}

void
disk_cut(struct disk *d, uint64_t dice)
{
	bool *want = disk_room(d, d->op_n + 1);
	struct inode *i;
	size_t k, keep, n = d->op_n;
	uint64_t mode = model_mix(dice);

	keep = n == 0 ? 0 : (size_t)(mode >> 8) % (n + 1);
	for (k = 0; k < n; k++) {
		dice = model_mix(dice);
		want[k] = d->journal || mode % 4 == 0 ? k < keep
		    : mode % 4 == 1                   ? k >= keep
						      : dice % 2 == 0;
	}
	land(d, want);
	d->op_n = 0;
	for (i = d->all; i != NULL; i = i->next) {
		dice = model_mix(dice);
		if (!i->dir)
			cut_file(d, i, dice);
		i->gone = true;
		i->links = 0;
		if (!i->dir)
			continue;
		i->change += 2;
		i->live.n = 0;
		for (k = 0; k < i->disk.n; k++)
			dents_set(
			    d, &i->live, i->disk.at[k].name, i->disk.at[k].to);
	}
	d->root->links = 2;
	reach(d->root);
}
