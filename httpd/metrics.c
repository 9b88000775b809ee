/*
 * metrics.c - /metrics: how much of everything there is, as Prometheus reads
 * it (text format 0.0.4).
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "httpd/server.h"
#include "index/index.h"
#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/ready.h"
#include "libspool/version.h"

/* ---- answers ---- */

void
tally_answer(struct tally *t, unsigned method, int status)
{
	int class = status / 100;
	unsigned m = 0;

	while (m < TALLY_METHODS - 1 && method >> (m + 1) != 0)
		m++;
	if (class < 1 || class >= TALLY_CLASSES)
		class = 0;
	(void)atomic_fetch_add(&t->answers[m][class], 1);
}

/* ---- the text ---- */

static void
head(struct sp_buf *b, const char *name, const char *type, const char *help)
{
	sp_buf_printf(
	    b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
one(struct sp_buf *b, const char *name, const char *help, double value)
{
	head(b, name, "gauge", help);
	sp_buf_printf(b, "%s %.17g\n", name, value);
}

static void
put_answers(struct sp_buf *b, struct tally *t)
{
	unsigned m;
	int class;

	head(b, "spool_http_answers_total", "counter",
	    "Answers of this server since it started.");
	for (m = 0; m < TALLY_METHODS; m++)
		for (class = 0; class < TALLY_CLASSES; class ++) {
			unsigned long long n =
			    atomic_load(&t->answers[m][class]);

			if (n > 0)
				sp_buf_printf(b,
				    "spool_http_answers_total{method=\"%s\","
				    "status=\"%dxx\"} %llu\n",
				    method_text((enum method)(1u << m)), class,
				    n);
		}
}

static void
put_process(struct sp_buf *b)
{
	struct rusage use;

	if (getrusage(RUSAGE_SELF, &use) == -1)
		return;
	head(b, "process_cpu_seconds_total", "counter",
	    "CPU time of this server.");
	sp_buf_printf(b, "process_cpu_seconds_total %.6f\n",
	    (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	one(b, "spool_http_resident_most_bytes",
	    "The most memory that this server has had.",
	    (double)use.ru_maxrss * 1024);
}

static void
put_health(struct sp_buf *b, struct server *s)
{
	struct health h;

	health_look(s, &h);
	one(b, "spool_up", "Whether the spool takes writes.", h.answers);
	one(b, "spool_spoold_up", "Whether a spoold beats.",
	    h.spoold == SPOOLD_BEATING);
	one(b, "spool_disk_size_bytes", "Of the disk that the spool is on.",
	    (double)h.size);
	one(b, "spool_disk_free_bytes", "What of that may be used.",
	    (double)h.free);
	one(b, "spool_disk_files", "Inodes of that disk, 0: without a limit.",
	    (double)h.files);
	one(b, "spool_disk_files_free", "What of those may be used.",
	    (double)h.files_free);
}

/* ---- orders and workers ---- */

static enum sp_status
put_orders(struct sp_buf *b, struct server *s, struct sp_err *err)
{
	size_t count[SP_STATES];
	enum sp_status st;
	int i;

	if ((st = index_count(&s->spool, count, err)) != SP_OK)
		return st;
	head(b, "spool_orders", "gauge", "Orders by state.");
	for (i = 0; i < SP_STATES; i++)
		sp_buf_printf(b, "spool_orders{state=\"%s\"} %zu\n",
		    sp_state_text((enum sp_state)i), count[i]);
	return SP_OK;
}

static const char *const states[] = { "idle", "busy", "draining", "drained",
	"bad-host", "short", "other" };

#define BEAT_STATES (sizeof states / sizeof *states)

struct fleet {
	size_t state[BEAT_STATES], spoolds, origins;
	int slots, free, running, gpus, gpus_free;
	int64_t good, bad;
};

static void
count_beat(struct fleet *f, const struct sp_beat *beat)
{
	size_t i = 0;

	if (strcmp(beat->role, "spoold") == 0) {
		f->spoolds++;
		return;
	}
	f->origins += strcmp(beat->role, ORIGIN_ROLE) == 0;
	while (i < BEAT_STATES - 1 && strcmp(beat->state, states[i]) != 0)
		i++;
	f->state[i]++;
	f->slots += beat->slots;
	f->running += (int)beat->running_n;
	f->free += beat->free_said ? beat->free.slots
				   : beat->slots - (int)beat->running_n;
	f->gpus += beat->gpus;
	f->gpus_free += beat->free_said ? beat->free.gpus : 0;
}

static enum sp_status
read_fleet(const struct sp_spool *sp, struct fleet *f, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_names names = { 0 };
	enum sp_status st;
	struct stat is;
	size_t i;

	(void)memset(f, 0, sizeof *f);
	st = sp_list(sp->dir[SP_DIR_WORKERS], false, &names, err);
	for (i = 0; st == SP_OK && i < names.n; i++) {
		struct sp_beat beat = { 0 };

		if (sp_read(sp->dir[SP_DIR_WORKERS], sp_names_at(&names, i),
			SP_BEAT_MAX, &text, &is, NULL) == SP_OK &&
		    sp_beat_parse(text.data, text.len, &beat, NULL) == SP_OK)
			count_beat(f, &beat);
		sp_beat_clear(&beat);
	}
	sp_names_clear(&names);
	sp_buf_clear(&text);
	return st;
}

static enum sp_status
put_workers(struct sp_buf *b, struct server *s, struct sp_err *err)
{
	enum sp_status st;
	struct fleet f;
	size_t i;

	if ((st = read_fleet(&s->spool, &f, err)) != SP_OK)
		return st;
	head(b, "spool_workers", "gauge",
	    "Workers that have a beat, by what they say of themselves.");
	for (i = 0; i < BEAT_STATES; i++)
		sp_buf_printf(b, "spool_workers{state=\"%s\"} %zu\n", states[i],
		    f.state[i]);
	one(b, "spool_origin_workers", "Those of the original system.",
	    (double)f.origins);
	one(b, "spool_slots", "Jobs that all workers could run at once.",
	    f.slots);
	one(b, "spool_slots_free", "And how many more they could now.", f.free);
	one(b, "spool_running", "Jobs that workers say they run.", f.running);
	one(b, "spool_gpus", "GPUs that workers hand out.", f.gpus);
	one(b, "spool_gpus_free", "Those that are free.", f.gpus_free);
	return SP_OK;
}

/* How long the head of the queue has been there. */
static enum sp_status
put_oldest(struct sp_buf *b, struct server *s, struct sp_err *err)
{
	struct sp_names names = { 0 };
	int64_t oldest = 0, now = sp_wall_ms();
	struct sp_name name;
	enum sp_status st;
	size_t i;

	st = sp_list(s->spool.dir[SP_DIR_NEW], false, &names, err);
	for (i = 0; st == SP_OK && i < names.n; i++)
		if (sp_name_parse(sp_names_at(&names, i), &name) == SP_OK &&
		    now - sp_id_ms(&name.id) > oldest)
			oldest = now - sp_id_ms(&name.id);
	sp_names_clear(&names);
	if (st == SP_OK)
		one(b, "spool_oldest_new_seconds",
		    "Age of the oldest order in new/, by the time in its id.",
		    (double)oldest / 1000);
	return st;
}

handler_fn metrics;

void
metrics(struct server *s, struct request *r, struct answer *a)
{
	struct sp_buf *b = &a->body;
	struct sp_err err = { "" };
	enum sp_status st;

	(void)r;
	head(b, "spool_build_info", "gauge", "Which version this is.");
	sp_buf_puts(b, "spool_build_info{version=\"" SP_VERSION "\"} 1\n");
	put_health(b, s);
	if ((st = put_orders(b, s, &err)) != SP_OK ||
	    (st = put_oldest(b, s, &err)) != SP_OK ||
	    (st = put_workers(b, s, &err)) != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	put_answers(b, &s->tally);
	put_process(b);
	a->status = 200;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
}
