/*
 * gpuprobe.c - asks about GPUs, in a process of its own: a driver that hangs
 * takes only that with it, and one that crashes, too.  By NVML if it is there
 * (nvml.c), else by nvidia-smi; and whose the processes on them are, which may
 * have to ask a directory server.  What it prints is read in gputext.c.
 *
 * A newline on its standard input is a question, a line GPUPROBE_END the end of
 * the answer.  Who asks kills the whole session when it takes too long.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/gputext.h"
#include "workerd/env.h"
#include "workerd/nvml.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

extern char **environ;

/* ---- nvidia-smi ---- */

static void
smi(const char *program, const char *query, const char *format,
    struct sp_buf *out)
{
	const char *argv[] = { program, query, format, NULL };
	struct spawn how = { .program = program,
		.argv = argv,
		.envp = environ,
		.dir = "/",
		.in = 0,
		.group = -1,
		.oom_adj = "" };
	int p[2], why;
	char *at;
	ssize_t n;
	pid_t pid;

	if (pipe(p) == -1)
		return;
	how.out = how.err = p[1];
	why = spawn(&how, &pid);
	(void)close(p[1]);
	if (why != 0)
		sp_buf_printf(out, "%s: %s\n", program, strerror(why));
	while (why == 0 && (at = sp_buf_room(out, 4096)) != NULL) {
		if ((n = read(p[0], at, 4096)) <= 0)
			break;
		out->len += (size_t)n;
	}
	(void)close(p[0]);
	if (why == 0)
		(void)waitpid(pid, NULL, 0);
	sp_buf_puts(out, "\n");
}

static void
smi_print(struct sp_buf *out)
{
	char program[PATH_MAX];

	if (!env_find("nvidia-smi", program)) {
		sp_buf_puts(out,
		    "no driver (libnvidia-ml.so.1) and no "
		    "nvidia-smi\n");
		return;
	}
	sp_buf_puts(out, "# by nvidia-smi\n");
	smi(program, "--query-gpu=index,uuid,name,memory.total,memory.used",
	    "--format=csv,nounits", out);
	if (strstr(sp_buf_text(out), "index, ") == NULL)
		return; /* the driver is not there */
	smi(program, "--query-compute-apps=gpu_uuid,pid,used_memory",
	    "--format=csv,nounits", out);
	smi(program, "--query-gpu=uuid,mig.mode.current",
	    "--format=csv,nounits", out);
	if (strstr(sp_buf_text(out), ", Enabled") != NULL)
		smi(program, "-L", NULL, out);
}

/* ---- whose the processes are ---- */

static long
uid_of(int64_t pid)
{
	char path[64], line[256];
	unsigned long uid;
	FILE *f;
	int n = 0;

	(void)snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (n != 1 && fgets(line, sizeof line, f) != NULL)
		n = sscanf(line, "Uid: %lu", &uid);
	(void)fclose(f);
	return n == 1 ? (long)uid : -1;
}

static void
users_print(struct sp_buf *out)
{
	static struct sp_gpus gpus;
	struct passwd *pw;
	size_t i;
	long uid;

	sp_gpus_parse(sp_buf_text(out), out->len, &gpus);
	sp_buf_puts(out, "pid, user\n");
	for (i = 0; i < gpus.proc_n; i++) {
		if ((uid = uid_of(gpus.proc[i].pid)) < 0)
			continue;
		sp_buf_printf(out, "%lld, ", (long long)gpus.proc[i].pid);
		if ((pw = getpwuid((uid_t)uid)) != NULL)
			sp_buf_printf(out, "%s\n", pw->pw_name);
		else
			sp_buf_printf(out, "%ld\n", uid);
	}
}

/* ---- questions ---- */

static bool
answer(bool served)
{
	struct sp_buf out = SP_BUF_INIT(GPUPROBE_MAX);
	bool ok;

	if (!nvml_print(&out))
		smi_print(&out);
	users_print(&out);
	if (out.failed) /* too much: as good as nothing */
		sp_buf_reset(&out);
	ok = fputs(sp_buf_text(&out), stdout) != EOF &&
	    (!served || fputs(GPUPROBE_END, stdout) != EOF) &&
	    fflush(stdout) != EOF;
	sp_buf_clear(&out);
	return ok;
}

int
gpuprobe_once(void)
{
	return answer(false) ? 0 : 111;
}

int
gpuprobe_serve(void)
{
	ssize_t n;
	char byte;

	for (;;) {
		n = read(0, &byte, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != 1 || !answer(true))
			return 0;
	}
}
