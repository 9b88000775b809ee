/*
 * tsp.c - task-spooler: the first call leaves a server behind, which the next
 * ones find by $TS_SOCKET; what a job prints goes to a file in $TMPDIR.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define LAST 4 /* of those that may be out at once, and some more */

static char tsp[PATH_MAX];
static const char *line[8];
static size_t given;

static void
begin(enum peer_work work, int form)
{
	const char *const *argv = peer_argv(work);
	char slots[8];
	size_t i;

	(void)form;
	if (peer_find("tsp", tsp) == NULL)
		bench_die("no tsp");
	peer_env_path("TS_SOCKET", "socket");
	peer_env_path("TMPDIR", "");
	(void)snprintf(slots, sizeof slots, "%d", PEER_SLOTS);
	peer_call((const char *[]){ tsp, "-S", slots, NULL });
	line[0] = tsp;
	for (i = 0; argv[i] != NULL; i++)
		line[i + 1] = argv[i];
}

static void
submit(size_t n)
{
	for (; n > 0; n--, given++)
		peer_call(line);
}

/* Numbers begin at 0, and jobs in that order. */
static void
await(size_t n)
{
	size_t i = n < LAST ? n : LAST;
	char number[24];

	for (; i > 0; i--) {
		(void)snprintf(number, sizeof number, "%zu", given - i);
		peer_call((const char *[]){ tsp, "-w", number, NULL });
	}
}

static void
end(void)
{
	char text[PATH_MAX + 8], words[1024];
	size_t found = 0;
	int code;
	FILE *f;

	(void)snprintf(text, sizeof text, "%s -l", tsp);
	if ((f = popen(text, "r")) == NULL)
		bench_die("tsp -l");
	while (fgets(words, sizeof words, f) != NULL)
		found += sscanf(words, "%*d finished %*s %d", &code) == 1 &&
		    code == 0;
	(void)pclose(f);
	if (found != given)
		bench_die("tsp: %zu of %zu jobs ended well", found, given);
	peer_call((const char *[]){ tsp, "-K", NULL });
}

const struct peer_kind peer_tsp = { "tsp", NULL, begin, submit, await, end };
