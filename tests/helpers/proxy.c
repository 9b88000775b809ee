/*
 * proxy.c - a link between a client and a server that does what links do.
 *
 *	proxy PORT CONTROL	listens on 127.0.0.1, a port of its own, which
 *it prints; goes to 127.0.0.1:PORT
 *
 * The file CONTROL says how the link is, in words; it may be replaced at any
 * time, and CONTROL.seen has the same text as soon as that is so; CONTROL.trips
 * then says how often so far a client has asked something after all that it had
 * asked before was answered, or begun to be: the round trips of one who asks
 *one thing at a time.  The words:
 *
 *	pass		as links are meant to be; also where nothing is said
 *	delay MS	each way
 *	slow BYTES	a second, all connections and both ways together
 *	freeze		nothing moves; nobody is told
 *	mute		requests arrive, answers do not: they are lost, and the
 *			connection with them when that ends
 *	reset		all connections break, once; new ones pass
 *	cut		all connections break, and new ones too
 *	random SEED MS	one after another of these, MS long on average, every
 *			second one `pass`; each is named on standard error
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINKS 256
#define HELD  (256 * 1024) /* bytes on their way, each way */
#define PIECE 16384

enum way {
	PASS,
	FREEZE,
	MUTE,
	CUT
};

struct piece {
	struct piece *next;
	int64_t due;
	size_t at, n;
	char data[];
};

/* One way of one connection. */
struct lane {
	int from, to;
	struct piece *first, *last;
	size_t held;
	bool ended; /* from has said its last; told: so was to */
	bool told;
};

struct link {
	struct lane lane[2]; /* requests, answers */
	bool spoiled;        /* answers were lost */
	bool asked;          /* and nothing has come back since */
};

static struct link *all[LINKS];
static int links, listener, target;
static const char *control;

static enum way way;
static int64_t delay, rate, room, filled;
static bool random_on;
static uint64_t dice;
static int64_t mean, turn, said = -1;
static unsigned long trips;
static bool episode;

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned throw(unsigned sides)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % sides;
}

/* ---- connections ---- */

static void
break_link(int i, bool hard)
{
	const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
	struct link *l = all[i];
	struct piece *p;
	int k;

	for (k = 0; k < 2; k++) {
		while ((p = l->lane[k].first) != NULL) {
			l->lane[k].first = p->next;
			free(p);
		}
		if (hard)
			(void)setsockopt(l->lane[k].from, SOL_SOCKET, SO_LINGER,
			    &rst, sizeof rst);
		(void)close(l->lane[k].from);
	}
	free(l);
	all[i] = all[--links];
}

static void
break_all(bool spoiled_only)
{
	int i;

	for (i = links - 1; i >= 0; i--)
		if (!spoiled_only || all[i]->spoiled)
			break_link(i, true);
}

static void
greet(void)
{
	const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)target),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), there;
	struct link *l;

	if (fd == -1)
		return;
	there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (way == CUT || links == LINKS ||
	    connect(there, (struct sockaddr *)&to, sizeof to) == -1 ||
	    (l = calloc(1, sizeof *l)) == NULL) {
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
		(void)close(fd);
		(void)close(there);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(there, F_SETFL, O_NONBLOCK);
	l->lane[0] = (struct lane){ .from = fd, .to = there };
	l->lane[1] = (struct lane){ .from = there, .to = fd };
	all[links++] = l;
}

/* ---- bytes ---- */

/* false: it is broken. */
static bool
take(struct link *l, int k, int64_t now)
{
	struct lane *a = &l->lane[k];
	char buf[PIECE];
	struct piece *p;
	ssize_t n;

	n = read(a->from, buf, sizeof buf);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) {
		a->ended = true;
		return true;
	}
	if (way == MUTE && k == 1) {
		l->spoiled = true;
		return true;
	}
	trips += k == 0 && !l->asked;
	l->asked = l->asked || k == 0;
	if ((p = malloc(sizeof *p + (size_t)n)) == NULL)
		return false;
	*p = (struct piece){ .due = now + delay, .n = (size_t)n };
	(void)memcpy(p->data, buf, (size_t)n);
	if (a->first == NULL)
		a->first = p;
	else
		a->last->next = p;
	a->last = p;
	a->held += (size_t)n;
	return true;
}

static bool
give(struct link *l, int k, int64_t now)
{
	struct lane *a = &l->lane[k];
	struct piece *p;
	ssize_t n;
	size_t most;

	while ((p = a->first) != NULL && p->due <= now &&
	    (rate == 0 || room > 0)) {
		most = p->n - p->at;
		if (rate > 0 && (int64_t)most > room)
			most = (size_t)room;
		n = write(a->to, p->data + p->at, most);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		l->asked = l->asked && k == 0;
		p->at += (size_t)n;
		a->held -= (size_t)n;
		room -= rate > 0 ? n : 0;
		if (p->at < p->n)
			break;
		a->first = p->next;
		free(p);
	}
	if (a->first == NULL && a->ended && !a->told) {
		(void)shutdown(a->to, SHUT_WR);
		a->told = true;
	}
	return true;
}

/* ---- how the link is ---- */

static void
episode_next(int64_t now)
{
	static const char *const names[] = { "freeze", "mute", "slow", "reset",
		"cut" };
	unsigned which;

	if (now < turn)
		return;
	turn = now + mean / 2 + (int64_t) throw((unsigned)mean + 1);
	episode = !episode;
	way = PASS;
	rate = 0;
	break_all(true);
	if (!episode)
		return;
	which = throw(sizeof names / sizeof *names);
	(void)fprintf(stderr, "%s\n", names[which]);
	switch (which) {
	case 0:
		way = FREEZE;
		break;
	case 1:
		way = MUTE;
		break;
	case 2:
		rate = 20000;
		break;
	case 3:
		break_all(false);
		break;
	default:
		way = CUT;
		break_all(false);
	}
}

static void
obey(const char *text)
{
	char word[16];
	long long a, b;
	int used, n;

	way = PASS;
	delay = rate = 0;
	random_on = false;
	while (sscanf(text, " %15s%n", word, &used) == 1) {
		text += used;
		used = 0;
		a = b = 0;
		n = sscanf(text, " %lld%n", &a, &used);
		if (strcmp(word, "random") == 0)
			n = sscanf(text, " %lld %lld%n", &a, &b, &used);
		text += n < 1 ? 0 : used;
		if (strcmp(word, "delay") == 0)
			delay = a;
		else if (strcmp(word, "slow") == 0)
			rate = a;
		else if (strcmp(word, "freeze") == 0)
			way = FREEZE;
		else if (strcmp(word, "mute") == 0)
			way = MUTE;
		else if (strcmp(word, "cut") == 0)
			way = CUT;
		else if (strcmp(word, "random") == 0) {
			random_on = true;
			dice = (uint64_t)a;
			mean = b > 0 ? b : 500;
			turn = 0;
			episode = true;
		}
		if (way == CUT || strcmp(word, "reset") == 0)
			break_all(false);
	}
	if (way != MUTE)
		break_all(true);
}

/* All at once, beside CONTROL. */
static void
say(const char *end, const char *text)
{
	char seen[4096], tmp[4096];
	FILE *f;

	(void)snprintf(tmp, sizeof tmp, "%s.%s.tmp", control, end);
	(void)snprintf(seen, sizeof seen, "%s.%s", control, end);
	if ((f = fopen(tmp, "w")) == NULL)
		return;
	(void)fputs(text, f);
	(void)fclose(f);
	(void)remove(seen);
	(void)!link(tmp, seen);
	(void)unlink(tmp);
}

/* The text of CONTROL, when it is another file than it was. */
static void
look(void)
{
	char text[256] = "", count[32];
	static ino_t ino;
	struct stat st;
	FILE *f;

	if (stat(control, &st) == -1 ||
	    (st.st_ino == ino && st.st_mtim.tv_nsec == said))
		return;
	if ((f = fopen(control, "r")) == NULL)
		return;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	(void)fclose(f);
	ino = st.st_ino;
	said = st.st_mtim.tv_nsec;
	obey(text);
	(void)snprintf(count, sizeof count, "%lu\n", trips);
	say("trips", count);
	say("seen", text);
}

static void
refill(int64_t now)
{
	int64_t most = rate / 10 + 1;

	if (rate > 0) {
		room += rate * (now - filled) / 1000;
		/* What is less than a byte is not lost. */
		if (rate * (now - filled) / 1000 > 0)
			filled = now;
		room = room > most ? most : room;
	} else
		filled = now;
}

/* How long nothing is due, 5 ms at most: CONTROL is looked at. */
static int
idle_ms(void)
{
	int64_t now = now_ms(), next = now + 5;
	int i, k;

	for (i = 0; i < links && way != FREEZE && rate == 0; i++)
		for (k = 0; k < 2; k++)
			if (all[i]->lane[k].first != NULL &&
			    all[i]->lane[k].first->due < next)
				next = all[i]->lane[k].first->due;
	return next > now ? (int)(next - now) : 1;
}

static void
turn_once(struct pollfd *fds)
{
	int64_t now;
	int n = 0, i, k, was = links;
	bool ok;

	fds[n++] = (struct pollfd){ .fd = way == FREEZE ? -1 : listener,
		.events = POLLIN };
	for (i = 0; i < was; i++)
		for (k = 0; k < 2; k++) {
			struct lane *a = &all[i]->lane[k];

			fds[n++] = (struct pollfd){ .fd = way == FREEZE ||
					a->ended || a->held >= HELD
				    ? -1
				    : a->from,
				.events = POLLIN };
		}
	(void)poll(fds, (nfds_t)n, idle_ms());
	now = now_ms();
	refill(now);
	for (i = was - 1; i >= 0 && way != FREEZE; i--) {
		ok = true;
		for (k = 0; k < 2 && ok; k++) {
			if (fds[1 + 2 * i + k].revents != 0)
				ok = take(all[i], k, now);
			ok = ok && give(all[i], k, now);
		}
		if (!ok || (all[i]->lane[0].told && all[i]->lane[1].told))
			break_link(i, !ok);
	}
	if (fds[0].revents != 0)
		greet();
	look();
	if (random_on)
		episode_next(now);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static struct pollfd fds[1 + 2 * LINKS];
	socklen_t len = sizeof at;

	if (argc != 3)
		return 100;
	(void)signal(SIGPIPE, SIG_IGN);
	target = atoi(argv[1]);
	control = argv[2];
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&at, sizeof at) == -1 ||
	    listen(listener, 128) == -1 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) == -1)
		return 111;
	(void)printf("%d\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	for (;;)
		turn_once(fds);
}
