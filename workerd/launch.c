/*
 * launch.c - start the process of an attempt whose work directory is made: in
 * its control group, with its pipes, from a warm interpreter (warm.c) or anew;
 * and say so in words where that cannot be.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/capture.h"
#include "workerd/env.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

/* Words for an execve that failed, by what it was to run. */
static void
cannot_start(struct slot *s, const struct call *call, int why)
{
	const char *script = s->job.script;

	s->unfit = SP_CAUSE_INVALID;
	if (call->program != call->argv[0] ||
	    strcmp(call->program, call->script) != 0) {
		s->unfit = SP_CAUSE_BAD_HOST;
		(void)snprintf(s->why, sizeof s->why,
		    "cannot start %.100s: %s; name another one with "
		    "order.python or workerd --python",
		    call->program, strerror(why));
	} else if (why == ENOEXEC)
		(void)snprintf(s->why, sizeof s->why,
		    "scripts/%.60s does not say what runs it: give it a first "
		    "line like #!/bin/sh, or a name that ends in .py",
		    script);
	else if (why == ENOENT || why == ENOTDIR)
		(void)snprintf(s->why, sizeof s->why,
		    "the program that the first line of scripts/%.60s names "
		    "is not on this host: install it or mend that line",
		    script);
	else if (why == EACCES) {
		s->unfit = SP_CAUSE_BAD_HOST;
		(void)snprintf(s->why, sizeof s->why,
		    "cannot execute scripts/%.60s in %.60s: %s; start workerd "
		    "with --work DIR on a filesystem not mounted noexec",
		    script, s->dir, strerror(why));
	} else
		(void)snprintf(s->why, sizeof s->why,
		    "cannot start scripts/%.60s: %s", script, strerror(why));
}

static bool
host_trouble_is(int why)
{
	return why == EAGAIN || why == ENOMEM || why == EMFILE ||
	    why == ENFILE || why == ENOSPC || why == EIO;
}

/* Without a group it can still be told what belongs to it (kin.c); later ones
 * have some again. */
static void
no_group(struct worker *w, struct slot *s, const char *what, int why)
{
	if (sp_warn_due("cgroup"))
		sp_warn("cgroup: %s: %s; going on without for a minute", what,
		    strerror(why));
	group_clear(&w->cgroup, &s->group);
	w->cgroup.again = sp_mono_ms() + CGROUP_REST_MS;
}

/* In its group, or without where there is none. */
static int
start(struct worker *w, struct slot *s, const struct call *call,
    struct spawn *how)
{
	char name[sizeof s->group.name];
	int why;

	if (w->as.on && !as_wrap(w, s, how))
		return ENOMEM;
	group_clear(&w->cgroup, &s->group); /* of a first try */
	(void)snprintf(name, sizeof name, "%s.t%ua%u", s->name.id.text,
	    s->name.ticket, s->name.attempt);
	if (w->cgroup.on && sp_mono_ms() >= w->cgroup.again &&
	    !group_make(&w->cgroup, &s->job, name, &s->group))
		no_group(w, s, "make a group", errno);
	how->group = s->group.fd;
	limit_spawn(w, s, how);
	why = warm_spawn(w, s, call, how, &s->pid) ? 0 : spawn(how, &s->pid);
	if (why == SPAWN_NO_GROUP) {
		no_group(w, s, "enter a group", EPERM);
		how->group = -1;
		limit_spawn(w, s, how);
		why = spawn(how, &s->pid);
	}
	if (w->as.on)
		as_unwrap(how);
	return why;
}

static enum sp_status
run(struct worker *w, struct slot *s, struct call *call)
{
	struct spawn how = { .program = call->program,
		.argv = call->argv,
		.envp = call->envp,
		.dir = s->dir,
		.in = w->null,
		.job = true,
		.mark = w->kin.mark,
		.serial = s->serial };
	struct spawn bare; /* as-owner: without the helper in front */
	int child[2], why, n;

	if (!capture_open(&s->cap, w->opt.log_max, child)) {
		(void)snprintf(
		    s->why, sizeof s->why, "pipe: %s", strerror(errno));
		return SP_RETRY;
	}
	how.out = child[0];
	how.err = child[1];
	bare = how;
	why = start(w, s, call, &how);
	if (why == E2BIG) {
		how = bare;
		/* A large environment leaves less room for the argument. */
		for (n = 0; call->argv[n + 1] != NULL; n++)
			;
		call->argv[n] = NULL;
		why = start(w, s, call, &how);
	}
	(void)close(child[0]);
	(void)close(child[1]);
	if (why == 0) {
		if (s->job.exclusive && !guard_add(w, s))
			sp_warn("guard order=%s: no thread", s->name.id.text);
		return SP_OK;
	}
	if (host_trouble_is(why)) {
		(void)snprintf(
		    s->why, sizeof s->why, "start: %s", strerror(why));
		return SP_RETRY;
	}
	cannot_start(s, call, why);
	return SP_BAD;
}

enum sp_status
launch(struct worker *w, struct slot *s)
{
	struct call call = { 0 };
	enum sp_status st = env_make(w, s, &s->dressed, &call);

	if (st == SP_OK && !as_give(w, s))
		st = SP_RETRY;
	if (st == SP_OK)
		st = run(w, s, &call);
	env_clear(&call);
	return st;
}
