/*
 * sftpcall.c - requests and their answers, from any thread to the link's and
 * back.  The link's own thread, and when a connection is given up, is
 * sftplink.c.
 *
 * Requests of a few bytes go out before pieces of large transfers, and of those
 * only so many are with the server at once that it answers each soon: it works
 * them off in order, so whoever comes later waits behind all of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "transport/sftpin.h"

#define BULK_MIN   2
#define BULK_MAX   128
#define BULK_QUICK 150 /* ms; an answer this soon: more at once */
#define BULK_SLOW  400 /* this late: fewer */

/* ---- packets in a queue ---- */

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

void
sftp_queues_init(struct sftp *l)
{
	queue_init(&l->small);
	queue_init(&l->bulk);
}

static void
queue_add(struct queue *q, struct packet *p)
{
	p->next = NULL;
	*q->last = p;
	q->last = &p->next;
}

static struct packet *
queue_take(struct queue *q)
{
	struct packet *p = q->first;

	if (p == NULL)
		return NULL;
	q->first = p->next;
	if (q->first == NULL)
		q->last = &q->first;
	return p;
}

static void
queue_clear(struct queue *q)
{
	struct packet *p;

	while ((p = queue_take(q)) != NULL) {
		free(p->data);
		free(p);
	}
}

void
sftp_rouse(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof one);
}

/* ---- calls ---- */

void
sftp_call_init(struct sftp_call *c, enum sftp_type type)
{
	(void)memset(c, 0, sizeof *c);
	sp_buf_init(&c->packet, SFTP_PACKET_MAX + 4);
	(void)sftp_pack(&c->packet, type);
}

void
sftp_call_clear(struct sftp_call *c)
{
	sp_buf_clear(&c->packet);
	free(c->answer);
	c->answer = NULL;
	c->in = (struct sftp_in){ .bad = true };
	c->type = 0;
}

/* Under the lock: a slot of its own, which is part of its id.  0 is nobody's
 * id: what answers to that is thrown away. */
static bool
slot_take(struct sftp *l, struct sftp_call *c)
{
	unsigned i, at;

	for (i = 0; i < SFTP_SLOTS; i++) {
		at = (unsigned)(l->seq + i) % SFTP_SLOTS;
		if (l->slot[at] != NULL)
			continue;
		l->seq += i + 1;
		l->slot[at] = c;
		l->out++;
		c->id =
		    ((l->seq / SFTP_SLOTS + 1) % 4000000 + 1) * SFTP_SLOTS + at;
		return true;
	}
	return false;
}

static void
slot_give(struct sftp *l, struct sftp_call *c)
{
	if (l->slot[c->id % SFTP_SLOTS] == c) {
		l->slot[c->id % SFTP_SLOTS] = NULL;
		l->out--;
		if (c->bulk && c->sent != 0)
			l->bulk_out--;
	}
}

static int
enqueue(struct sftp *l, struct sftp_call *c, unsigned number, bool care)
{
	struct packet *p;
	int rc = 0;

	sftp_pack_end(&c->packet, 0);
	if (c->packet.failed || (p = malloc(sizeof *p)) == NULL)
		return -ENOMEM;
	(void)pthread_mutex_lock(&l->lock);
	if (l->now.number == 0 || l->broken)
		rc = number != 0 ? -EIO : -EHOSTDOWN;
	else if (number != 0 && number != l->now.number)
		rc = -EIO;
	else if (care && !slot_take(l, c))
		rc = -EHOSTDOWN; /* a thousand of them: nothing moves */
	if (rc == 0) {
		c->number = l->now.number;
		c->done = false;
		c->sent = 0;
		p->id = care ? c->id : 0;
		sftp_pack_id(c->packet.data, p->id);
		p->data = c->packet.data;
		p->len = c->packet.len;
		c->packet.data = NULL;
		c->packet.len = c->packet.cap = 0;
		queue_add(c->bulk ? &l->bulk : &l->small, p);
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (rc == 0)
		sftp_rouse(l->wake);
	else
		free(p);
	return rc;
}

int
sftp_send(struct sftp *l, struct sftp_call *c, unsigned number)
{
	return enqueue(l, c, number, true);
}

void
sftp_throw(struct sftp *l, struct sftp_call *c, unsigned number)
{
	(void)enqueue(l, c, number, false);
	sftp_call_clear(c);
}

void
sftp_wait_told(struct sftp *l, int64_t ms)
{
	const struct timespec t = sp_mono_in(ms);

	(void)pthread_cond_timedwait(&l->told, &l->lock, &t);
}

static void
break_off(struct sftp *l, unsigned number, const char *why)
{
	if (number != l->now.number || l->broken)
		return;
	l->broken = true;
	sp_err_clear(&l->why);
	(void)sp_err_set(&l->why, SP_RETRY, "%s", why);
	sftp_rouse(l->wake);
}

int
sftp_wait(struct sftp *l, struct sftp_call *c)
{
	int64_t from = sp_mono_ms(), left;
	char why[64];

	(void)pthread_mutex_lock(&l->lock);
	while (!c->done) {
		/* A piece that still waits for its turn has time: the ones
		 * before it are watched by whoever waits for those. */
		if (c->bulk && c->sent == 0)
			from = sp_mono_ms();
		left = from + l->deadline - sp_mono_ms();
		if (left > 0) {
			sftp_wait_told(l, left);
			continue;
		}
		(void)snprintf(why, sizeof why, "no answer in %lld ms",
		    (long long)l->deadline);
		break_off(l, c->number, why);
		slot_give(l, c);
		c->done = true;
		c->type = 0;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return c->type == 0 ? -EHOSTDOWN : 0;
}

int
sftp_ask(struct sftp *l, struct sftp_call *c, unsigned number)
{
	int rc = sftp_send(l, c, number);

	return rc == 0 ? sftp_wait(l, c) : rc;
}

int
sftp_spoilt(struct sftp *l, unsigned number)
{
	(void)pthread_mutex_lock(&l->lock);
	break_off(l, number, "the server's answer made no sense");
	(void)pthread_mutex_unlock(&l->lock);
	return -EHOSTDOWN;
}

struct sftp_now
sftp_now(struct sftp *l)
{
	struct sftp_now now;

	(void)pthread_mutex_lock(&l->lock);
	now = l->now;
	if (l->broken)
		now.number = 0;
	(void)pthread_mutex_unlock(&l->lock);
	return now;
}

const char *
sftp_root(const struct sftp *l)
{
	return l->root;
}

/* ---- for the thread ---- */

/* How soon pieces are answered says how many the way there can bear. */
static void
bulk_learn(struct sftp *l, int64_t took)
{
	if (took <= BULK_QUICK && l->bulk_max < BULK_MAX)
		l->bulk_max++;
	else if (took >= BULK_SLOW && l->bulk_max > BULK_MIN)
		l->bulk_max = l->bulk_max * 3 / 4 < BULK_MIN
		    ? BULK_MIN
		    : l->bulk_max * 3 / 4;
}

/* Under the lock.  false: nothing that we asked for. */
bool
sftp_answer(struct sftp *l, const uint8_t *data, size_t len)
{
	struct sftp_in in = { .at = data + 4, .left = len - 4 };
	unsigned type = sftp_u8(&in);
	uint32_t id = sftp_u32(&in);
	struct sftp_call *c;

	if (id == 0)
		return true;
	c = l->slot[id % SFTP_SLOTS];
	if (c == NULL || c->id != id || c->sent == 0 ||
	    (c->answer = malloc(in.left + 1)) == NULL)
		return false;
	(void)memcpy(c->answer, in.at, in.left);
	c->in = (struct sftp_in){ .at = c->answer, .left = in.left };
	c->type = type;
	c->done = true;
	if (c->bulk)
		bulk_learn(l, sp_mono_ms() - c->sent);
	slot_give(l, c);
	return true;
}

/* Under the lock. */
static void
to_wire(struct sftp *l, struct packet *p)
{
	struct sftp_call *c = p->id == 0 ? NULL : l->slot[p->id % SFTP_SLOTS];

	if (c != NULL && c->id == p->id) {
		c->sent = sp_mono_ms();
		if (c->bulk)
			l->bulk_out++;
	}
	sp_buf_put(&l->wire, p->data, p->len);
	free(p->data);
	free(p);
}

void
sftp_fill(struct sftp *l)
{
	struct packet *p;

	sp_buf_reset(&l->wire);
	l->wired = 0;
	(void)pthread_mutex_lock(&l->lock);
	while (
	    l->wire.len < SFTP_WIRE / 2 && (p = queue_take(&l->small)) != NULL)
		to_wire(l, p);
	while (l->wire.len < SFTP_WIRE / 2 && l->bulk_out < l->bulk_max &&
	    (p = queue_take(&l->bulk)) != NULL)
		to_wire(l, p);
	(void)pthread_mutex_unlock(&l->lock);
}

/* Everything that was on its way is over. */
void
sftp_drop_all(struct sftp *l)
{
	unsigned i;

	(void)pthread_mutex_lock(&l->lock);
	l->now.number = 0;
	l->broken = false;
	for (i = 0; i < SFTP_SLOTS; i++)
		if (l->slot[i] != NULL) {
			l->slot[i]->type = 0;
			l->slot[i]->done = true;
			l->slot[i] = NULL;
		}
	l->out = l->bulk_out = 0;
	queue_clear(&l->small);
	queue_clear(&l->bulk);
	(void)pthread_cond_broadcast(&l->told);
	(void)pthread_mutex_unlock(&l->lock);
}
