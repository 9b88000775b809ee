/*
 * main.c - spoold: what to start with, and the loop.  It waits for the nearest
 * deadline or news and holds no policy; the chores are daemon.c's and
 * indexing.c's.
 *
 *	watch -> admit, promote, reap (libspool/keep) -> index -> ready.jsonl
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/version.h"
#include "spoold/daemon.h"
#include "spoold/listen.h"

enum {
	EXIT_OK = 0,
	EXIT_WRONG = 100, /* the request is wrong */
	EXIT_LATER = 111  /* try again later */
};

static const char usage[] =
    "usage: spoold [-v] [--name NAME] [--listen ADDR:PORT ...] SPOOL\n"
    "Admits jobs, promotes and reaps orders of the spool directory SPOOL, and\n"
    "keeps its index.  Stays in the foreground and logs to standard error.\n"
    "  -v, --verbose   say more\n"
    "  --name NAME     what it is called in the spool (spoold)\n"
    "  --listen ADDR:PORT  serve it over HTTP, by spool-httpd, which is given\n"
    "                  --cert, --key, --tokens FILE, --user NAME, --insecure\n"
    "SIGTERM, SIGINT: end.  SIGHUP: look at everything anew.\n";

static int
signals_open(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* False: it is time to end. */
static bool
signals_take(int fd, struct daemon *d, struct listen *l)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD) {
			listen_reap(l, sp_mono_ms());
			continue;
		}
		if (info.ssi_signo != SIGHUP) {
			sp_info("end: %s", strsignal((int)info.ssi_signo));
			return false;
		}
		sp_info("rescan: asked to");
		d->anew = true;
		d->anew_at = 0;
	}
	return true;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
loop(struct daemon *d, struct listen *l, int signals)
{
	struct pollfd fds[2] = { { .fd = signals, .events = POLLIN },
		{ .events = POLLIN } };
	int64_t now, next;
	bool going = true;

	while (going) {
		next = anew_tick(d, sp_mono_ms());
		next = least(next, look_tick(d, sp_mono_ms()));
		next = least(next, keep_tick(d, sp_mono_ms()));
		next = least(next, index_tick(d, sp_mono_ms()));
		next = least(next, ready_tick(d, sp_mono_ms()));
		next = least(next, follow_tick(d, sp_mono_ms()));
		next = least(next, beat_tick(d, sp_mono_ms()));
		next = least(next, listen_tick(l, sp_mono_ms()));
		now = sp_mono_ms();
		next = next <= now ? 0 : least(next - now, 60000);
		fds[1].fd = watch_fd();
		if (poll(fds, 2, (int)next) == -1 && errno != EINTR)
			sp_warn("poll: %s", strerror(errno));
		going = signals_take(signals, d, l);
		daemon_news(d, sp_mono_ms());
	}
}

static void
hand_on(struct listen *l, const char *option, const char *value)
{
	/* Each once at most, or the last one would not count. */
	if (l->words_n + 2 > LISTEN_WORDS)
		return;
	l->words[l->words_n++] = option;
	if (value != NULL)
		l->words[l->words_n++] = value;
}

/* What is the server's to judge. */
#define SERVER 256
static const char *const server_word[] = { "--cert", "--key", "--tokens",
	"--user", "--insecure" };

/* 0: go on. */
static int
options(int argc, char **argv, const char **name_out, const char **path_out,
    struct listen *l)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' },
		{ "cert", required_argument, NULL, SERVER + 0 },
		{ "key", required_argument, NULL, SERVER + 1 },
		{ "tokens", required_argument, NULL, SERVER + 2 },
		{ "user", required_argument, NULL, SERVER + 3 },
		{ "insecure", no_argument, NULL, SERVER + 4 },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	bool verbose = false;
	int c;

	*name_out = "spoold";
	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			*name_out = optarg;
			break;
		case 'l':
			l->where = optarg;
			break;
		case 'v':
			sp_log_level(2);
			verbose = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return -1;
		case 'V':
			(void)puts("spoold " SP_VERSION);
			return -1;
		default:
			if (c >= SERVER) {
				hand_on(l, server_word[c - SERVER], optarg);
				break;
			}
			(void)fputs(usage, stderr);
			return EXIT_WRONG;
		}
	}
	/* They are of no use without it, and who gives them thinks they are. */
	if (optind + 1 != argc || (l->where == NULL && l->words_n > 0)) {
		(void)fputs(usage, stderr);
		return EXIT_WRONG;
	}
	if (verbose)
		hand_on(l, "--verbose", NULL);
	*path_out = argv[optind];
	return 0;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	static struct listen l;
	const char *name, *path;
	struct sp_err err = { "" };
	enum sp_status st;
	int signals, rc;

	/* What a long listing took is given back. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	watch_open(); /* first: see watch.h */
	if ((rc = options(argc, argv, &name, &path, &l)) != 0)
		return rc == -1 ? EXIT_OK : rc;
	if ((signals = signals_open()) == -1) {
		sp_warn("signals: %s", strerror(errno));
		return EXIT_LATER;
	}
	st = listen_open(&l, path, &err);
	if (st == SP_OK)
		st = daemon_open(&d, path, name, &err);
	if (st != SP_OK) {
		sp_warn("%s", err.text);
		return st == SP_RETRY ? EXIT_LATER : EXIT_WRONG;
	}
	sp_info("start spool=%s as=%s watch=%s%s", d.spool.path, d.spool.actor,
	    watch_name(),
	    d.spool.local ? ""
			  : " (not local: looking by the "
			    "clock too)");
	loop(&d, &l, signals);
	listen_close(&l);
	beat_bye(&d);
	daemon_close(&d);
	watch_close();
	return EXIT_OK;
}
