/*
 * main.c - nomem DIR: each operation of libspool with its requests for
 * memory refused in turn, in a spool on the disk.
 *
 * Whatever is refused: nothing crashes, nothing is kept, it is never said that
 * an order is bad, gone or somebody else's, words come with a failure, and the
 * same operation done again does all that it is to do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/err.h"
#include "libspool/log.h"
#include "tests/nomem/ops.h"
#include "tests/nomem/wrap.h"

#define MOST 30000 /* requests of one operation */

static int wrong;

static void
complain(const struct op *op, long n, const char *what, enum sp_status st,
    const struct sp_err *err)
{
	printf("%s, request %ld refused: %s (%s: %s)\n", op->name, n, what,
	    sp_status_text(st), err->text);
	wrong++;
}

/* Once.  True: a request was refused. */
static bool
attempt(const struct op *op, long n)
{
	struct sp_err err = { "" }, again = { "" };
	long held;
	int i;
	enum sp_status st;
	bool refused;

	op->before();
	held = nomem_held();
	nomem_arm(n);
	st = op->run(&err);
	refused = nomem_disarm();
	if (nomem_held() != held && !op->keeps)
		complain(op, n, "memory was not given back", st, &err);
	if (st != SP_OK) {
		if (!refused ||
		    (st != SP_RETRY && !(op->loses && st == SP_LOST)))
			complain(op, n, "the wrong answer", st, &err);
		if (st == SP_RETRY && err.text[0] == '\0' && !op->mute)
			complain(op, n, "no words", st, &err);
		st = op->run(&again);
		if (st != SP_OK && !(op->loses && st == SP_LOST))
			complain(op, n, "not even done again", st, &again);
	}
	/* What was left is done in another round. */
	for (i = 0; op->rests && i < 50 && !op->after(); i++)
		(void)op->run(&again);
	if (!op->after())
		complain(op, n, "not done", st, &err);
	return refused;
}

int
main(int argc, char **argv)
{
	const struct op *op;
	long n, times, all = 0;
	int k = 0;

	if (argc < 2 || !ops_init(argv[1])) {
		fprintf(stderr, "usage: nomem DIR [OPERATION]\n");
		return 2;
	}
	sp_log_level(0);
	for (op = ops; op->name != NULL; op++) {
		if (argc > 2 && strcmp(argv[2], op->name) != 0)
			continue;
		/* The first forty, then one in so many. */
		for (n = times = 0; n < MOST && attempt(op, n); n += 1 + n / 40)
			times++;
		if (n == 0 || n == MOST)
			complain(op, n, "asked for nothing, or without end",
			    SP_OK, &(struct sp_err){ "" });
		printf("%-10s %ld\n", op->name, times);
		all += times;
		k++;
	}
	ops_end();
	printf("%s: %d operations, %ld requests refused\n",
	    wrong == 0 ? "well" : "WRONG", k, all);
	return wrong != 0;
}
