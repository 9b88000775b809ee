/*
 * artifact.c - what a job left in out/, with size and SHA-256, for its outcome.
 *
 * A checkpoint may be large and the disk slow, so all of that is done on a
 * thread of its own while the slot waits (SLOT_COUNTS) and everything else goes
 * on.  When its time is up, or we are to go, sizes have to do.  A thread that
 * hangs in the disk is left to itself: it has all that it needs, and whoever of
 * the two lets go last clears up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/sha256.h"
#include "workerd/artifact.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define LIST_MOST  1000
#define WALK_MOST  100000 /* entries that are looked at */
#define DEEPEST    32
#define NAME_MOST  1024
#define CHUNK      (1 << 20)
#define STUCK_MS   3000      /* from being told to being given up */
#define STACK_SIZE (1 << 20) /* what is thread-local counts, too */

struct count {
	int root;  /* out/ */
	int event; /* of the main loop */
	size_t seen, cap;
	struct sp_artifacts found;
	_Atomic bool cut;  /* hash no more */
	_Atomic bool done; /* found is whole */
	_Atomic int users; /* the main thread and ours */
};

static void
leave(struct count *c)
{
	if (atomic_fetch_sub(&c->users, 1) > 1)
		return;
	sp_artifacts_clear(&c->found);
	(void)close(c->root);
	if (c->event != -1)
		(void)close(c->event);
	free(c);
}

/* ---- on the thread ---- */

/* false: no memory. */
static bool
add(struct count *c, const char *path, off_t size)
{
	size_t cap = c->cap == 0 ? 64 : c->cap * 2;
	struct sp_artifact *at;

	if (c->found.n == c->cap) {
		at = realloc(c->found.at, cap * sizeof *at);
		if (at == NULL)
			return false;
		c->found.at = at;
		c->cap = cap;
	}
	at = &c->found.at[c->found.n];
	(void)memset(at, 0, sizeof *at);
	at->size = size;
	if ((at->name = strdup(path)) == NULL)
		return false;
	c->found.n++;
	return true;
}

static void walk(struct count *c, int fd, char *path, size_t len, int depth);

static void
look(struct count *c, int dir, const char *name, char *path, size_t len,
    int depth)
{
	size_t n = strlen(name);
	struct stat st;
	int fd = -1;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (len + n + 1 >= NAME_MOST ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		c->found.skipped++;
		return;
	}
	(void)memcpy(path + len, name, n + 1);
	if (S_ISREG(st.st_mode)) {
		if (!add(c, path, st.st_size))
			c->found.more++;
		return;
	}
	if (depth < DEEPEST)
		fd = openat(
		    dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		c->found.skipped++;
		return;
	}
	(void)memcpy(path + len + n, "/", 2);
	walk(c, fd, path, len + n + 1, depth + 1);
}

/* Takes the handle. */
static void
walk(struct count *c, int fd, char *path, size_t len, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (++c->seen > WALK_MOST) {
			c->found.more++;
			break;
		}
		look(c, fd, e->d_name, path, len, depth);
	}
	(void)closedir(d);
}

static int
by_name(const void *a, const void *b)
{
	const struct sp_artifact *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What cannot be read to its end keeps its size alone. */
static void
hash(struct count *c, struct sp_artifact *at, char *buf)
{
	struct sp_sha sha;
	struct stat st;
	int64_t size = 0;
	ssize_t n;
	int fd;

	if (c->cut || sp_open(c->root, at->name, 0, &fd, &st, NULL) != SP_OK)
		return;
	sp_sha_init(&sha);
	while ((n = read(fd, buf, CHUNK)) != 0 && !c->cut) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		sp_sha_put(&sha, buf, (size_t)n);
		size += n;
	}
	(void)close(fd);
	if (n != 0)
		return;
	sp_sha_end(&sha, at->sha256);
	at->size = size;
}

static void *
run(void *arg)
{
	const uint64_t one = 1;
	struct count *c = arg;
	char path[NAME_MOST + 2] = "", *buf = malloc(CHUNK);
	size_t i;
	int fd;

	fd = openat(c->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1)
		walk(c, fd, path, 0, 0);
	if (c->found.n > 1)
		qsort(c->found.at, c->found.n, sizeof *c->found.at, by_name);
	while (c->found.n > LIST_MOST) {
		free(c->found.at[--c->found.n].name);
		c->found.more++;
	}
	for (i = 0; buf != NULL && i < c->found.n; i++)
		hash(c, &c->found.at[i], buf);
	free(buf);
	c->done = true;
	(void)!write(c->event, &one, sizeof one);
	leave(c);
	return NULL;
}

/* ---- in the main thread ---- */

/* Its outcome will not be committed, or there cannot be anything. */
static bool
idle_is(const struct slot *s)
{
	return s->pid == 0 || s->out[0] == '\0' || s->stop == STOP_GONE ||
	    (WIFEXITED(s->wait) && WEXITSTATUS(s->wait) == EXIT_PREEMPTED);
}

/* Mostly nothing is there: that must cost next to nothing. */
static int
open_out(const char *path)
{
	_Alignas(struct dirent64) char buf[1024];
	int fd, found = 0;
	ssize_t n, at;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	while (found <= 2 && (n = getdents64(fd, buf, sizeof buf)) > 0)
		for (at = 0; at < n; found++)
			at += ((struct dirent64 *)(void *)(buf + at))->d_reclen;
	if (found > 2) /* "." and "..", and more */
		return fd;
	(void)close(fd);
	return -1;
}

static bool
start(struct count *c)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, run, c);
	(void)pthread_attr_destroy(&attr);
	return rc == 0;
}

bool
artifact_begin(struct worker *w, struct slot *s, int64_t now)
{
	struct count *c;
	int fd;

	s->count = NULL;
	if (idle_is(s) || (fd = open_out(s->out)) == -1)
		return false;
	if ((c = calloc(1, sizeof *c)) == NULL) {
		(void)close(fd);
		return false;
	}
	c->root = fd;
	c->event = fcntl(w->commit.event, F_DUPFD_CLOEXEC, 0);
	c->users = 2;
	/* Somebody waits for it to end: there is no time for more. */
	c->cut = w->opt.hash_time <= 0 || s->stop == STOP_QUIT ||
	    s->stop == STOP_SILENT || s->stop == STOP_CANCEL;
	s->count_until = now + (int64_t)(w->opt.hash_time * 1000);
	if (!start(c)) {
		sp_warn("artifacts order=%s: no thread", s->name.id.text);
		c->users = 1;
		leave(c);
		return false;
	}
	s->count = c;
	sp_debug("count order=%s", s->name.id.text);
	return true;
}

void
artifact_cut(struct slot *s, int64_t now)
{
	if (s->count == NULL)
		return;
	if (!s->count->cut || s->count_until > now)
		s->count_until = now;
	s->count->cut = true;
}

bool
artifact_done(struct slot *s, int64_t now, int64_t *next_out)
{
	struct count *c = s->count;

	if (c->done)
		return true;
	if (now >= s->count_until && !c->cut) {
		sp_info("artifacts order=%s: hashing takes too long, sizes "
			"have to do",
		    s->name.id.text);
		c->cut = true;
	}
	if (now >= s->count_until + STUCK_MS) {
		sp_warn("artifacts order=%s: the disk does not answer; not "
			"listed",
		    s->name.id.text);
		artifact_clear(s);
		return true;
	}
	*next_out = s->count_until + (now >= s->count_until ? STUCK_MS : 0);
	return false;
}

const struct sp_artifacts *
artifact_get(const struct slot *s)
{
	return s->count != NULL && s->count->done ? &s->count->found : NULL;
}

void
artifact_clear(struct slot *s)
{
	if (s->count != NULL)
		leave(s->count);
	s->count = NULL;
}
