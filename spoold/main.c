/*
 * main.c - spoold: what to start with, and the loop.  It waits for the nearest
 * deadline or news and holds no policy; the chores are daemon.c's and
 * indexing.c's.
 *
 *	watch -> admit, promote, reap (libspool/keep) -> index -> ready.jsonl
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/version.h"
#include "spoold/daemon.h"

enum {
	EXIT_OK = 0,
	EXIT_WRONG = 100, /* the request is wrong */
	EXIT_LATER = 111  /* try again later */
};

static const char usage[] =
    "usage: spoold [-v] [--name NAME] SPOOL\n"
    "Admits jobs, promotes and reaps orders of the spool directory SPOOL, and\n"
    "keeps its index.  Stays in the foreground and logs to standard error.\n"
    "  -v, --verbose   say more\n"
    "  --name NAME     what it is called in the spool (spoold)\n"
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
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* False: it is time to end. */
static bool
signals_take(int fd, struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
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
loop(struct daemon *d, int signals)
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
		now = sp_mono_ms();
		next = next <= now ? 0 : least(next - now, 60000);
		fds[1].fd = watch_fd();
		if (poll(fds, 2, (int)next) == -1 && errno != EINTR)
			sp_warn("poll: %s", strerror(errno));
		going = signals_take(signals, d);
		daemon_news(d, sp_mono_ms());
	}
}

/* 0: go on. */
static int
options(int argc, char **argv, const char **name_out, const char **path_out)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*name_out = "spoold";
	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			*name_out = optarg;
			break;
		case 'v':
			sp_log_level(2);
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return -1;
		case 'V':
			(void)puts("spoold " SP_VERSION);
			return -1;
		default:
			(void)fputs(usage, stderr);
			return EXIT_WRONG;
		}
	}
	if (optind + 1 != argc) {
		(void)fputs(usage, stderr);
		return EXIT_WRONG;
	}
	*path_out = argv[optind];
	return 0;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	const char *name, *path;
	struct sp_err err = { "" };
	enum sp_status st;
	int signals, rc;

	watch_open(); /* first: see watch.h */
	if ((rc = options(argc, argv, &name, &path)) != 0)
		return rc == -1 ? EXIT_OK : rc;
	if ((signals = signals_open()) == -1) {
		sp_warn("signals: %s", strerror(errno));
		return EXIT_LATER;
	}
	if ((st = daemon_open(&d, path, name, &err)) != SP_OK) {
		sp_warn("%s", err.text);
		return st == SP_RETRY ? EXIT_LATER : EXIT_WRONG;
	}
	sp_info("start spool=%s as=%s watch=%s%s", d.spool.path, d.spool.actor,
	    watch_name(),
	    d.spool.local ? ""
			  : " (not local: looking by the "
			    "clock too)");
	loop(&d, signals);
	beat_bye(&d);
	daemon_close(&d);
	watch_close();
	return EXIT_OK;
}
