/*
 * lay.c - a spool full of orders, made without any of its ways in: many, soon.
 *
 *	lay SPOOL WAITING DONE
 *
 * The orders are whole and plain and nothing is synced; ids ascend from one
 * moment on, those that are done being the older ones.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/outcome.h"
#include "libspool/spool.h"

#define BEGAN  1790000000000 /* ms: a day in 2026 */
#define DAY_MS ((int64_t)86400000)

static const char job[] =
    "{\"projectName\": \"lay\", \"scriptName\": \"true\","
    " \"hiddenLayers\": [64, 64, 32], \"activation\": \"relu\","
    " \"optimizer\": \"adam\", \"learningRate\": 0.00125,"
    " \"momentum\": 0.9, \"weightDecay\": 1e-05, \"dropout\": 0.25,"
    " \"batchSize\": 128, \"epochs\": 40, \"seed\": 20261122,"
    " \"lossFunction\": \"categorical_crossentropy\","
    " \"order\": {\"name\": \"lay\"}}\n";

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
put(int dirfd, const char *name, const char *text, size_t len)
{
	int fd;

	fd =
	    openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len || close(fd) == -1)
		die(name);
}

static void
lay_one(struct sp_spool *sp, size_t i, bool done)
{
	static const char own[] = "{\"loss\": 0.125, \"metric\": 0.875}";
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name name = { .prio = SP_PRIO_USUAL, .ticket = 1 };
	struct sp_run run = { .host = "lay", .seconds = 0.5 };
	char file[SP_NAME_MAX];
	struct sp_err err;
	int fd, status;

	sp_id_make(BEGAN + (int64_t)i / 64 + (done ? 0 : DAY_MS), (uint32_t)i,
	    &name.id);
	(void)strcpy(name.label, "lay");
	if (done)
		(void)strcpy(name.worker, "lay-000000");
	sp_name_print(&name, file);
	if (!done) {
		put(sp->dir[SP_DIR_NEW], file, job, sizeof job - 1);
		return;
	}
	if (sp_state_open(sp, SP_DONE, &name.id, true, &fd, &err) != SP_OK)
		die("done");
	put(fd, file, job, sizeof job - 1);
	(void)close(fd);
	run.name = name;
	run.started = BEGAN;
	run.finished = BEGAN + 500;
	run.cause = SP_CAUSE_OK;
	if (sp_outcome_make(&run, false, own, sizeof own - 1, NULL, &text,
		&status) != SP_OK)
		die("outcome");
	(void)snprintf(file, sizeof file, "%s.json", name.id.text);
	put(sp->dir[SP_DIR_OUTCOMES], file, text.data, text.len);
	sp_buf_clear(&text);
}

int
main(int argc, char **argv)
{
	struct sp_err err = { "" };
	struct sp_spool sp;
	size_t i, waiting, done;

	if (argc != 4) {
		(void)fputs("usage: lay SPOOL WAITING DONE\n", stderr);
		return 2;
	}
	waiting = strtoul(argv[2], NULL, 10);
	done = strtoul(argv[3], NULL, 10);
	if (sp_spool_make(argv[1], &err) != SP_OK ||
	    sp_spool_open(argv[1], "lay", &sp, &err) != SP_OK) {
		(void)fprintf(stderr, "lay: %s\n", err.text);
		return 1;
	}
	for (i = 0; i < done; i++)
		lay_one(&sp, i, true);
	for (i = 0; i < waiting; i++)
		lay_one(&sp, i, false);
	sp_spool_close(&sp);
	return 0;
}
