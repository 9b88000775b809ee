/*
 * ahead.c - a ring of orders: added and taken by one thread, read in between by
 * some others.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "index/ahead.h"
#include "libspool/facts.h"

#define RING    256
#define BATCH   32 /* taken at a time, for each time costs a lock */
#define HERE    2  /* threads */
#define ELSE    8  /* where each of them waits for a server */
#define THREADS ELSE

struct slot {
	char file[SP_NAME_MAX];
	struct sp_name name;
	struct entry_read read;
	bool done;
};

struct ahead {
	const struct sp_spool *spool;
	int dirfd;
	enum sp_state state;
	pthread_t thread[THREADS];
	int threads;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t more, ready;
	bool stop;
	size_t oldest, next, end; /* counted on, slots by their remainders */
	struct slot slot[RING];
};

void
ahead_read_init(struct entry_read *r)
{
	sp_row_texts_init(&r->texts);
	sp_buf_init(&r->facts, SP_FACTS_MAX + 2);
}

void
ahead_read_clear(struct entry_read *r)
{
	sp_row_texts_clear(&r->texts);
	sp_buf_clear(&r->facts);
}

void
ahead_read(const struct sp_spool *spool, int dirfd, enum sp_state state,
    const struct sp_name *name, struct entry_read *r)
{
	r->why.text[0] = '\0';
	sp_buf_reset(&r->facts);
	r->st = sp_row_read_texts(
	    spool, dirfd, state, name, &r->row, &r->texts, &r->why);
	if (r->st == SP_OK && r->texts.job.len > 0)
		sp_facts_print(
		    sp_buf_text(&r->texts.job), r->texts.job.len, &r->facts);
	r->row.facts = r->facts.len > 0 && !r->facts.failed
	    ? sp_buf_text(&r->facts)
	    : NULL;
}

static void *
reader(void *arg)
{
	struct ahead *a = arg;
	struct slot *s;
	size_t i, from, to;

	(void)pthread_mutex_lock(&a->lock);
	for (;;) {
		while (!a->stop && a->next == a->end)
			(void)pthread_cond_wait(&a->more, &a->lock);
		if (a->stop)
			break;
		from = a->next;
		to = a->end - from < BATCH ? a->end : from + BATCH;
		a->next = to;
		(void)pthread_mutex_unlock(&a->lock);
		for (i = from; i < to; i++) {
			s = &a->slot[i % RING];
			ahead_read(
			    a->spool, a->dirfd, a->state, &s->name, &s->read);
		}
		(void)pthread_mutex_lock(&a->lock);
		for (i = from; i < to; i++)
			a->slot[i % RING].done = true;
		(void)pthread_cond_signal(&a->ready);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

struct ahead *
ahead_start(const struct sp_spool *spool, int dirfd, enum sp_state state)
{
	int i, n = spool->local ? HERE : ELSE;
	struct ahead *a = calloc(1, sizeof *a);
	sigset_t all, was;

	if (a == NULL)
		return NULL;
	a->spool = spool;
	a->dirfd = dirfd;
	a->state = state;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->more, NULL);
	(void)pthread_cond_init(&a->ready, NULL);
	for (i = 0; i < RING; i++)
		ahead_read_init(&a->slot[i].read);
	/* Signals are for the thread that knows what to do. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	while (a->threads < n &&
	    pthread_create(&a->thread[a->threads], NULL, reader, a) == 0)
		a->threads++;
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (a->threads > 0)
		return a;
	ahead_stop(a);
	return NULL;
}

bool
ahead_add(struct ahead *a, const char *file)
{
	struct sp_name name;
	struct slot *s;
	bool room;

	if (sp_name_parse(file, &name) != SP_OK)
		return true;
	(void)pthread_mutex_lock(&a->lock);
	/* The one that was taken last is still being looked at. */
	if ((room = a->end - a->oldest < RING - 1)) {
		s = &a->slot[a->end % RING];
		(void)strcpy(s->file, file); /* no longer, being one */
		s->name = name;
		s->done = false;
		a->end++;
		if ((a->end - a->next) % BATCH == 0)
			(void)pthread_cond_signal(&a->more);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return room;
}

struct entry_read *
ahead_take(struct ahead *a, const char *file)
{
	struct slot *s = NULL;
	int c = -1;

	(void)pthread_mutex_lock(&a->lock);
	while (c < 0 && a->oldest != a->end) {
		s = &a->slot[a->oldest % RING];
		if ((c = strcmp(s->file, file)) > 0)
			break;
		if (!s->done) /* less than a batch, and nobody was told */
			(void)pthread_cond_broadcast(&a->more);
		while (!s->done)
			(void)pthread_cond_wait(&a->ready, &a->lock);
		a->oldest++;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return c == 0 ? &s->read : NULL;
}

void
ahead_stop(struct ahead *a)
{
	int i;

	if (a == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_broadcast(&a->more);
	(void)pthread_mutex_unlock(&a->lock);
	for (i = 0; i < a->threads; i++)
		(void)pthread_join(a->thread[i], NULL);
	for (i = 0; i < RING; i++)
		ahead_read_clear(&a->slot[i].read);
	(void)pthread_cond_destroy(&a->more);
	(void)pthread_cond_destroy(&a->ready);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}
