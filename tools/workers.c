/*
 * workers.c - spool workers: who works here, and how long each has been silent.
 * Silence is the difference of two times of the file server: a probe's written
 * just now, and the beat file's.  Our own clock has no say in it.
 */
#include <getopt.h>
#include <math.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/json.h"
#include "tools/spool.h"

static const char *
state_colour(const char *cell)
{
	if (strcmp(cell, "silent") == 0 || strcmp(cell, "bad-host") == 0)
		return "31";
	return strcmp(cell, "busy") == 0 ? "1" : NULL;
}

static const struct table_column columns[] = {
	{ .title = "WORKER", .least = 10 },
	{ .title = "ROLE", .rank = 2 },
	{ .title = "STATE", .colour = state_colour },
	{ .title = "HOST", .least = 6, .rank = 3 },
	{ .title = "SLOTS", .right = true },
	{ .title = "RUNNING", .right = true },
	{ .title = "GPUS", .right = true },
	{ .title = "SILENT", .right = true },
	{ .title = "NOTE", .least = 8, .rank = 1 },
};

static void
print_json(const struct sp_beat *beat, double silent)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_jw w;
	char time[25];
	size_t i;

	sp_time_print(beat->started, time);
	sp_jw_init(&w, &text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", beat->worker);
	sp_jw_text(&w, "role", beat->role);
	sp_jw_text(&w, "state", beat->state);
	sp_jw_text(&w, "host", beat->host);
	sp_jw_int(&w, "pid", beat->pid);
	sp_jw_text(&w, "started", beat->started == 0 ? NULL : time);
	sp_jw_int(&w, "slots", beat->slots);
	sp_jw_real(&w, "cpus", beat->cpus);
	sp_jw_int(&w, "memory", beat->memory);
	sp_jw_int(&w, "gpus", beat->gpus);
	sp_beat_means_print(&w, beat);
	sp_tally_print(&w, &beat->tally);
	sp_jw_int(&w, "beat", beat->count);
	sp_jw_real(&w, "silent", silent);
	sp_jw_open(&w, "running", '[');
	for (i = 0; i < beat->running_n; i++)
		sp_jw_text(&w, NULL, beat->running[i]);
	sp_jw_close(&w, ']');
	sp_jw_text(&w, "note", beat->note[0] == '\0' ? NULL : beat->note);
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&text));
	sp_buf_clear(&text);
}

/* "1/2": so many have a job, of all. */
static void
put_gpus(struct table *table, const struct sp_beat *beat)
{
	char text[48] = "-";
	size_t i;
	int used = 0;

	for (i = 0; i < beat->gpu_n; i++)
		used += beat->gpu[i].jobs > 0;
	if (beat->gpus > 0 || beat->gpu_n > 0)
		(void)snprintf(text, sizeof text, "%d/%d", used, beat->gpus);
	table_put(table, text);
}

/* What the worker says, and which GPUs it keeps back, and because of whom. */
static void
put_note(struct table *table, const struct sp_beat *beat)
{
	struct sp_buf note = SP_BUF_INIT(16384);
	const struct sp_beat_block *b;
	size_t i;

	sp_buf_puts(&note, beat->note);
	for (i = 0; i < beat->gpu_n; i++) {
		b = &beat->gpu[i].blocked;
		if (b->why[0] == '\0')
			continue;
		sp_buf_printf(&note, "%sGPU %d: ", note.len > 0 ? "; " : "",
		    beat->gpu[i].index);
		if (b->pid <= 0)
			sp_buf_puts(&note, b->why);
		else
			sp_buf_printf(&note, "pid %lld of %s",
			    (long long)b->pid,
			    b->user[0] != '\0' ? b->user : "somebody");
		if (b->pid > 0 && b->mib >= 0)
			sp_buf_printf(
			    &note, " has %lld MiB", (long long)b->mib);
	}
	table_put(table, sp_buf_text(&note));
	sp_buf_clear(&note);
}

static void
put_line(struct table *table, const struct sp_beat *beat, double silent,
    double lease)
{
	char text[24];

	table_put(table, beat->worker);
	table_put(table, beat->role);
	table_put(table, silent > lease ? "silent" : beat->state);
	table_put(table, beat->host);
	(void)snprintf(text, sizeof text, "%d", beat->slots);
	table_put(table, text);
	(void)snprintf(text, sizeof text, "%zu", beat->running_n);
	table_put(table, text);
	put_gpus(table, beat);
	text[0] = '\0';
	if (isfinite(silent))
		term_span(silent, text);
	table_put(table, text);
	put_note(table, beat);
}

/* One file of workers/; a false word there is said, and passed over. */
static void
show_one(struct tool *tool, const char *file, int64_t now, struct table *table,
    struct sp_buf *text)
{
	struct sp_beat beat;
	struct sp_err err = { "" };
	struct stat st;
	enum sp_status status;
	double silent;

	status = sp_read(tool->spool.dir[SP_DIR_WORKERS], file, SP_BEAT_MAX,
	    text, &st, &err);
	if (status == SP_GONE)
		return;
	if (status == SP_OK)
		status =
		    sp_beat_parse(sp_buf_text(text), text->len, &beat, &err);
	if (status != SP_OK) {
		complain("workers/%s: %s", file, err.text);
		return;
	}
	silent = now == 0 ? (double)NAN
			  : (double)(now - (int64_t)st.st_mtim.tv_sec * 1000 -
				st.st_mtim.tv_nsec / 1000000) /
		1000;
	if (silent < 0)
		silent = 0;
	if (table == NULL)
		print_json(&beat, silent);
	else
		put_line(table, &beat, silent, tool->spool.policy.lease);
	sp_beat_clear(&beat);
}

static int
workers_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX + 2);
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct table table;
	enum sp_status st;
	bool json = false;
	int64_t now, took;
	int c, answer = ANSWER_YES;
	size_t i;

	while ((c = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (c != 'j')
			return usage_wrong();
		json = true;
	}
	if (optind != argc)
		return usage_wrong();

	table_init(&table, columns, sizeof columns / sizeof *columns);
	st = sp_list(tool->spool.dir[SP_DIR_WORKERS], false, &names, &err);
	if (st == SP_OK &&
	    sp_server_now(&tool->spool, &now, &took, &err) != SP_OK) {
		complain("who is silent cannot be told: %s", err.text);
		now = 0;
	}
	for (i = 0; st == SP_OK && i < names.n; i++)
		show_one(tool, sp_names_at(&names, i), now,
		    json ? NULL : &table, &text);
	if (st != SP_OK)
		answer = complain_of(st, &err, "workers/");
	else if (!json && table.cells.n == 0)
		(void)fputs("no worker is here\n", stderr);
	else if (!json)
		answer = table_print(&table);
	if (!json)
		drain_absent(tool);
	table_clear(&table);
	sp_names_clear(&names);
	sp_buf_clear(&text);
	return answer;
}

const struct verb verb_workers = {
	.name = "workers",
	.usage = "[--json]",
	.help = "who works here",
	.page = "SILENT is the time since the last beat, by the file server's "
		"clock.  One that is\nsilent for longer than the lease in "
		"spool.json is taken for dead, and what it\nran goes back to "
		"the queue.\n\n"
		"  spool workers --json | jq -r 'select(.silent > 60) "
		"| .worker'\n",
	.run = workers_run,
};
