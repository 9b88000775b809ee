/*
 * env.c - what a script is told: its arguments and its environment
 * (workerd(8), ENVIRONMENT OF A JOB).  Ours goes before order.env, and that
 * before what workerd itself was started with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/imports.h"
#include "workerd/env.h"
#include "workerd/probe.h"
#include "workerd/python.h"
#include "workerd/slot.h"
#include "workerd/outcopy.h"
#include "workerd/worker.h"

#define ARG_MOST 131072 /* the kernel's MAX_ARG_STRLEN, its NUL included */

#define PATH_USUAL "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

/* ---- programs ---- */

static bool
runs(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

bool
env_find(const char *program, char out[PATH_MAX])
{
	const char *path = getenv("PATH"), *end;
	char cwd[PATH_MAX];
	int n;

	if (program[0] == '/')
		n = snprintf(out, PATH_MAX, "%s", program);
	else if (strchr(program, '/') != NULL)
		/* Not resolved further: a venv's python is a link. */
		n = getcwd(cwd, sizeof cwd) == NULL
		    ? -1
		    : snprintf(out, PATH_MAX, "%s/%s", cwd, program);
	else
		n = -2;
	if (n != -2)
		return n > 0 && n < PATH_MAX && runs(out);
	if (path == NULL)
		path = PATH_USUAL;
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		n = snprintf(
		    out, PATH_MAX, "%.*s/%s", (int)(end - path), path, program);
		if (path[0] == '/' && n > 0 && n < PATH_MAX && runs(out))
			return true;
		if (*end == '\0')
			return false;
	}
}

/* ---- environment ---- */

static bool
has_key(const struct sp_names *env, const char *pair)
{
	size_t i, len = (size_t)(strchrnul(pair, '=') - pair) + 1;
	const char *one;

	/* Each with each, for each job: most differ at once. */
	for (i = 0; i < env->n; i++) {
		one = sp_names_at(env, i);
		if (one[0] == pair[0] && strncmp(one, pair, len) == 0)
			return true;
	}
	return false;
}

/* Unless it was said before. */
static bool
add(struct sp_names *env, const char *pair)
{
	return strchr(pair, '=') == NULL || has_key(env, pair) ||
	    sp_names_add(env, pair) == SP_OK;
}

static bool
put(struct sp_names *env, const char *key, const char *value)
{
	char pair[PATH_MAX + 64];
	int n = snprintf(pair, sizeof pair, "%s=%s", key, value);

	return n > 0 && n < (int)sizeof pair && add(env, pair);
}

static bool
put_number(struct sp_names *env, const char *key, unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", value);
	return put(env, key, text);
}

static bool
put_file(struct sp_names *env, const char *key, const struct slot *s,
    const char *file)
{
	char path[PATH_MAX + 32];

	(void)snprintf(path, sizeof path, "%s/%s", s->dir, file);
	return put(env, key, path);
}

static bool
put_ours(struct worker *w, struct slot *s, struct sp_names *env, bool *away)
{
	struct sp_err err = { "" };
	char path[PATH_MAX], gpus[PATH_MAX];
	bool old, ok;

	gpu_words(w, s, gpus, sizeof gpus);
	/* First, for stray.c looks for these two. */
	ok = put(env, "SPOOL_WORKER", w->ops->worker(w->tr)) &&
	    put(env, "SPOOL_ID", s->name.id.text) &&
	    put_number(env, "SPOOL_TICKET", s->name.ticket) &&
	    put_number(env, "SPOOL_ATTEMPT", s->name.attempt + 1) &&
	    put_file(env, "SPOOL_JOB", s, STAGE_JOB) &&
	    put_file(env, "SPOOL_OUTCOME", s, STAGE_OUTCOME) &&
	    put_file(env, "SPOOL_METRICS", s, STAGE_METRICS) &&
	    put(env, "CUDA_VISIBLE_DEVICES", gpus) &&
	    put(env, "NVIDIA_VISIBLE_DEVICES", gpus) &&
	    put(env, "CUDA_DEVICE_ORDER", "PCI_BUS_ID");
	stage_data(s, path);
	if (ok && path[0] != '\0')
		ok = put(env, "SPOOL_DATA", path);
	if (s->copy != NULL) {
		(void)snprintf(path, sizeof path, "%s", outcopy_root(s->copy));
		old = s->bring->old || s->name.attempt > 0 || s->pinned;
	} else if ((*away = w->ops->out_dir(w->tr, &s->name.id, path,
				sizeof path, &old, &err) != SP_OK)) {
		(void)snprintf(s->why, sizeof s->why, "%.250s", err.text);
		return false;
	}
	(void)snprintf(s->out, sizeof s->out, "%s", path);
	s->resumed = old && s->name.ticket > 1;
	return ok && put(env, "SPOOL_OUT", path) &&
	    (!s->resumed || put(env, "SPOOL_RESUME", "1"));
}

/* What workerd was started with, but for what is said of another job. */
static bool
put_inherited(struct sp_names *env, const struct python *p, bool owner)
{
	size_t i;

	for (i = 0; environ[i] != NULL; i++) {
		if (strncmp(environ[i], "SPOOL_", 6) == 0 &&
		    strncmp(environ[i], "SPOOL_DIR=", 10) != 0)
			continue;
		/* It would lead a venv's Python astray. */
		if (p != NULL && p->kind != PYTHON_PLAIN &&
		    strncmp(environ[i], "PYTHONHOME=", 11) == 0)
			continue;
		if (owner && !as_env_ok(environ[i]))
			continue;
		if (!add(env, environ[i]))
			return false;
	}
	return put(env, "PATH", PATH_USUAL);
}

/* As its activate script does: what the script starts is found there, too. */
static bool
put_python(struct slot *s, const struct python *p, struct sp_names *env)
{
	const char *path = getenv("PATH");
	char all[2 * PATH_MAX];
	size_t i;

	if (p == NULL || p->kind == PYTHON_PLAIN)
		return true;
	for (i = 0; i < s->job.env_n; i++)
		if (strncmp(s->job.env[i], "PATH=", 5) == 0)
			path = s->job.env[i] + 5;
	if (snprintf(all, sizeof all, "PATH=%s/bin:%s", p->prefix,
		path != NULL ? path : PATH_USUAL) < (int)sizeof all &&
	    !add(env, all))
		return false;
	return put(env, p->kind == PYTHON_VENV ? "VIRTUAL_ENV" : "CONDA_PREFIX",
	    p->prefix);
}

static enum sp_status
make_env(struct worker *w, struct slot *s, const struct python *python,
    struct call *call)
{
	struct sp_names *env = &call->strings;
	bool away = false, ok;
	size_t i;

	ok = put_ours(w, s, env, &away) && put_python(s, python, env);
	for (i = 0; ok && i < s->job.env_n; i++)
		if (strncmp(s->job.env[i], "SPOOL_", 6) != 0)
			ok = add(env, s->job.env[i]);
	if (ok && s->job.cpus > 0) /* else it takes all there are */
		ok = put_number(env, "OMP_NUM_THREADS",
		    s->job.cpus < 1 ? 1 : (unsigned)s->job.cpus);
	if (ok)
		ok = put_inherited(env, python, w->as.on);
	if (ok)
		call->envp = calloc(env->n + 1, sizeof *call->envp);
	if (!ok || call->envp == NULL) {
		if (!away)
			(void)snprintf(s->why, sizeof s->why, "no memory");
		return SP_RETRY;
	}
	for (i = 0; i < env->n; i++)
		call->envp[i] = env->text + env->at[i];
	return SP_OK;
}

/* ---- arguments ---- */

enum sp_status
env_make(struct worker *w, struct slot *s, const struct sp_buf *dressed,
    struct call *call)
{
	bool ours = s->job.python[0] == '\0';
	struct python python, *is = NULL;
	int n = 0;

	(void)memset(call, 0, sizeof *call);
	(void)snprintf(
	    call->script, sizeof call->script, "%s/%s", s->dir, s->job.script);
	if (!sp_python_is(s->job.script)) {
		(void)snprintf(
		    call->program, sizeof call->program, "%s", call->script);
		call->argv[n++] = call->program;
	} else if (python_find(ours ? w->opt.python : s->job.python,
		       ours ? "--python" : "order.python", &python, s->why)) {
		is = &python;
		(void)strcpy(call->program, python.program);
		call->argv[n++] = call->program;
		call->argv[n++] = "-u";
		call->argv[n++] = s->job.script;
	} else {
		s->unfit = SP_CAUSE_BAD_HOST;
		return SP_BAD;
	}
	/* A longer one is only in the file $SPOOL_JOB. */
	if (dressed->len < ARG_MOST)
		call->argv[n++] = dressed->data;
	/* To ask it is to run it, and we are root: not one of the job's. */
	if (is != NULL && (ours || !w->as.on))
		probe_want(w, s, is);
	return make_env(w, s, is, call);
}

void
env_clear(struct call *call)
{
	free(call->envp);
	sp_names_clear(&call->strings);
	call->envp = NULL;
}
