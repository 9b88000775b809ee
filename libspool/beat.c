/*
 * beat.c - workers/W.json as text and back, and what this process is.  Only
 * the last part looks outside (/proc and the host's name); the file itself is
 * read and written elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/json.h"

/* ---- as text ---- */

static void
put_number(struct sp_jw *w, const char *key, int64_t value)
{
	if (value < 0)
		sp_jw_null(w, key);
	else
		sp_jw_int(w, key, value);
}

void
sp_beat_gpu_print(struct sp_jw *w, const struct sp_beat_gpu *g)
{
	const struct sp_beat_block *b = &g->blocked;

	sp_jw_open(w, NULL, '{');
	put_number(w, "index", g->index);
	sp_jw_text(w, "uuid", g->uuid);
	sp_jw_text(w, "name", g->name);
	put_number(w, "memory", g->memory);
	put_number(w, "used", g->used);
	sp_jw_int(w, "jobs", g->jobs);
	sp_jw_int(w, "share", g->share);
	if (b->why[0] != '\0') {
		sp_jw_open(w, "blocked", '{');
		if (b->pid > 0)
			sp_jw_int(w, "pid", b->pid);
		if (b->user[0] != '\0')
			sp_jw_text(w, "user", b->user);
		if (b->mib >= 0)
			sp_jw_int(w, "mib", b->mib);
		sp_jw_text(w, "why", b->why);
		sp_jw_close(w, '}');
	} else
		sp_jw_null(w, "blocked");
	sp_jw_close(w, '}');
}

void
sp_beat_means_print(struct sp_jw *w, const struct sp_beat *beat)
{
	size_t i;

	sp_jw_open(w, "tags", '[');
	for (i = 0; i < beat->tags_n; i++)
		sp_jw_text(w, NULL, beat->tags[i]);
	sp_jw_close(w, ']');
	if (beat->free_said) {
		sp_jw_open(w, "free", '{');
		sp_jw_int(w, "slots", beat->free.slots);
		sp_jw_real(w, "cpus", beat->free.cpus);
		sp_jw_int(w, "memory", beat->free.memory);
		sp_jw_int(w, "gpus", beat->free.gpus);
		sp_jw_close(w, '}');
	}
	sp_jw_open(w, "gpu", '[');
	for (i = 0; i < beat->gpu_n; i++)
		sp_beat_gpu_print(w, &beat->gpu[i]);
	sp_jw_close(w, ']');
}

void
sp_beat_print(const struct sp_beat *beat, struct sp_buf *text_out)
{
	struct sp_jw w;
	char started[25];
	size_t i;

	sp_time_print(beat->started, started);
	sp_jw_init(&w, text_out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", beat->worker);
	sp_jw_text(&w, "role", beat->role);
	sp_jw_text(&w, "state", beat->state);
	sp_jw_text(&w, "host", beat->host);
	sp_jw_text(&w, "boot", beat->boot);
	sp_jw_int(&w, "pidns", (int64_t)beat->pidns);
	sp_jw_int(&w, "pid", beat->pid);
	sp_jw_int(&w, "pidStart", (int64_t)beat->pid_start);
	sp_jw_text(&w, "started", started);
	sp_jw_int(&w, "slots", beat->slots);
	sp_jw_real(&w, "cpus", beat->cpus);
	sp_jw_int(&w, "memory", beat->memory);
	sp_jw_int(&w, "gpus", beat->gpus);
	sp_jw_int(&w, "beat", beat->count);
	sp_jw_open(&w, "running", '[');
	for (i = 0; i < beat->running_n; i++)
		sp_jw_text(&w, NULL, beat->running[i]);
	sp_jw_close(&w, ']');
	sp_beat_means_print(&w, beat);
	sp_tally_print(&w, &beat->tally);
	sp_beat_looked_print(&w, beat);
	sp_jw_text(&w, "note", beat->note);
	sp_jw_close(&w, '}');
	sp_buf_puts(text_out, "\n");
}

static int64_t
natural(const struct json_t *json, const char *key, int64_t most)
{
	int64_t n = sp_json_int(sp_json_get(json, key), 0);

	return n < 0 || n > most ? 0 : n;
}

/* Names that are none are left out; W's own housekeeping finds them. */
static enum sp_status
take_running(
    const struct json_t *list, struct sp_beat *beat, struct sp_err *err)
{
	size_t i, n = sp_json_count(list);
	struct sp_name name;
	const char *text;

	if (sp_json_kind(list) != SP_JSON_LIST || n == 0)
		return SP_OK;
	if ((beat->running = calloc(n, sizeof *beat->running)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++) {
		text = sp_json_text(sp_json_at(list, i));
		if (text != NULL && sp_name_parse(text, &name) == SP_OK)
			sp_name_print(&name, beat->running[beat->running_n++]);
	}
	return SP_OK;
}

static enum sp_status
take_tags(const struct json_t *list, struct sp_beat *beat, struct sp_err *err)
{
	size_t i, n = sp_json_count(list);
	const char *text;

	if (sp_json_kind(list) != SP_JSON_LIST || n == 0)
		return SP_OK;
	if (n > SP_TAGS_MOST)
		n = SP_TAGS_MOST;
	if ((beat->tags = calloc(n, sizeof *beat->tags)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++)
		if ((text = sp_json_text(sp_json_at(list, i))) != NULL)
			sp_text_cut(beat->tags[beat->tags_n++],
			    sizeof *beat->tags, text);
	return SP_OK;
}

/* A number from 0, else -1. */
static int64_t
known(const struct json_t *json, const char *key, int64_t most)
{
	int64_t n = sp_json_int(sp_json_get(json, key), -1);

	return n < 0 || n > most ? -1 : n;
}

static void
take_gpu(const struct json_t *json, struct sp_beat_gpu *g)
{
	const struct json_t *b = sp_json_get(json, "blocked");

	g->index = (int)known(json, "index", 1000000);
	g->memory = known(json, "memory", INT64_MAX);
	g->used = known(json, "used", INT64_MAX);
	g->jobs = (int)natural(json, "jobs", 1000000);
	g->share = (int)natural(json, "share", 1000000);
	sp_text_cut(
	    g->uuid, sizeof g->uuid, sp_json_text(sp_json_get(json, "uuid")));
	sp_text_cut(
	    g->name, sizeof g->name, sp_json_text(sp_json_get(json, "name")));
	g->blocked.mib = -1;
	if (sp_json_kind(b) != SP_JSON_OBJECT)
		return;
	g->blocked.pid = natural(b, "pid", INT32_MAX);
	g->blocked.mib = known(b, "mib", INT64_MAX);
	sp_text_cut(g->blocked.user, sizeof g->blocked.user,
	    sp_json_text(sp_json_get(b, "user")));
	sp_text_cut(g->blocked.why, sizeof g->blocked.why,
	    sp_json_text(sp_json_get(b, "why")));
	if (g->blocked.why[0] == '\0')
		(void)strcpy(g->blocked.why, "no reason given");
}

static enum sp_status
take_gpus(const struct json_t *list, struct sp_beat *beat, struct sp_err *err)
{
	size_t i, n = sp_json_count(list);

	if (sp_json_kind(list) != SP_JSON_LIST || n == 0)
		return SP_OK;
	if (n > SP_GPU_MOST)
		n = SP_GPU_MOST;
	if ((beat->gpu = calloc(n, sizeof *beat->gpu)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++)
		if (sp_json_kind(sp_json_at(list, i)) == SP_JSON_OBJECT)
			take_gpu(
			    sp_json_at(list, i), &beat->gpu[beat->gpu_n++]);
	return SP_OK;
}

static void
take_free(const struct json_t *json, struct sp_beat *beat)
{
	if (sp_json_kind(json) != SP_JSON_OBJECT)
		return;
	beat->free_said = true;
	beat->free.slots = (int)natural(json, "slots", 1000000);
	beat->free.gpus = (int)natural(json, "gpus", 1000000);
	beat->free.memory = natural(json, "memory", INT64_MAX);
	beat->free.cpus = sp_json_real(sp_json_get(json, "cpus"), 0);
	if (!(beat->free.cpus >= 0 && beat->free.cpus < 1e6))
		beat->free.cpus = 0;
}

static enum sp_status
take_lists(const struct json_t *json, struct sp_beat *beat, struct sp_err *err)
{
	enum sp_status st;

	take_free(sp_json_get(json, "free"), beat);
	sp_tally_read(json, &beat->tally);
	if ((st = take_running(sp_json_get(json, "running"), beat, err)) !=
		SP_OK ||
	    (st = take_tags(sp_json_get(json, "tags"), beat, err)) != SP_OK)
		return st;
	if ((st = take_gpus(sp_json_get(json, "gpu"), beat, err)) != SP_OK)
		return st;
	return sp_beat_looked_take(sp_json_get(json, "looked"), beat, err);
}

static enum sp_status
take_all(const struct json_t *json, struct sp_beat *beat, struct sp_err *err)
{
	const char *worker = sp_json_text(sp_json_get(json, "worker"));
	const char *started = sp_json_text(sp_json_get(json, "started"));

	if (worker == NULL || !sp_worker_ok(worker))
		return sp_err_set(err, SP_BAD, "worker: missing or no name");
	beat->count = sp_json_int(sp_json_get(json, "beat"), -1);
	if (beat->count < 0)
		return sp_err_set(err, SP_BAD, "beat: missing or no count");
#define CUT(field, key)                                                        \
	sp_text_cut(beat->field, sizeof beat->field,                           \
	    sp_json_text(sp_json_get(json, key)))
	CUT(worker, "worker");
	CUT(role, "role");
	CUT(state, "state");
	CUT(host, "host");
	CUT(boot, "boot");
	CUT(note, "note");
#undef CUT
	beat->pidns = (uint64_t)natural(json, "pidns", INT64_MAX);
	beat->pid = natural(json, "pid", INT32_MAX);
	beat->pid_start = (uint64_t)natural(json, "pidStart", INT64_MAX);
	beat->slots = (int)natural(json, "slots", 1000000);
	beat->gpus = (int)natural(json, "gpus", 1000000);
	beat->memory = natural(json, "memory", INT64_MAX);
	beat->cpus = sp_json_real(sp_json_get(json, "cpus"), 0);
	if (!(beat->cpus >= 0 && beat->cpus < 1e6))
		beat->cpus = 0;
	if (started == NULL || !sp_time_parse(started, &beat->started))
		beat->started = 0;
	return take_lists(json, beat, err);
}

enum sp_status
sp_beat_parse(
    const char *text, size_t len, struct sp_beat *beat_out, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;

	memset(beat_out, 0, sizeof *beat_out);
	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = take_all(json, beat_out, err);
	sp_json_free(json);
	return st;
}

void
sp_beat_clear(struct sp_beat *beat)
{
	free(beat->running);
	free(beat->tags);
	free(beat->gpu);
	free(beat->looked.declined);
	memset(beat, 0, sizeof *beat);
}

/* ---- this process ---- */

/* The start of a small file of /proc; false if it cannot be read. */
static bool
proc_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, out, size - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

struct proc {
	char state;
	long threads;
	uint64_t start; /* clock ticks since boot */
};

/* Fields 3, 20 and 22 of /proc/PID/stat.  Field 2 is the program's name and may
 * hold anything, so count from its last parenthesis. */
static bool
proc_stat(const char *pid, struct proc *out)
{
	char path[40], text[1024], *at;
	int field;

	(void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
	if (!proc_read(path, text, sizeof text) ||
	    (at = strrchr(text, ')')) == NULL || at[1] != ' ')
		return false;
	at += 2;
	out->state = *at;
	for (field = 3; field < 22; field++) {
		if (field == 20)
			out->threads = strtol(at, NULL, 10);
		if ((at = strchr(at, ' ')) == NULL)
			return false;
		at++;
	}
	out->start = strtoull(at, NULL, 10);
	return out->start > 0;
}

static uint64_t
own_pidns(void)
{
	char text[64];
	ssize_t n = readlink("/proc/self/ns/pid", text, sizeof text - 1);

	if (n <= 5)
		return 0;
	text[n] = '\0'; /* "pid:[4026531836]" */
	return strncmp(text, "pid:[", 5) == 0 ? strtoull(text + 5, NULL, 10)
					      : 0;
}

void
sp_beat_self(struct sp_beat *beat)
{
	struct timespec now = { 0 };
	struct proc self;

	if (gethostname(beat->host, sizeof beat->host) == -1)
		(void)strcpy(beat->host, "unknown");
	beat->host[sizeof beat->host - 1] = '\0';
	if (!proc_read("/proc/sys/kernel/random/boot_id", beat->boot,
		sizeof beat->boot))
		beat->boot[0] = '\0';
	beat->boot[strcspn(beat->boot, "\n")] = '\0';
	beat->pidns = own_pidns();
	beat->pid = getpid();
	beat->pid_start = proc_stat("self", &self) ? self.start : 0;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	beat->started = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * True takes a worker's orders from it at once, so every doubt says false: the
 * lease decides then.  Doubts are another host, boot or pid name space, a
 * process that we may not ask, and a /proc that shows nothing.
 */
bool
sp_beat_gone_is(const struct sp_beat *beat)
{
	struct sp_beat self = { 0 };
	struct proc proc;
	char pid[24];

	sp_beat_self(&self);
	if (beat->pid <= 0 || beat->pid > INT32_MAX || beat->pid_start == 0 ||
	    beat->pidns == 0 || beat->boot[0] == '\0' ||
	    beat->pidns != self.pidns || strcmp(beat->boot, self.boot) != 0 ||
	    strcmp(beat->host, self.host) != 0)
		return false;
	if (kill((pid_t)beat->pid, 0) == -1)
		return errno == ESRCH;
	(void)snprintf(pid, sizeof pid, "%lld", (long long)beat->pid);
	if (!proc_stat(pid, &proc))
		return false;
	/* The number was given to another process; or nobody has waited yet
	 * for the dead one. */
	return proc.start != beat->pid_start ||
	    (proc.state == 'Z' && proc.threads <= 1);
}
