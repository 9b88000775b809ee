/*
 * medium.c - a transport around a transport, for the main thread alone;
 * medium.h says what for.  There is one of it in a process.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "workerd/limit.h"
#include "workerd/medium.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define SLICE_MS 100  /* between looks at what is due */
#define DEAD_MS  1500 /* a call that took so long and failed */
#define SHUN_MS  8000 /* at most, after one */

static struct {
	struct worker *w;
	struct tr_ops ops; /* what the main thread uses */
	pthread_t thread;
	bool running;
	int event; /* readable: it is done */
	struct pollfd *fds;
	int64_t shun; /* until then nothing is asked */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	void (*run)(void *call);
	void *call;
	bool stop;
} m;

/* ---- the thread ---- */

static void *
medium_thread(void *arg)
{
	const uint64_t one = 1;

	(void)arg;
	(void)pthread_mutex_lock(&m.lock);
	while (!m.stop) {
		if (m.run == NULL) {
			(void)pthread_cond_wait(&m.wake, &m.lock);
			continue;
		}
		(void)pthread_mutex_unlock(&m.lock);
		m.run(m.call);
		(void)pthread_mutex_lock(&m.lock);
		m.run = NULL;
		(void)!write(m.event, &one, sizeof one);
	}
	(void)pthread_mutex_unlock(&m.lock);
	return NULL;
}

/* ---- meanwhile ---- */

/* True: the call is done. */
static bool
serve(struct worker *w, int ms)
{
	nfds_t n = 0, k;
	uint64_t count;
	int64_t now;
	int i;

	m.fds[n++] = (struct pollfd){ .fd = m.event, .events = POLLIN };
	for (i = 0; i < 2 * w->opt.slots; i++)
		m.fds[n++] =
		    (struct pollfd){ .fd = w->slot[i / 2].cap.fd[i % 2],
			    .events = POLLIN };
	if (poll(m.fds, n, ms) > 0) {
		if (m.fds[0].revents != 0)
			return read(m.event, &count, sizeof count) > 0;
		now = sp_mono_ms();
		for (k = 1; k < n; k++)
			if (m.fds[k].revents != 0)
				capture_read(&w->slot[(k - 1) / 2].cap,
				    (int)(k - 1) % 2, now);
	}
	now = sp_mono_ms();
	slot_watch(w, now);
	(void)limit_tick(w, now);
	return false;
}

void
medium_rest(struct worker *w, int ms)
{
	int64_t until = sp_mono_ms() + ms, now;

	while ((now = sp_mono_ms()) < until)
		if (m.running)
			(void)serve(w, (int)(until - now));
		else
			(void)poll(NULL, 0, (int)(until - now));
}

static void
ask(void (*run)(void *call), void *call)
{
	(void)pthread_mutex_lock(&m.lock);
	m.run = run;
	m.call = call;
	(void)pthread_cond_signal(&m.wake);
	(void)pthread_mutex_unlock(&m.lock);
	while (!serve(m.w, SLICE_MS))
		;
}

static enum sp_status
shunned(struct sp_err *err)
{
	return sp_err_set(err, SP_RETRY, "the spool does not answer");
}

/* What came of one that began at `began`. */
static enum sp_status
judged(enum sp_status st, int64_t began)
{
	int64_t now = sp_mono_ms(), took = now - began;

	if (st != SP_RETRY)
		m.shun = 0;
	else if (took >= DEAD_MS)
		m.shun = now + (2 * took < SHUN_MS ? 2 * took : SHUN_MS);
	return st;
}

/* ---- the calls ---- */

/*
 * One slot of the table: what it is given goes into a struct, the thread makes
 * the call out of that.  The parameters are (TYPE, NAME) pairs but for the
 * first and the last, which all have.
 */
#define FIELD(t, n) t n;
#define PARAM(t, n) t n,
#define PASS(t, n)  c->n,
#define FILL(t, n)  .n = n,

#define VERB(verb, patient, EACH)                                              \
	struct verb##_call {                                                   \
		struct tr *tr;                                                 \
		EACH(FIELD) struct sp_err *err;                                \
		enum sp_status st;                                             \
	};                                                                     \
	static void verb##_run(void *call)                                     \
	{                                                                      \
		struct verb##_call *c = call;                                  \
                                                                               \
		c->st = m.w->direct->verb(c->tr, EACH(PASS) c->err);           \
	}                                                                      \
	static enum sp_status verb##_ask(                                      \
	    struct tr *tr, EACH(PARAM) struct sp_err *err)                     \
	{                                                                      \
		struct verb##_call c = { .tr = tr, EACH(FILL).err = err };     \
		int64_t now = sp_mono_ms();                                    \
                                                                               \
		if ((patient) && now < m.shun)                                 \
			return shunned(err);                                   \
		ask(verb##_run, &c);                                           \
		return judged(c.st, now);                                      \
	}

#define NONE(X)
#define LIST(X) X(struct sp_names *, names)
#define READ(X) X(const struct sp_name *, name) X(struct sp_buf *, text)
#define JOB(X)  X(const struct sp_name *, name) X(const struct sp_job *, job)
#define CLAIM(X)                                                               \
	X(const struct sp_name *, name)                                        \
	X(struct sp_name *, claimed) X(struct sp_buf *, text)
#define REFUSE(X) X(const struct sp_name *, name) X(const char *, why)
#define UNPACK(X) X(const struct sp_name *, name)
#define STANDS(X)                                                              \
	X(const struct sp_id *, id)                                            \
	X(enum sp_state *, state) X(struct sp_name *, name)
#define PINS(X) X(const struct sp_id *, id) X(struct sp_buf *, text)
#define PIN(X)  X(const struct sp_id *, id) X(const struct sp_buf *, text)
#define OUT(X)                                                                 \
	X(const struct sp_id *, id)                                            \
	X(char *, path) X(size_t, size) X(bool *, old)
#define APPEND(X)                                                              \
	X(const struct sp_name *, claimed)                                     \
	X(enum tr_trace, which)                                                \
	X(int64_t, at) X(const void *, data) X(size_t, len)
#define BEAT(X) X(const struct sp_beat *, beat)
#define HELD(X)                                                                \
	X(struct sp_names *, ours)                                             \
	X(struct sp_names *, stale) X(struct sp_names *, cancel)
#define WISHES(X) X(struct tr_wishes *, wishes)
#define RELEASE(X)                                                             \
	X(const struct sp_name *, claimed)                                     \
	X(enum tr_release, how) X(const char *, cause) X(const char *, why)
#define CANCEL(X)                                                              \
	X(const struct sp_name *, claimed)                                     \
	X(const char *, text) X(size_t, len) X(const char *, why)
#define LEFT(X)  X(const struct sp_names *, unfit) X(bool *, drained)
#define ROOM(X)  X(struct tr_room *, room)
#define PEERS(X) X(struct sp_tally_row *, rows) X(size_t, n)

VERB(list, true, LIST)
VERB(read, true, READ)
VERB(eligible, true, JOB)
VERB(claim, true, CLAIM)
VERB(unpack, true, UNPACK)
VERB(refuse, true, REFUSE)
VERB(stands, true, STANDS)
VERB(pins, true, PINS)
VERB(pin, true, PIN)
VERB(out_dir, true, OUT)
VERB(append, true, APPEND)
VERB(beat, false, BEAT)
VERB(bye, true, NONE)
VERB(held, true, HELD)
VERB(wishes, true, WISHES)
VERB(release, true, RELEASE)
VERB(cancel, true, CANCEL)
VERB(drained, true, LEFT)
VERB(room, true, ROOM)
VERB(peers, true, PEERS)

struct claims_call {
	struct tr *tr;
	struct sp_claiming *all;
	size_t n;
	struct sp_err *err;
};

static void
claims_run(void *call)
{
	struct claims_call *c = call;

	m.w->direct->claims(c->tr, c->all, c->n, c->err);
}

static void
claims_ask(struct tr *tr, struct sp_claiming *all, size_t n, struct sp_err *err)
{
	struct claims_call c = { .tr = tr, .all = all, .n = n, .err = err };
	int64_t now = sp_mono_ms();
	enum sp_status st = SP_RETRY;
	bool away = now < m.shun;
	size_t i;

	if (!away)
		ask(claims_run, &c);
	for (i = 0; i < n; i++) {
		if (away)
			all[i].status = shunned(err);
		if (all[i].status != SP_RETRY)
			st = all[i].status;
	}
	if (!away)
		(void)judged(st, now);
}

struct keep_call {
	struct tr *tr;
	bool idle;
	int64_t now, next;
};

static void
keep_run(void *call)
{
	struct keep_call *c = call;

	c->next = m.w->direct->keep(c->tr, c->idle, c->now);
}

static int64_t
keep_ask(struct tr *tr, bool idle, int64_t now)
{
	struct keep_call c = { .tr = tr, .idle = idle, .now = now };

	if (now < m.shun)
		return m.shun - now;
	ask(keep_run, &c);
	return c.next;
}

/* ---- open and close ---- */

static void
wrap(const struct tr_ops *direct)
{
	m.ops = *direct;
	m.ops.list = list_ask;
	m.ops.read = read_ask;
	m.ops.eligible = eligible_ask;
	m.ops.claim = claim_ask;
	if (direct->claims != NULL)
		m.ops.claims = claims_ask;
	if (direct->unpack != NULL)
		m.ops.unpack = unpack_ask;
	m.ops.refuse = refuse_ask;
	m.ops.stands = stands_ask;
	m.ops.pins = pins_ask;
	m.ops.pin = pin_ask;
	m.ops.out_dir = out_dir_ask;
	m.ops.append = append_ask;
	m.ops.beat = beat_ask;
	m.ops.bye = bye_ask;
	m.ops.held = held_ask;
	m.ops.wishes = wishes_ask;
	m.ops.release = release_ask;
	m.ops.cancel = cancel_ask;
	m.ops.keep = keep_ask;
	m.ops.drained = drained_ask;
	if (direct->room != NULL)
		m.ops.room = room_ask;
	m.ops.peers = peers_ask;
}

enum sp_status
medium_open(struct worker *w, struct sp_err *err)
{
	/* Where inotify works it is a disk of this machine. */
	if (!w->far && w->ops->wake(w->tr) != -1)
		return SP_OK;
	m.w = w;
	m.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m.fds = calloc(1 + 2 * (size_t)w->opt.slots, sizeof *m.fds);
	if (m.event == -1 || m.fds == NULL)
		return sp_err_sys(err, "start");
	(void)pthread_mutex_init(&m.lock, NULL);
	(void)pthread_cond_init(&m.wake, NULL);
	errno = pthread_create(&m.thread, NULL, medium_thread, NULL);
	if (errno != 0)
		return sp_err_sys(err, "start a thread");
	m.running = true;
	wrap(w->direct);
	w->ops = &m.ops;
	return SP_OK;
}

void
medium_close(struct worker *w)
{
	if (!m.running)
		return;
	(void)pthread_mutex_lock(&m.lock);
	m.stop = true;
	(void)pthread_cond_signal(&m.wake);
	(void)pthread_mutex_unlock(&m.lock);
	(void)pthread_join(m.thread, NULL);
	m.running = false;
	w->ops = w->direct;
	(void)pthread_cond_destroy(&m.wake);
	(void)pthread_mutex_destroy(&m.lock);
	(void)close(m.event);
	free(m.fds);
}
