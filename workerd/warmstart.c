/*
 * warmstart.c - start a server: warm.py laid where Python finds it, a socket, a
 * process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "workerd/warm.h"

#define PAD 4000 /* room for the arguments of jobs, for ps(1) */

static bool
lay_file(const struct warm *m, const char *name, const void *data, size_t len)
{
	char path[DIR_MAX + 32];
	bool ok;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", m->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (fd == -1)
		return false;
	ok = sp_write_all(fd, data, len) == SP_OK;
	return close(fd) == 0 && ok;
}

static bool
lay(struct worker *w, struct warm *m)
{
	if (m->laid)
		return true;
	(void)snprintf(m->dir, sizeof m->dir, "%s/warm", w->dir);
	if (mkdir(m->dir, 0700) == -1 && errno != EEXIST)
		return false;
	m->laid = lay_file(m, "warmfork.so", warm_fork, warm_fork_size) &&
	    lay_file(m, "sitecustomize.py", warm_text, strlen(warm_text));
	return m->laid;
}

/* It hears first for whom it works, what it shall import, and how it was
 * started; and the environment of the first job. */
static bool
tell(int fd, const struct warm_want *want, char *const *envp)
{
	struct sp_buf text = SP_BUF_INIT(1 << 18);
	char number[24];
	size_t i, n = 0;
	bool ok;

	(void)snprintf(number, sizeof number, "%d", (int)getpid());
	sp_buf_put(&text, number, strlen(number) + 1);
	sp_buf_put(&text, want->call->program, strlen(want->call->program) + 1);
	while (envp[n] != NULL)
		n++;
	(void)snprintf(number, sizeof number, "%zu", want->module_n);
	sp_buf_put(&text, number, strlen(number) + 1);
	(void)snprintf(number, sizeof number, "%zu", n);
	sp_buf_puts(&text, number);
	for (i = 0; i < want->module_n; i++) {
		sp_buf_put(&text, "", 1);
		sp_buf_puts(&text, want->module[i]);
	}
	for (i = 0; envp[i] != NULL; i++) {
		sp_buf_put(&text, "", 1);
		sp_buf_puts(&text, envp[i]);
	}
	for (i = 0; want->call->envp[i] != NULL; i++) {
		sp_buf_put(&text, "", 1);
		sp_buf_puts(&text, want->call->envp[i]);
	}
	ok = !text.failed &&
	    send(fd, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
	sp_buf_clear(&text);
	return ok;
}

static int
start_process(struct worker *w, const struct warm_want *want, char *const *envp,
    int end, pid_t *pid_out)
{
	static char pad[PAD + 1];
	const char *argv[] = { want->call->program, "-u", "/proc/self/fd/3",
		pad, NULL };
	const struct spawn how = { .program = want->call->program,
		.argv = argv,
		.envp = envp,
		.dir = w->warm->dir,
		.in = w->null,
		.out = end,
		.err = end,
		.job = true, /* a session of its own */
		.group = -1,
		.oom_adj = w->limit.oom_adj };

	(void)memset(pad, '.', PAD);
	return spawn(&how, pid_out);
}

static int
connect_server(struct worker *w, struct warm_row *r,
    const struct warm_want *want, char *const *envp)
{
	struct epoll_event on = { .events = EPOLLIN, .data.ptr = r };
	const int room = WARM_SNDBUF;
	int s[2], why = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == -1)
		return errno;
	if (fcntl(s[0], F_SETFL, O_NONBLOCK) == -1 ||
	    setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == -1 ||
	    epoll_ctl(w->warm->epoll, EPOLL_CTL_ADD, s[0], &on) == -1)
		why = errno;
	if (why == 0 && !tell(s[0], want, envp))
		why = EMSGSIZE;
	if (why == 0)
		why = start_process(w, want, envp, s[1], &r->pid);
	(void)close(s[1]);
	if (why != 0)
		(void)close(s[0]);
	else
		r->control = s[0];
	return why;
}

int
warm_start(struct worker *w, struct warm_row *r, const struct warm_want *want)
{
	struct sp_names env = { 0 };
	char **envp = NULL;
	int why = ENOMEM;
	size_t i;

	if (!lay(w, w->warm))
		return errno;
	if (warm_env(w, want, w->warm->dir, &env) &&
	    (envp = calloc(env.n + 1, sizeof *envp)) != NULL) {
		for (i = 0; i < env.n; i++)
			envp[i] = env.text + env.at[i];
		why = connect_server(w, r, want, envp);
	}
	free(envp);
	sp_names_clear(&env);
	return why;
}
