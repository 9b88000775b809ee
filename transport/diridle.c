/*
 * diridle.c - runs/DAY/ID with an empty out/ that an order left as it was made
 * is put into tmp/, and given to a later order.  Most jobs leave nothing there,
 * and to make and remove two directories for each costs a filesystem more than
 * the claim and the commit together.
 *
 * Only after a first attempt that we have committed: nobody else ever ran that
 * order, so nobody is left who could write there.  What we leave in tmp/ when
 * we are killed the sweeper takes away (keepmend.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "transport/dir.h"

struct content {
	bool out, other;
};

static bool
see(void *arg, const char *name, const struct stat *st)
{
	struct content *c = arg;

	(void)st;
	if (strcmp(name, "out") == 0)
		c->out = true;
	else
		c->other = true;
	return !c->other;
}

static bool
see_any(void *arg, const char *name, const struct stat *st)
{
	(void)name;
	(void)st;
	*(bool *)arg = true;
	return false;
}

/* As dir_out left them, but for the order of names in them? */
static bool
as_made(const struct dir_idle *idle, int run)
{
	struct content c = { false, false };
	bool any = false;
	struct stat st[2];
	int i;

	if (sp_fs_fstat(run, &st[0]) == -1 ||
	    sp_fs_lstat(run, "out", &st[1]) == -1)
		return false;
	for (i = 0; i < 2; i++)
		if (st[i].st_mode != idle->mode || st[i].st_uid != idle->uid ||
		    st[i].st_gid != idle->gid)
			return false;
	return sp_fs_list_on(run, see, &c) == 0 && c.out && !c.other &&
	    sp_fs_list(run, "out", see_any, &any) == 0 && !any;
}

static void
path_of(const struct sp_id *id, char out[DIR_RUN_PATH])
{
	char day[SP_DAY_LEN + 1];

	sp_id_day(id, day);
	(void)snprintf(out, DIR_RUN_PATH, "%s/%s", day, id->text);
}

static void
name_of(const struct dir *d, int i, char out[SP_NAME_MAX])
{
	(void)snprintf(out, SP_NAME_MAX, SP_TMP_RUN "%s.%u", d->spool.actor,
	    d->idle.number[i]);
}

void
dir_idle_made(struct dir *d, int run)
{
	struct stat st[2];

	if (d->idle.known || sp_fs_fstat(run, &st[0]) == -1 ||
	    sp_fs_lstat(run, "out", &st[1]) == -1)
		return;
	(void)pthread_mutex_lock(&d->idle.lock);
	d->idle.known = st[0].st_mode == st[1].st_mode &&
	    st[0].st_uid == st[1].st_uid && st[0].st_gid == st[1].st_gid;
	d->idle.mode = st[0].st_mode;
	d->idle.uid = st[0].st_uid;
	d->idle.gid = st[0].st_gid;
	(void)pthread_mutex_unlock(&d->idle.lock);
}

bool
dir_idle_put(struct dir *d, const struct sp_name *name)
{
	struct dir_idle *idle = &d->idle;
	char from[DIR_RUN_PATH], to[SP_NAME_MAX];
	bool kept = false;
	int run;

	if (name->ticket != 1 || name->attempt != 0 ||
	    sp_run_open(&d->spool, &name->id, false, &run, NULL) != SP_OK)
		return false;
	(void)pthread_mutex_lock(&idle->lock);
	kept = idle->known && idle->n < DIR_IDLE && as_made(idle, run);
	if (kept) {
		path_of(&name->id, from);
		idle->number[idle->n] = ++idle->last;
		name_of(d, idle->n, to);
		kept = sp_move_own_dir(d->spool.dir[SP_DIR_RUNS], from,
		    d->spool.dir[SP_DIR_TMP], to);
		idle->n += kept;
	}
	(void)pthread_mutex_unlock(&idle->lock);
	(void)sp_fs_close(run);
	return kept;
}

bool
dir_idle_take(struct dir *d, const struct sp_id *id)
{
	struct dir_idle *idle = &d->idle;
	char from[SP_NAME_MAX], to[DIR_RUN_PATH];
	bool done = false;

	path_of(id, to);
	(void)pthread_mutex_lock(&idle->lock);
	if (idle->n > 0) {
		name_of(d, idle->n - 1, from);
		done = sp_move_own_dir(d->spool.dir[SP_DIR_TMP], from,
		    d->spool.dir[SP_DIR_RUNS], to);
		/* Or it was swept. */
		idle->n -= done || errno == ENOENT;
	}
	(void)pthread_mutex_unlock(&idle->lock);
	return done;
}

void
dir_idle_clear(struct dir *d)
{
	int tmp = d->spool.dir[SP_DIR_TMP];
	char name[SP_NAME_MAX], out[SP_NAME_MAX + 4];

	while (d->idle.n > 0) {
		name_of(d, --d->idle.n, name);
		(void)snprintf(out, sizeof out, "%s/out", name);
		(void)sp_fs_rmdir(tmp, out);
		(void)sp_fs_rmdir(tmp, name);
	}
	(void)pthread_mutex_destroy(&d->idle.lock);
}
