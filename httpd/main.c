/*
 * main.c - spool-httpd: open what is needed, give up the rest, serve.
 *
 *	options -> socket, keys -> spool -> sandbox -> door, crew, clock
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "httpd/queue.h"
#include "httpd/sandbox.h"
#include "httpd/server.h"
#include "index/index.h"
#include "libspool/file.h"
#include "libspool/listen.h"
#include "libspool/log.h"
#include "libspool/version.h"

enum {
	EXIT_OK = 0,
	EXIT_WRONG = 100, /* the request is wrong */
	EXIT_LATER = 111  /* try again later */
};

#define PEM_MOST    (1 << 20)
#define CONNECTIONS 512
#define RATE        2000

static const char usage[] =
    "usage: spool-httpd [-v] [--listen ADDR:PORT] [--cert FILE --key FILE]\n"
    "                   [--tokens FILE] [--insecure] [--user NAME] SPOOL\n"
    "Serves the spool directory SPOOL over HTTP, under /v1.\n"
    "  -v, --verbose        say each request\n"
    "  --listen ADDR:PORT   where (127.0.0.1:8080); port 0: any\n"
    "  --cert, --key FILE   TLS: a certificate (with its chain) and its key, PEM\n"
    "  --tokens FILE        who may what; default SPOOL/tokens, if it is there\n"
    "  --insecure           let others than this host in without TLS or tokens\n"
    "  --user NAME          become NAME; default: the owner of the spool\n"
    "  --connections N      at most (512)\n"
    "  --rate N             requests a second of one token or address (2000)\n"
    "  --socket FD          a listening socket that is open already\n";

static const struct option longs[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "cert", required_argument, NULL, 'c' },
	{ "key", required_argument, NULL, 'k' },
	{ "tokens", required_argument, NULL, 't' },
	{ "insecure", no_argument, NULL, 'i' },
	{ "user", required_argument, NULL, 'u' },
	{ "connections", required_argument, NULL, 'n' },
	{ "rate", required_argument, NULL, 'r' },
	{ "socket", required_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static bool
number(const char *text, int least, int most, int *out)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < least || v > most) {
		sp_warn("found '%s', expected a number from %d to %d", text,
		    least, most);
		return false;
	}
	*out = (int)v;
	return true;
}

/* 0: go on; -1: all is said. */
static int
options(int argc, char **argv, struct options *o)
{
	bool good = true;
	int c;

	*o = (struct options){ .listen = "127.0.0.1:8080",
		.socket = -1,
		.connections = CONNECTIONS,
		.rate = RATE };
	while (good && (c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			o->listen = optarg;
			break;
		case 'c':
			o->cert = optarg;
			break;
		case 'k':
			o->key = optarg;
			break;
		case 't':
			o->tokens = optarg;
			break;
		case 'i':
			o->insecure = true;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'n':
			good = number(optarg, 8, 100000, &o->connections);
			break;
		case 'r':
			good = number(optarg, 0, 1000000, &o->rate);
			break;
		case 's':
			good = number(optarg, 0, 1000000, &o->socket);
			break;
		case 'v':
			sp_log_level(2);
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return -1;
		case 'V':
			(void)puts("spool-httpd " SP_VERSION);
			return -1;
		default:
			good = false;
		}
	}
	if (!good || optind + 1 != argc ||
	    (o->cert == NULL) != (o->key == NULL)) {
		(void)fputs(usage, stderr);
		return EXIT_WRONG;
	}
	o->spool = argv[optind];
	return 0;
}

/* ---- the start ---- */

struct listen {
	int fd;
	char where[SP_WHERE_MAX];
	bool loopback; /* only this host can reach it */
};

static enum sp_status
listen_open(const struct options *o, struct listen *l, struct sp_err *err)
{
	enum sp_status st = SP_OK;

	l->fd = o->socket;
	if (l->fd == -1)
		st = sp_listen(o->listen, &l->fd, err);
	if (st == SP_OK)
		st = sp_listens(l->fd, l->where, &l->loopback, err);
	if (st == SP_OK)
		(void)fcntl(l->fd, F_SETFD, FD_CLOEXEC);
	return st;
}

static enum sp_status
pem_read(const char *path, struct sp_buf *text, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	if (path == NULL)
		return SP_OK;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		(void)sp_err_sys(err, "open %s", path);
		return SP_FATAL;
	}
	st = sp_read_fd(fd, path, PEM_MOST, 8192, text, err);
	(void)close(fd);
	return st == SP_OK ? st : SP_FATAL;
}

/* Who is not at this machine needs a token, and nobody is to read it on its
 * way. */
static enum sp_status
allowed(const struct server *s, const struct listen *l, struct sp_err *err)
{
	if (l->loopback || s->opt.insecure)
		return SP_OK;
	if (s->opt.cert == NULL)
		return sp_err_set(err, SP_FATAL,
		    "%s is reached from elsewhere: give --cert and --key, or "
		    "--insecure",
		    l->where);
	if (!s->keys.needed)
		return sp_err_set(err, SP_FATAL,
		    "%s is reached from elsewhere, and there are no tokens: "
		    "make one with 'spool token add', or give --insecure",
		    l->where);
	return SP_OK;
}

/* What was made as root belongs to the owner; who we become must be able to
 * write there. */
static enum sp_status
shut_in(struct server *s, struct sp_err *err)
{
	struct sandbox box = { .user = s->opt.user, .spool = s->spool.root };
	char state[SANDBOX_PATHS][INDEX_PATH_MAX], tokens[64];
	int64_t now, took;
	enum sp_status st;
	unsigned i;

	if (s->opt.tokens != NULL) {
		(void)snprintf(
		    tokens, sizeof tokens, "/proc/self/fd/%d", s->keys.dir);
		box.also[0].path = tokens;
	}
	for (i = 1; i < SANDBOX_PATHS; i++)
		if (index_outside(&s->spool, i - 1, state[i])) {
			box.also[i].path = state[i];
			box.also[i].write = true;
		}
	st = sandbox_user(&box, err);
	/* That has made the kernel forget it: who gave us the socket is our
	 * parent, and we end with it. */
	if (s->opt.socket != -1)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (st == SP_OK &&
	    (st = sp_server_now(&s->spool, &now, &took, err)) == SP_OK)
		st = sandbox_enter(&box, err);
	return st;
}

static int
complain(enum sp_status st, const struct sp_err *err)
{
	sp_warn("%s", err->text);
	return st == SP_RETRY ? EXIT_LATER : EXIT_WRONG;
}

static int
serve_on(struct server *s, const struct listen *l, const char *cert,
    const char *key, int signals, struct sp_err *err)
{
	struct signalfd_siginfo info;
	bool good;

	if ((s->limits = limits_new(s->opt.rate)) == NULL ||
	    (s->queue = queue_new(s)) == NULL || !origin_init(&s->origin) ||
	    (s->events = events_new()) == NULL ||
	    (s->clock = clock_new(s, err)) == NULL) {
		sp_warn("no memory");
		return EXIT_LATER;
	}
	if ((s->door = door_new(s, l->fd, cert, key, err)) == NULL)
		return complain(SP_FATAL, err);
	if (!clock_start(s->clock)) {
		sp_warn("no thread");
		return EXIT_LATER;
	}
	sp_info("start spool=%s listen=%s://%s tokens=%s", s->spool.path,
	    cert != NULL ? "https" : "http", l->where,
	    keys_needed(&s->keys) ? "needed" : "none");
	do
		good = read(signals, &info, sizeof info) == sizeof info;
	while (!good && errno == EINTR);
	if (good)
		sp_info("end: %s", strsignal((int)info.ssi_signo));
	atomic_store(&s->ending, true);
	door_close(s->door);
	clock_end(s->clock);
	door_free(s->door);
	clock_free(s->clock);
	queue_free(s->queue);
	origin_clear(&s->origin);
	events_free(s->events);
	limits_free(s->limits);
	return EXIT_OK;
}

static int
run(struct server *s, int signals)
{
	struct sp_buf cert = SP_BUF_INIT(PEM_MOST), key = SP_BUF_INIT(PEM_MOST);
	struct sp_err err = { "" };
	struct listen l;
	enum sp_status st;
	int rc;

	(void)pthread_mutex_init(&s->now.lock, NULL);
	(void)pthread_mutex_init(&s->health.lock, NULL);
	st = sp_spool_open(s->opt.spool, "httpd", &s->spool, &err);
	if (st != SP_OK)
		return complain(st, &err);
	if ((st = keys_open(&s->keys, &s->spool, s->opt.tokens, &err)) !=
		SP_OK ||
	    (st = pem_read(s->opt.cert, &cert, &err)) != SP_OK ||
	    (st = pem_read(s->opt.key, &key, &err)) != SP_OK)
		return complain(st, &err);
	st = listen_open(&s->opt, &l, &err);
	if (st != SP_OK || (st = allowed(s, &l, &err)) != SP_OK ||
	    (st = shut_in(s, &err)) != SP_OK)
		return complain(st, &err);
	rc = serve_on(s, &l, cert.data, key.data, signals, &err);
	if (key.data != NULL)
		explicit_bzero(key.data, key.len);
	sp_buf_clear(&cert);
	sp_buf_clear(&key);
	keys_close(&s->keys);
	sp_spool_close(&s->spool);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct server s;
	sigset_t set;
	int signals, rc;

	if ((rc = options(argc, argv, &s.opt)) != 0)
		return rc == -1 ? EXIT_OK : rc;
	tzset(); /* while its file can be read */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals == -1) {
		sp_warn("signals: %s", strerror(errno));
		return EXIT_LATER;
	}
	return run(&s, signals);
}
