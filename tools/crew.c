/*
 * crew.c - which workers are here, and which of them spool drain and resume are
 * told of.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/beat.h"
#include "tools/crew.h"

/* ---- who is here ---- */

void
crew_name(const char *worker, char name_out[SP_WORKER_MAX + 1])
{
	(void)snprintf(name_out, SP_WORKER_MAX + 1, "%.*s",
	    (int)(strrchr(worker, '-') - worker), worker);
}

bool
crew_meant_is(const char *who, const char *worker)
{
	char name[SP_WORKER_MAX + 1];

	crew_name(worker, name);
	return strcmp(who, worker) == 0 || strcmp(who, name) == 0;
}

enum sp_status
crew_load(struct tool *tool, struct crew *crew, struct sp_err *err)
{
	struct fleet fleet;
	enum sp_status st;
	size_t i;

	free(crew->here);
	crew->here = NULL;
	crew->n = 0;
	st = fleet_read(tool, &fleet, err);
	if (st == SP_OK &&
	    (crew->here = calloc(fleet.n + 1, sizeof *crew->here)) == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < fleet.n; i++) {
		const struct sp_beat *beat = &fleet.one[i].beat;

		if (!fleet_works_is(&fleet, &fleet.one[i]))
			continue;
		(void)snprintf(crew->here[crew->n].worker,
		    sizeof crew->here->worker, "%s", beat->worker);
		crew->here[crew->n++].drained =
		    strcmp(beat->state, "drained") == 0;
	}
	fleet_clear(&fleet);
	return st;
}

/* ---- who is meant ---- */

/* A whole W, a NAME, or any part that only one W has; or (`known`) what drain/
 * speaks of though nobody is here. */
static int
pick_worker(const struct crew *crew, const struct sp_names *known,
    const char *word, char who_out[SP_WORKER_MAX + 1])
{
	char who[SP_WISH_MAX];
	size_t i, found = 0, at = 0;
	enum sp_wish wish;

	for (i = 0; i < crew->n; i++)
		if (crew_meant_is(word, crew->here[i].worker)) {
			(void)snprintf(who_out, SP_WORKER_MAX + 1, "%s", word);
			return ANSWER_YES;
		}
	for (i = 0; known != NULL && i < known->n; i++)
		if (sp_wish_parse(sp_names_at(known, i), who, &wish) &&
		    strcmp(who, word) == 0) {
			(void)snprintf(who_out, SP_WORKER_MAX + 1, "%s", word);
			return ANSWER_YES;
		}
	for (i = 0; i < crew->n && word[0] != '\0'; i++)
		if (strstr(crew->here[i].worker, word) != NULL) {
			at = i;
			found++;
		}
	if (found == 1) {
		(void)snprintf(
		    who_out, SP_WORKER_MAX + 1, "%s", crew->here[at].worker);
		return ANSWER_YES;
	}
	if (found == 0) {
		complain(
		    "no worker '%s' is here; 'spool workers' lists them", word);
		return ANSWER_NO;
	}
	complain("'%s' is more than one worker:", word);
	for (i = 0; i < crew->n; i++)
		if (strstr(crew->here[i].worker, word) != NULL)
			(void)fprintf(stderr, "  %s\n", crew->here[i].worker);
	return ANSWER_WRONG;
}

enum sp_status
crew_add(struct sp_names *names, const char *who)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strcmp(sp_names_at(names, i), who) == 0)
			return SP_OK;
	return sp_names_add(names, who);
}

int
crew_pick(const struct crew *crew, const struct sp_names *known, bool all,
    int argc, char **argv, struct sp_names *who_out)
{
	char who[SP_WORKER_MAX + 1];
	int i, it, answer = ANSWER_YES;
	size_t k;

	for (k = 0; all && k < crew->n; k++) {
		crew_name(crew->here[k].worker, who);
		if (crew_add(who_out, who) != SP_OK)
			return complain_of(SP_RETRY, NULL, "no memory");
	}
	for (i = 0; i < argc; i++) {
		it = pick_worker(crew, known, argv[i], who);
		if (it == ANSWER_YES && crew_add(who_out, who) != SP_OK)
			it = complain_of(SP_RETRY, NULL, "no memory");
		if (it > answer)
			answer = it;
	}
	sp_names_sort(who_out);
	return answer;
}
