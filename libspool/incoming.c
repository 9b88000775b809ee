/*
 * incoming.c - the rounds through incoming/: what is there that was not looked
 * into before?  Everybody may have made a million files there, so a listing is
 * held a stretch at a time, worked off in slices, and not repeated while the
 * directory's times say that nothing has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incomingin.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/submit.h"

#define LOCK      ".lock"
#define SLICE_MS  200
#define STRETCH   (16 * 1024)
#define GROUP     (8 * 1024 * 1024) /* bytes held at once */
#define YOUNG_MS  250
#define TICK_MS   2000 /* a directory's times may be so coarse */
#define SHARE     8    /* listings while nothing comes of them, at most */
#define SEEN_MOST (1024 * 1024)
#define SWEEP_MS  3600000
#define NONE_MS   10000 /* there is no intake: look again */

/* ---- set-up ---- */

static enum sp_status
make_one(int root, const char *name, mode_t mode, struct sp_err *err)
{
	enum sp_status st = sp_make_dir(root, name, err);
	int fd;

	if (st == SP_OK)
		st = sp_open_dir(root, name, &fd, err);
	if (st != SP_OK)
		return st;
	/* Whatever the umask says; and without its group's bit, which files of
	 * strangers would take on. */
	if (sp_fs_fchmod(fd, mode) == -1)
		st = sp_err_sys(err, "chmod %s", name);
	(void)sp_fs_close(fd);
	return st;
}

enum sp_status
sp_incoming_make(int root, struct sp_err *err)
{
	enum sp_status st;

	/* The door is opened last. */
	st = make_one(root, SP_ANSWERS, 0711, err);
	return st == SP_OK ? make_one(root, SP_INCOMING, 01733, err) : st;
}

enum sp_status
sp_incoming_look(int root, struct sp_err *err)
{
	struct stat top, in, out;

	if (sp_fs_lstat(root, SP_INCOMING, &in) == -1)
		return errno == ENOENT ? SP_GONE : sp_err_sys(err, SP_INCOMING);
	if (sp_fs_fstat(root, &top) == -1)
		return sp_err_sys(err, "the spool");
	if (!S_ISDIR(in.st_mode) || in.st_uid != top.st_uid)
		return sp_err_set(err, SP_BAD,
		    SP_INCOMING "/ is not the spool's owner's directory: "
				"chown it to uid %u",
		    (unsigned)top.st_uid);
	if ((in.st_mode & 07777) != 01733)
		return sp_err_set(err, SP_BAD,
		    SP_INCOMING "/ has mode %04o: users could take or read "
				"what others drop, or not drop: "
				"chmod 1733 incoming",
		    (unsigned)in.st_mode & 07777);
	if (sp_fs_lstat(root, SP_ANSWERS, &out) == -1 ||
	    !S_ISDIR(out.st_mode) || out.st_uid != top.st_uid ||
	    (out.st_mode & 022) != 0)
		return sp_err_set(err, SP_BAD,
		    SP_ANSWERS "/ must be the spool's owner's, and nobody "
			       "else's to write: spool init --shared makes it");
	if ((top.st_mode & 001) == 0)
		return sp_err_set(err, SP_BAD,
		    "users cannot reach " SP_INCOMING "/: chmod o+x on the "
		    "spool's directory");
	return (top.st_mode & 002) == 0
	    ? SP_OK
	    : sp_err_set(err, SP_BAD,
		  "anybody may write to the spool's directory, and so "
		  "exchange all in it: chmod o-w");
}

enum sp_status
sp_incoming_open(
    const struct sp_spool *sp, struct sp_incoming **in_out, struct sp_err *err)
{
	struct sp_incoming *in;
	enum sp_status st;
	struct stat is;
	int dir, answers;

	*in_out = NULL;
	if (sp_fs_far(sp->root) ||
	    sp_open_dir(sp->root, SP_INCOMING, &dir, NULL) != SP_OK)
		return SP_GONE;
	if (sp_fs_fstat(dir, &is) == -1 || is.st_uid != geteuid()) {
		(void)sp_fs_close(dir);
		return SP_GONE; /* its owner's keeper brings them in */
	}
	if ((st = sp_incoming_look(sp->root, err)) == SP_OK)
		st = sp_open_dir(sp->root, SP_ANSWERS, &answers, err);
	if (st == SP_OK && (in = calloc(1, sizeof *in)) == NULL) {
		(void)sp_fs_close(answers);
		st = sp_err_set(err, SP_RETRY, "no memory");
	}
	if (st != SP_OK) {
		(void)sp_fs_close(dir);
		return st;
	}
	in->sp = sp;
	in->dir = dir;
	in->answers = answers;
	*in_out = in;
	return SP_OK;
}

void
sp_incoming_free(struct sp_incoming *in)
{
	if (in == NULL)
		return;
	incoming_owners_clear(in);
	sp_names_clear(&in->todo);
	sp_names_clear(&in->ids);
	free(in->seen);
	(void)sp_fs_close(in->dir);
	(void)sp_fs_close(in->answers);
	free(in);
}

/* ---- what was seen ---- */

static int
by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

bool
incoming_seen(struct sp_incoming *in, uint64_t key)
{
	size_t i;

	if (in->sorted > 0 &&
	    bsearch(&key, in->seen, in->sorted, sizeof key, by_key) != NULL)
		return true;
	for (i = in->sorted; i < in->seen_n; i++)
		if (in->seen[i] == key)
			return true;
	return false;
}

void
incoming_remember(struct sp_incoming *in, uint64_t key)
{
	size_t cap = in->seen_cap == 0 ? 1024 : in->seen_cap * 2;
	uint64_t *seen;

	if (in->seen_n == SEEN_MOST) /* what is forgotten is judged again */
		in->seen_n = in->sorted = 0;
	if (in->seen_n == in->seen_cap) {
		if ((seen = realloc(in->seen, cap * sizeof *seen)) == NULL)
			return;
		in->seen = seen;
		in->seen_cap = cap;
	}
	in->seen[in->seen_n++] = key;
	if (in->seen_n - in->sorted > 256) {
		qsort(in->seen, in->seen_n, sizeof *in->seen, by_key);
		in->sorted = in->seen_n;
	}
}

/* A file as it is: any change to it makes another key. */
static uint64_t
key_of(const char *name, const struct stat *st, bool waits)
{
	uint64_t h = keep_key(name);

	h = (h ^ (uint64_t)st->st_ino) * 1099511628211u;
	h = (h ^ (uint64_t)st->st_ctim.tv_sec) * 1099511628211u;
	h = (h ^ (uint64_t)st->st_ctim.tv_nsec) * 1099511628211u;
	return h * 2 + waits;
}

/* ---- one ---- */

static void
tell(struct sp_incoming *in, const struct incoming_drop *drop, bool waits,
    const char *why)
{
	uint64_t key = key_of(drop->name, &drop->st, waits);
	struct sp_buf name = SP_BUF_INIT(4096);

	if (incoming_seen(in, key))
		return;
	incoming_remember(in, key);
	if (!incoming_say_why(in, drop->name, drop->st.st_uid, waits, why))
		return;
	sp_put_safe(&name, drop->name);
	sp_info("%s incoming=%s uid=%u: %s", waits ? "defer" : "refuse",
	    sp_buf_text(&name), (unsigned)drop->st.st_uid, why);
	sp_buf_clear(&name);
}

static void
consider(struct sp_incoming *in, const char *name)
{
	struct incoming_drop *drop = &in->drop[in->n];
	enum sp_drop kind = sp_drop_kind(name, NULL);
	struct sp_err err = { "" };
	enum sp_status st;

	if (kind == SP_DROP_IGNORE || strlen(name) > INCOMING_NAME)
		return;
	(void)memset(drop, 0, sizeof *drop);
	(void)strcpy(drop->name, name);
	drop->bundle = kind == SP_DROP_BUNDLE;
	if (kind == SP_DROP_ORDER) /* a name like an order's is none here */
		drop->bundle = name[strlen(name) - 1] == 'l';
	if (sp_fs_lstat(in->dir, name, &drop->st) == -1 ||
	    incoming_seen(in, key_of(name, &drop->st, false)))
		return;
	st = incoming_judge(in, drop, &err);
	if (st == SP_OK) {
		in->size += drop->text.len;
		in->n++;
		return;
	}
	if (st == SP_BAD || st == SP_LOST)
		tell(in, drop, st == SP_LOST, err.text);
	else if (err.text[0] != '\0')
		keep_trouble("incoming", st, &err);
	in->again |= st != SP_BAD && st != SP_GONE;
}

/* ---- a round ---- */

static bool
same_times(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The next stretch; false: there is nothing to do. */
static bool
list(struct sp_incoming *in, enum sp_status *st, struct sp_err *err)
{
	int64_t begun = sp_mono_ms();
	struct stat is;

	if (in->at < in->todo.n)
		return true;
	if (!in->more) { /* from the beginning */
		if (sp_fs_fstat(in->dir, &is) == -1) {
			*st = sp_err_sys(err, SP_INCOMING);
			return false;
		}
		if (is.st_nlink == 0) {
			*st = SP_GONE; /* removed; perhaps there is another */
			return false;
		}
		if (in->calm && same_times(&is, &in->was))
			return false;
		in->calm = in->sp->local &&
		    (int64_t)is.st_mtim.tv_sec * 1000 < in->server - TICK_MS;
		in->was = is;
		in->after[0] = '\0';
		in->cost = 0;
		in->again = false;
	}
	*st = sp_list_next(
	    in->dir, in->after, STRETCH, &in->todo, &in->more, err);
	in->at = 0;
	in->cost += sp_mono_ms() - begun;
	if (*st == SP_OK && in->todo.n > 0)
		(void)snprintf(in->after, sizeof in->after, "%s",
		    sp_names_at(&in->todo, in->todo.n - 1));
	return *st == SP_OK && in->todo.n > 0;
}

static enum sp_status
slice(struct sp_incoming *in, bool *taken, struct sp_err *err)
{
	int64_t until = sp_mono_ms() + SLICE_MS;
	enum sp_status st = SP_OK;

	while (in->at < in->todo.n && st == SP_OK && sp_mono_ms() < until) {
		sp_alive(in->sp);
		consider(in, sp_names_at(&in->todo, in->at++));
		if (in->n == INCOMING_MANY || in->size > GROUP)
			st = incoming_take(in, taken, err);
	}
	if (in->n > 0 && st == SP_OK)
		st = incoming_take(in, taken, err);
	return st;
}

/* One keeper at a time; -1: another one is. */
static int
lock(struct sp_incoming *in)
{
	int fd = sp_fs_open(
	    in->answers, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno != EWOULDBLOCK && sp_warn_due("incoming lock"))
		sp_warn("incoming: no locks there: %s", strerror(errno));
	(void)sp_fs_close(fd);
	return -1;
}

int64_t
sp_incoming_tick(struct sp_incoming *in, int64_t server, bool *taken)
{
	int64_t poll = (int64_t)(in->sp->policy.poll * 1000);
	int64_t now = sp_mono_ms();
	struct sp_err err = { "" };
	enum sp_status st;
	int held;

	*taken = false;
	in->server = server;
	if ((held = lock(in)) == -1)
		return poll;
	if (in->swept == 0 || now - in->swept > SWEEP_MS) {
		in->swept = now;
		incoming_sweep(in);
	}
	st = incoming_recover(in, &err);
	if (st == SP_OK && list(in, &st, &err))
		st = slice(in, taken, &err);
	(void)sp_fs_close(held);
	if (st == SP_GONE)
		return -1;
	keep_trouble("incoming", st, &err);
	in->calm &= st == SP_OK && !in->again;
	if (st != SP_OK)
		return poll;
	if (in->at < in->todo.n || in->more)
		return 1;
	if (in->again)
		return YOUNG_MS + in->cost * SHARE;
	return *taken ? 1 : poll;
}

/* ---- the chore ---- */

int64_t
keep_incoming(struct sp_keep *k, int64_t now)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int64_t server, next;
	bool taken;

	/* Two hosts agree about a lock only as far as the network does: there
	 * it is spoold's business. */
	if (k->yields && !k->sp->local)
		return NONE_MS;
	if (k->incoming == NULL &&
	    (st = sp_incoming_open(k->sp, &k->incoming, &err)) != SP_OK) {
		keep_trouble("incoming", st, &err);
		return NONE_MS;
	}
	if (keep_server_now(k, now, &server) != SP_OK)
		return YOUNG_MS;
	next = sp_incoming_tick(k->incoming, server, &taken);
	if (next < 0) {
		sp_incoming_free(k->incoming);
		k->incoming = NULL;
		return YOUNG_MS;
	}
	if (taken)
		k->due[CHORE_NEW] = k->due[CHORE_WAIT] = 0;
	return next;
}
