/*
 * listen.c - sockets that listen.  Who is let in is others' business.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libspool/listen.h"

#define BACKLOG 1024

/* Apart at the last colon; brackets go. */
static bool
split(const char *where, char host[256], char port[8])
{
	const char *colon = strrchr(where, ':');
	size_t n, digits;

	if (colon == NULL)
		return false;
	n = (size_t)(colon - where);
	digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' || n > 250)
		return false;
	(void)strcpy(port, colon + 1);
	if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	(void)memcpy(host, where, n);
	host[n] = '\0';
	return true;
}

static enum sp_status
listen_at(const struct addrinfo *at, const char *where, int *fd_out,
    struct sp_err *err)
{
	int fd, one = 1, zero = 0;

	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return sp_err_sys(err, "socket for %s", where);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (at->ai_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		*fd_out = fd;
		return SP_OK;
	}
	(void)sp_err_sys(err, "listen at %s", where);
	(void)close(fd);
	return errno == EADDRINUSE ? SP_RETRY : SP_BAD;
}

enum sp_status
sp_listen(const char *where, int *fd_out, struct sp_err *err)
{
	struct addrinfo *all, *at,
	    wanted = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	char host[256], port[8];
	enum sp_status st = SP_BAD;
	int rc;

	if (!split(where, host, port))
		return sp_err_set(err, SP_BAD,
		    "'%.100s': expected ADDR:PORT, as 127.0.0.1:8080", where);
	rc = getaddrinfo(host[0] == '\0' ? NULL : host, port, &wanted, &all);
	if (rc != 0)
		return sp_err_set(err, rc == EAI_AGAIN ? SP_RETRY : SP_BAD,
		    "%s: %s", where, gai_strerror(rc));
	for (at = all; at != NULL && st != SP_OK; at = at->ai_next) {
		sp_err_clear(err);
		st = listen_at(at, where, fd_out, err);
	}
	freeaddrinfo(all);
	return st;
}

enum sp_status
sp_listens(int fd, char where[SP_WHERE_MAX], bool *loopback, struct sp_err *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = { 0 };
	socklen_t len = sizeof at, size = sizeof(int);
	char text[INET6_ADDRSTRLEN] = "";
	int is = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &size) == -1 ||
	    getsockname(fd, &at.any, &len) == -1)
		return sp_err_sys(err, "socket %d", fd);
	if (is == 0 ||
	    (at.any.sa_family != AF_INET && at.any.sa_family != AF_INET6))
		return sp_err_set(err, SP_BAD, "socket %d does not listen", fd);
	if (at.any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &at.four.sin_addr, text, sizeof text);
		(void)snprintf(where, SP_WHERE_MAX, "%s:%u", text,
		    ntohs(at.four.sin_port));
		*loopback = ntohl(at.four.sin_addr.s_addr) >> 24 == 127;
	} else {
		(void)inet_ntop(AF_INET6, &at.six.sin6_addr, text, sizeof text);
		(void)snprintf(where, SP_WHERE_MAX, "[%s]:%u", text,
		    ntohs(at.six.sin6_port));
		*loopback = IN6_IS_ADDR_LOOPBACK(&at.six.sin6_addr);
	}
	return SP_OK;
}
