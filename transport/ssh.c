/*
 * ssh.c - an SSH connection from the first packet to the last: TCP, handshake,
 * the channel, and bytes through it.  Whether the host is the right one is
 * decided in sshhost.c, who we are in sshauth.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "transport/sshin.h"

/* After so long without an answer to what was sent the kernel gives up, ms. */
#define UNHEARD 60000

bool
ssh_home(char path_out[PATH_MAX], const char *name)
{
	const char *home = getenv("HOME");
	struct passwd pw, *is = NULL;
	char room[4096];
	int n;

	if ((home == NULL || *home != '/') &&
	    getpwuid_r(geteuid(), &pw, room, sizeof room, &is) == 0 &&
	    is != NULL)
		home = pw.pw_dir;
	if (home == NULL || *home != '/')
		return false;
	n = snprintf(path_out, PATH_MAX, "%s/%s", home, name);
	return n > 0 && n < PATH_MAX;
}

/* ---- waiting ---- */

/* True: ready.  false: the deadline, or stop. */
static bool
wait_fd(const struct ssh *s, short events)
{
	struct pollfd p[2] = { { .fd = s->fd, .events = events },
		{ .fd = s->stop, .events = POLLIN } };
	int64_t left;
	int n;

	for (;;) {
		if ((left = s->until - sp_mono_ms()) <= 0)
			return false;
		n = poll(p, 2, left > INT_MAX ? INT_MAX : (int)left);
		if (n == -1 && errno != EINTR)
			return false;
		if (n > 0 && p[1].revents != 0)
			return false;
		if (n > 0)
			return true;
	}
}

static short
events(const struct ssh *s, bool writing)
{
	int d = libssh2_session_block_directions(s->session);
	short e = 0;

	if ((d & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0 && writing)
		e |= POLLOUT;
	if ((d & LIBSSH2_SESSION_BLOCK_INBOUND) != 0 || e == 0)
		e |= POLLIN;
	return e;
}

bool
ssh_wait(const struct ssh *s)
{
	return wait_fd(s, events(s, true));
}

enum sp_status
ssh_err(const struct ssh *s, int rc, const struct ssh_site *site,
    const char *what, struct sp_err *err)
{
	char *words = NULL;

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return sp_err_set(err, SP_RETRY,
		    "%s port %u did not answer in time (%s)", site->host,
		    site->port, what);
	(void)libssh2_session_last_error(s->session, &words, NULL, 0);
	return sp_err_set(err, SP_RETRY, "%s port %u: %s: %s", site->host,
	    site->port, what, words == NULL ? "no reason given" : words);
}

/* ---- TCP ---- */

/* The first of its addresses that answers, each with its share of the time. */
static enum sp_status
dial(struct ssh *s, const struct ssh_site *site, struct sp_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
	int rc, why = ETIMEDOUT, one = 1, n = 0;
	unsigned unheard = UNHEARD;
	struct addrinfo *all, *a;
	int64_t end = s->until;
	char port[8];
	socklen_t len;

	(void)snprintf(port, sizeof port, "%u", site->port);
	if ((rc = getaddrinfo(site->host, port, &hints, &all)) != 0)
		return sp_err_set(err, SP_RETRY, "%s: %s", site->host,
		    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	for (a = all; a != NULL; a = a->ai_next)
		n++;
	for (a = all; a != NULL; a = a->ai_next, n--) {
		s->fd = socket(a->ai_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (s->fd == -1) {
			why = errno;
			continue;
		}
		why =
		    connect(s->fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
		if (why == EINPROGRESS) {
			s->until = sp_mono_ms() + (end - sp_mono_ms()) / n;
			len = sizeof why;
			if (!wait_fd(s, POLLOUT))
				why = ETIMEDOUT;
			else if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why,
				     &len) == -1)
				why = errno;
			s->until = end;
		}
		if (why == 0)
			break;
		(void)close(s->fd);
		s->fd = -1;
	}
	freeaddrinfo(all);
	if (s->fd == -1)
		return sp_err_set(err, SP_RETRY, "%s port %u: %s", site->host,
		    site->port, strerror(why));
	/* Small requests must not wait for company. */
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	(void)setsockopt(
	    s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard, sizeof unheard);
	return SP_OK;
}

/* ---- open and close ---- */

static pthread_once_t library = PTHREAD_ONCE_INIT;
static int library_rc;

static void
library_init(void)
{
	library_rc = libssh2_init(0);
}

static enum sp_status
start(struct ssh *s, const struct ssh_site *site, struct sp_err *err)
{
	enum sp_status st;
	int rc;

	libssh2_session_set_blocking(s->session, 0);
	ssh_host_prefer(s, site);
	SSH_DO(s, rc, libssh2_session_handshake(s->session, s->fd));
	if (rc != 0) {
		(void)ssh_err(s, rc, site, "SSH handshake", err);
		return rc == LIBSSH2_ERROR_BANNER_RECV ||
			rc == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
			rc == LIBSSH2_ERROR_SOCKET_RECV
		    ? SP_LOST
		    : SP_RETRY;
	}
	if ((st = ssh_host_check(s, site, err)) != SP_OK ||
	    (st = ssh_login(s, site, err)) != SP_OK)
		return st;
	do
		s->channel = libssh2_channel_open_session(s->session);
	while (s->channel == NULL &&
	    (rc = libssh2_session_last_errno(s->session)) ==
		LIBSSH2_ERROR_EAGAIN &&
	    ssh_wait(s));
	if (s->channel == NULL)
		return ssh_err(s, rc, site, "open a channel", err);
	SSH_DO(s, rc, libssh2_channel_subsystem(s->channel, "sftp"));
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return sp_err_set(err, SP_FATAL,
		    "%s port %u has no SFTP for us: its sshd_config needs "
		    "\"Subsystem sftp internal-sftp\"",
		    site->host, site->port);
	return rc == 0 ? SP_OK : ssh_err(s, rc, site, "start SFTP", err);
}

enum sp_status
ssh_open(const struct ssh_site *site, int64_t until, int stop,
    struct ssh **ssh_out, struct sp_err *err)
{
	enum sp_status st;
	struct ssh *s;

	(void)pthread_once(&library, library_init);
	if (library_rc != 0 || (s = calloc(1, sizeof *s)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory for SSH");
	*s = (struct ssh){ .fd = -1, .stop = stop, .until = until };
	if ((st = dial(s, site, err)) == SP_OK) {
		s->session = libssh2_session_init();
		st = s->session == NULL
		    ? sp_err_set(err, SP_RETRY, "no memory for SSH")
		    : start(s, site, err);
	}
	if (st != SP_OK) {
		ssh_close(s);
		return st;
	}
	*ssh_out = s;
	return SP_OK;
}

/* libssh2 may say EAGAIN for ever while it frees what a bad link left half
 * sent; a socket that is shut down ends that. */
void
ssh_close(struct ssh *s)
{
	int i;

	if (s == NULL)
		return;
	if (s->session != NULL) {
		if (s->channel != NULL && !s->stuck)
			(void)libssh2_session_disconnect(s->session, "bye");
		(void)shutdown(s->fd, SHUT_RDWR);
		for (i = 0; i < 100; i++)
			if (libssh2_session_free(s->session) !=
			    LIBSSH2_ERROR_EAGAIN)
				break;
	}
	if (s->fd != -1)
		(void)close(s->fd);
	free(s);
}

/* ---- bytes ---- */

/* BAD_USE: libssh2 wants to send something of its own while a packet of the
 * other direction is half sent; that one is finished first. */
static ssize_t
told(ssize_t n)
{
	if (n >= 0)
		return n;
	errno = n == LIBSSH2_ERROR_EAGAIN || n == LIBSSH2_ERROR_BAD_USE
	    ? EAGAIN
	    : ECONNRESET;
	return -1;
}

ssize_t
ssh_read(struct ssh *s, void *data, size_t size)
{
	ssize_t n;

	if (s->stuck) {
		errno = EAGAIN;
		return -1;
	}
	n = libssh2_channel_read(s->channel, data, size);
	if (n == 0 && !libssh2_channel_eof(s->channel))
		n = LIBSSH2_ERROR_EAGAIN;
	return told(n);
}

ssize_t
ssh_write(struct ssh *s, const void *data, size_t len)
{
	ssize_t n;

	n = libssh2_channel_write(s->channel, data, len);
	s->stuck = n == LIBSSH2_ERROR_EAGAIN &&
	    (libssh2_session_block_directions(s->session) &
		LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
	return told(n);
}

struct pollfd
ssh_poll(const struct ssh *s, bool writing)
{
	struct pollfd p = { .fd = s->fd, .events = events(s, writing) };

	if (!s->stuck)
		p.events |= POLLIN;
	return p;
}
