/*
 * gpuread.c - asks gpuprobe.c's process what it knows of GPUs, and never waits
 * for it: answers come through a pipe, and one that does not come is the
 * driver's trouble, not ours.  What an answer means is gpuseen.c's business.
 *
 * It is asked when a beat is due, when an order wants a GPU and what we know is
 * old, and often while an order waits for what others have.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/env.h"
#include "workerd/nvml.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

#define DEAD_LEAST 5000  /* for an answer; half a lease, but within these */
#define DEAD_MOST  60000 /* it may wake eight GPUs from sleep */
#define HUNGRY_MS  1000  /* between questions while an order waits */
#define BARREN_MS  60000 /* the same where there are no GPUs */

extern char **environ;

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
dead_ms(const struct worker *w)
{
	int64_t half =
	    w->policy == NULL ? 0 : (int64_t)(w->policy->lease * 500);

	return half < DEAD_LEAST ? DEAD_LEAST : least(half, DEAD_MOST);
}

static void
start(struct worker *w, int64_t now)
{
	static const char *const argv[] = { "workerd-gpu", GPUPROBE_ARG, NULL };
	struct gpus *g = &w->gpus;
	int in[2], out[2], why;
	struct spawn how = { .program = "/proc/self/exe",
		.argv = argv,
		.envp = environ,
		.dir = "/",
		.err = 2,
		.group = -1,
		.oom_adj = "" };

	g->again = now + dead_ms(w);
	if (pipe2(in, O_CLOEXEC) == -1)
		return;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1) {
		(void)close(in[0]);
		(void)close(in[1]);
		return;
	}
	how.in = in[0];
	how.out = out[1];
	/* Its own end blocks. */
	(void)fcntl(out[1], F_SETFL, 0);
	why = spawn(&how, &g->pid);
	(void)close(in[0]);
	(void)close(out[1]);
	if (why != 0) {
		g->pid = 0;
		(void)close(in[1]);
		(void)close(out[0]);
		if (sp_warn_due("gpus"))
			sp_warn("gpus: cannot ask: %s", strerror(why));
		return;
	}
	kin_own(w, g->pid);
	g->killed = false;
	g->in = in[1];
	g->out = out[0];
	g->asked = 0;
	sp_buf_reset(&g->text);
}

static void
hang_up(struct gpus *g)
{
	if (g->in != -1)
		(void)close(g->in);
	if (g->out != -1)
		(void)close(g->out);
	g->in = g->out = -1;
	g->asked = 0;
}

static void
end(struct gpus *g)
{
	hang_up(g);
	if (g->pid > 0 && !g->killed)
		(void)kill(-g->pid, SIGKILL);
	g->killed = true; /* it may take its time: it is in the driver */
}

static void
ask(struct gpus *g, int64_t now)
{
	if (g->in == -1 || g->asked != 0)
		return;
	if (write(g->in, "\n", 1) == 1)
		g->asked = now;
	else
		end(g);
}

/* No answer, or none that helps: what we do not know we do not hand out. */
static void
none(struct worker *w, const char *why)
{
	struct gpus *g = &w->gpus;

	if (g->silent)
		return;
	sp_warn("gpus: %s; none is handed out until it answers", why);
	g->silent = true;
	g->known = true;
	gpu_changed(w);
}

static bool
whole_is(const struct sp_buf *text)
{
	size_t n = strlen(GPUPROBE_END);

	return text->len >= n &&
	    strcmp(sp_buf_text(text) + text->len - n, GPUPROBE_END) == 0;
}

void
gpuread_take(struct worker *w)
{
	struct gpus *g = &w->gpus;
	int64_t now = sp_mono_ms();
	char *at;
	ssize_t n = 0;

	while ((at = sp_buf_room(&g->text, 4096)) != NULL &&
	    (n = read(g->out, at, 4096)) > 0)
		g->text.len += (size_t)n;
	if (at == NULL || n == 0) {
		end(g); /* it babbles, or has gone */
		none(w, "what asks the driver has died");
		return;
	}
	if (!whole_is(&g->text))
		return;
	g->cost = now - g->asked;
	g->asked = 0;
	g->answered = now;
	g->wanted = g->wanted || g->silent; /* all is to be looked at again */
	g->silent = false;
	gpu_take(w, sp_buf_text(&g->text), g->text.len - strlen(GPUPROBE_END));
	g->known = true;
	sp_buf_reset(&g->text);
}

void
gpuread_reaped(struct worker *w, pid_t pid)
{
	struct gpus *g = &w->gpus;

	if (pid != g->pid)
		return;
	g->pid = 0;
	hang_up(g);
}

/* When it is to be asked next. */
static int64_t
due(const struct worker *w)
{
	const struct gpus *g = &w->gpus;
	int64_t next;

	if (!g->known || g->wanted)
		return 0;
	if (g->n == 0)
		return g->answered + BARREN_MS;
	next = g->answered + (int64_t)(w->policy->beat * 1000);
	if (g->hungry != 0)
		next = least(next, g->answered + HUNGRY_MS + 4 * g->cost);
	return next;
}

int64_t
gpuread_tick(struct worker *w, int64_t now)
{
	struct gpus *g = &w->gpus;
	int64_t dead;

	if (!g->on)
		return FAR;
	if (g->pid == 0) {
		if (now < g->again)
			return g->again;
		start(w, now);
		if (g->in == -1)
			none(w, "what asks the driver cannot be started");
	}
	if (g->in == -1) /* being killed, or it could not be started */
		return g->again > now ? g->again : now + dead_ms(w);
	if (g->asked == 0) {
		if (now < due(w))
			return due(w);
		ask(g, now);
		return now + dead_ms(w) / 2;
	}
	dead = g->asked + dead_ms(w);
	if (now >= dead) {
		end(g);
		g->again = now + dead_ms(w);
		none(w, "the driver does not answer");
		return g->again;
	}
	if (now < dead - dead_ms(w) / 2)
		return dead - dead_ms(w) / 2;
	none(w, "the driver does not answer");
	return dead;
}

/* Is there anything to ask? */
void
gpuread_open(struct worker *w, int64_t now)
{
	char program[PATH_MAX];
	struct gpus *g = &w->gpus;

	g->on = strcmp(g->ask, "none") != 0 &&
	    (nvml_there() || env_find("nvidia-smi", program));
	g->known = !g->on;
	g->again = 0;
	if (g->on)
		(void)gpuread_tick(w, now);
}

void
gpuread_close(struct worker *w)
{
	struct gpus *g = &w->gpus;

	end(g);
	sp_buf_clear(&g->text);
}
