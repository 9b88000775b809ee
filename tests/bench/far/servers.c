/*
 * servers.c - a throw-away sshd with keys of its own, spool-httpd, and the
 * proxy in front of each.  Nothing is measured here.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/far/far.h"
#include "transport/means.h"

#define DEADLINE 20.0

static struct {
	char dir[PATH_MAX]; /* absolute */
	int port;
	char known[PATH_MAX], key[PATH_MAX];
} sshd;

/* ---- small things ---- */

static int
free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof at;

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof at) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		bench_die("no port to be had");
	(void)close(fd);
	return ntohs(at.sin_port);
}

static bool
answers(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;

	(void)close(fd);
	return ok;
}

/* The text of a small file, "" if there is none. */
static void
text_of(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	text[0] = '\0';
	if (f == NULL)
		return;
	text[fread(text, 1, size - 1, f)] = '\0';
	(void)fclose(f);
}

static void
write_text(const char *path, const char *text)
{
	char tmp[PATH_MAX];
	FILE *f;

	(void)snprintf(tmp, sizeof tmp, "%s.new", path);
	f = fopen(tmp, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF ||
	    rename(tmp, path) == -1)
		bench_die("cannot write %s", path);
}

/* ---- sshd ---- */

static const char *
program(const char *const *paths)
{
	while (*paths != NULL && access(*paths, X_OK) == -1)
		paths++;
	return *paths;
}

static bool
key_make(const char *keygen, const char *path)
{
	pid_t pid = bench_start((const char *[]){ keygen, "-q", "-t", "ed25519",
	    "-N", "", "-C", "bench", "-f", path, NULL });
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void
config(const char *path)
{
	char text[5 * PATH_MAX];

	(void)snprintf(text, sizeof text,
	    "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\n"
	    "PidFile none\nUsePAM no\nPasswordAuthentication no\n"
	    "KbdInteractiveAuthentication no\n"
	    "PermitRootLogin prohibit-password\nMaxStartups 100\n"
	    "AuthorizedKeysFile %s/id.pub\nStrictModes no\nLogLevel ERROR\n"
	    "Subsystem sftp internal-sftp\nForceCommand internal-sftp\n",
	    sshd.port, sshd.dir, sshd.dir);
	write_text(path, text);
}

bool
remote_sshd(char why[128])
{
	static const char *const daemons[] = { "/usr/sbin/sshd",
		"/usr/local/sbin/sshd", "/usr/bin/sshd", NULL };
	static const char *const keygens[] = { "/usr/bin/ssh-keygen",
		"/usr/local/bin/ssh-keygen", NULL };
	const char *daemon = program(daemons), *keygen = program(keygens);
	double end = bench_now() + DEADLINE;
	char path[PATH_MAX + 16];
	pid_t pid;

	(void)snprintf(why, 128, "no sshd or ssh-keygen here");
	if (daemon == NULL || keygen == NULL)
		return false;
	(void)snprintf(why, 128, "only root's sshd lets anybody in here");
	if (geteuid() != 0)
		return false;
	(void)mkdir("/run/sshd", 0755);
	(void)close(bench_dir("sshd"));
	if (realpath("sshd", sshd.dir) == NULL)
		bench_die("no sshd/");
	(void)snprintf(why, 128, "ssh-keygen makes no key");
	(void)snprintf(path, sizeof path, "%s/host", sshd.dir);
	(void)snprintf(sshd.key, sizeof sshd.key, "%.4000s/id", sshd.dir);
	(void)snprintf(
	    sshd.known, sizeof sshd.known, "%.4000s/known", sshd.dir);
	if (!key_make(keygen, path) || !key_make(keygen, sshd.key))
		return false;
	sshd.port = free_port();
	(void)snprintf(path, sizeof path, "%s/config", sshd.dir);
	config(path);
	pid = bench_start(
	    (const char *[]){ daemon, "-f", path, "-D", "-e", NULL });
	(void)snprintf(why, 128, "sshd does not come up");
	while (!answers(sshd.port)) {
		if (waitpid(pid, NULL, WNOHANG) == pid || bench_now() > end)
			return false;
		bench_pause(0.01);
	}
	/* Keys and hosts, for us and for the workers. */
	if (setenv("SPOOL_IDENTITY", sshd.key, 1) == -1 ||
	    setenv("SPOOL_KNOWN_HOSTS", sshd.known, 1) == -1)
		bench_die("no memory");
	(void)unsetenv("SSH_AUTH_SOCK");
	return true;
}

/* The proxy has a port of its own, and so a line of its own. */
static void
know_host(int port)
{
	char path[PATH_MAX + 16], key[1024], line[1200];
	FILE *f = fopen(sshd.known, "a");
	char *end;

	(void)snprintf(path, sizeof path, "%s/host.pub", sshd.dir);
	text_of(path, key, sizeof key);
	if ((end = strchr(key, ' ')) != NULL &&
	    (end = strchr(end + 1, ' ')) != NULL)
		*end = '\0';
	(void)snprintf(line, sizeof line, "[127.0.0.1]:%d %s\n", port, key);
	if (f == NULL || fputs(line, f) == EOF || fclose(f) == EOF)
		bench_die("cannot write %s", sshd.known);
}

/* ---- spool-httpd ---- */

static int
httpd_start(const char *spool, pid_t *pid_out)
{
	char path[PATH_MAX], log[BENCH_PATH + 16], text[4096], *at;
	double end = bench_now() + DEADLINE;

	bench_program("spool-httpd", path);
	(void)snprintf(log, sizeof log, "%s.httpd", spool);
	*pid_out = bench_start_to((const char *[]){ path, "-v", "--listen",
				      "127.0.0.1:0", spool, NULL },
	    log);
	for (;;) {
		text_of(log, text, sizeof text);
		at = strstr(text, " listen=http:");
		if (at != NULL && strchr(at, '\n') != NULL)
			break;
		if (bench_now() > end)
			bench_die("spool-httpd does not listen: %s", text);
		bench_pause(0.005);
	}
	*strchr(at, '\n') = '\0';
	at[strcspn(at + 1, " ") + 1] = '\0';
	return atoi(strrchr(at, ':') + 1);
}

/* ---- both ---- */

static int
proxy_start(struct remote *far, int port)
{
	char path[PATH_MAX], to[16], out[BENCH_PATH + 32], text[16];
	double end = bench_now() + DEADLINE;

	bench_program("helpers/proxy", path);
	(void)snprintf(to, sizeof to, "%d", port);
	(void)snprintf(out, sizeof out, "%s.port", far->control);
	far->proxy = bench_start_to(
	    (const char *[]){ path, to, far->control, NULL }, out);
	do {
		bench_pause(0.002);
		text_of(out, text, sizeof text);
		if (bench_now() > end)
			bench_die("the proxy does not come up");
	} while (strchr(text, '\n') == NULL);
	return atoi(text);
}

void
remote_open(enum remote_medium medium, const char *spool, struct remote *far)
{
	char path[PATH_MAX];
	int port = sshd.port;

	(void)memset(far, 0, sizeof *far);
	far->medium = medium;
	(void)snprintf(far->control, sizeof far->control, "%s.link", spool);
	if (realpath(spool, path) == NULL)
		bench_die("no %s", spool);
	if (medium == REMOTE_HTTP)
		port = httpd_start(spool, &far->server);
	port = proxy_start(far, port);
	if (medium == REMOTE_SFTP)
		know_host(port);
	if (snprintf(far->url, sizeof far->url,
		medium == REMOTE_SFTP ? "sftp://127.0.0.1:%d%s"
				      : "http://127.0.0.1:%d",
		port, path) >= (int)sizeof far->url)
		bench_die("%s: too long a path", path);
}

void
remote_close(struct remote *far)
{
	(void)kill(far->proxy, SIGKILL);
	(void)waitpid(far->proxy, NULL, 0);
	if (far->server > 0)
		bench_stop(far->server, "spool-httpd");
}

/* Tell the proxy, and wait until it has heard. */
static void
tell(const struct remote *far, const char *words)
{
	static char now[BENCH_PATH];
	static unsigned count;
	char path[BENCH_PATH + 32], seen[BENCH_PATH] = "";
	double end = bench_now() + DEADLINE;

	(void)snprintf(now, sizeof now, "%s, %u\n", words, ++count);
	write_text(far->control, now);
	(void)snprintf(path, sizeof path, "%s.seen", far->control);
	while (strcmp(seen, now) != 0) {
		if (bench_now() > end)
			bench_die("the proxy does not listen");
		bench_pause(0.001);
		text_of(path, seen, sizeof seen);
	}
}

static int rtt;

static void
tell_rtt(const struct remote *far)
{
	char words[32];

	(void)snprintf(words, sizeof words, "delay %d", rtt / 2);
	tell(far, words);
}

void
remote_rtt(const struct remote *far, int ms)
{
	rtt = ms;
	tell_rtt(far);
}

unsigned long
remote_trips(const struct remote *far)
{
	char path[BENCH_PATH + 32], text[32];

	tell_rtt(far);
	(void)snprintf(path, sizeof path, "%s.trips", far->control);
	text_of(path, text, sizeof text);
	return strtoul(text, NULL, 10);
}
