/*
 * complete.c - spool complete: what may follow on a command line, for shells.
 * Verbs and their options are read off the verbs' own table; ids, names and
 * groups are those of the newest orders.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/field.h"

#define NEWEST 300 /* orders that are looked at */
#define MOST   100 /* words that are printed */

struct complete {
	const char *word; /* so far */
	const struct verb *verb;
	struct sp_names said;
	struct view view;
	bool groups;
};

/* One that may follow; of orders any part of it may have been typed. */
static void
say(struct complete *c, const char *word)
{
	size_t i, n = strlen(c->word);

	/* A shell is not to be surprised. */
	if (strncmp(word, c->word, n) != 0 || c->said.n >= MOST ||
	    word[strspn(word, SP_WORD "./=")] != '\0')
		return;
	for (i = 0; i < c->said.n; i++)
		if (strcmp(sp_names_at(&c->said, i), word) == 0)
			return;
	if (sp_names_add(&c->said, word) == SP_OK)
		(void)puts(word);
}

static void
say_verbs(struct complete *c)
{
	const struct verb *verb;
	size_t i;

	for (i = 0; (verb = verb_at(i)) != NULL; i++)
		if (verb->help[0] != '\0')
			say(c, verb->name);
	say(c, "help");
}

/* --options as the verb's help names them. */
static void
say_options(struct complete *c, const char *text)
{
	char word[40];
	size_t n;

	while ((text = strstr(text, "--")) != NULL) {
		n = 2 +
		    strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ");
		if (n > 2 && n < sizeof word) {
			(void)snprintf(word, sizeof word, "%.*s", (int)n, text);
			say(c, word);
		}
		text += n;
	}
}

static int
say_order(void *arg, const struct sp_row *row)
{
	struct complete *c = arg;

	say(c, row->title);
	say(c, row->name.id.text);
	if (c->groups) {
		view_set(&c->view, row);
		say(c, job_group(view_job(&c->view)));
	}
	return c->said.n >= MOST;
}

static void
say_workers(struct complete *c, struct tool *tool)
{
	struct fleet fleet;
	size_t i;

	if (fleet_read(tool, &fleet, NULL) == SP_OK)
		for (i = 0; i < fleet.n; i++)
			say(c, fleet.one[i].beat.worker);
	fleet_clear(&fleet);
}

/* What an option takes; false: nothing that is known. */
static bool
say_argument(struct complete *c, const char *option)
{
	static const struct {
		const char *option, *words;
	} known[] = { { "--format", "jsonl csv sqlite parquet-ready" },
		{ "--on", "end failure" },
		{ "--role", "read submit work admin" } };
	const char *const *name = field_names();
	char words[64], *at, *save = NULL;
	size_t i;

	if (strcmp(option, "--sort") == 0 || strcmp(option, "--columns") == 0) {
		for (i = 0; name[i] != NULL; i++)
			say(c, name[i]);
		return true;
	}
	for (i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(option, known[i].option) == 0) {
			(void)strcpy(words, known[i].words);
			for (at = strtok_r(words, " ", &save); at != NULL;
			     at = strtok_r(NULL, " ", &save))
				say(c, at);
			return true;
		}
	return false;
}

/* -s DIR anywhere before, and the verb. */
static void
look_back(struct complete *c, struct tool *tool, int n, char **words)
{
	int i;

	for (i = 0; i < n; i++) {
		if (strcmp(words[i], "-s") == 0 && i + 1 < n)
			tool->where = words[++i];
		else if (words[i][0] != '-' && c->verb == NULL)
			c->verb = verb_named(words[i]);
		else if (words[i][0] != '-')
			return;
	}
}

static void
say_words(struct complete *c, struct tool *tool)
{
	const char *usage = c->verb->usage;
	int i;

	if (strcmp(c->verb->name, "ls") == 0)
		for (i = 0; i < SP_STATES; i++)
			say(c, sp_state_text((enum sp_state)i));
	c->groups = strstr(usage, "GROUP") != NULL;
	if (strstr(usage, "ID") == NULL && strstr(usage, "WORKER") == NULL &&
	    strstr(usage, "A B") == NULL && !c->groups)
		return;
	if (tool_open(tool) != ANSWER_YES)
		return;
	view_init(&c->view, &tool->spool);
	if (strstr(usage, "WORKER") != NULL)
		say_workers(c, tool);
	else
		(void)see_rows(
		    &tool->spool, SEE_ALL, NEWEST, say_order, c, NULL);
	view_clear(&c->view);
}

static int
complete_run(struct tool *tool, int argc, char **argv)
{
	struct complete c = { .word = argc > 1 ? argv[argc - 1] : "" };
	const char *before = argc > 2 ? argv[argc - 2] : "";

	look_back(&c, tool, argc - 2, argv + 1);
	if (c.verb == NULL) {
		if (strcmp(before, "-s") != 0)
			say_verbs(&c);
	} else if (!say_argument(&c, before)) {
		if (c.word[0] == '-') {
			say_options(&c, c.verb->usage);
			say_options(&c, c.verb->page);
			say(&c, "--help");
		} else if (strcmp(before, "--where") != 0) {
			say_words(&c, tool);
		}
	}
	sp_names_clear(&c.said);
	return ANSWER_YES;
}

const struct verb verb_complete = {
	.name = "complete",
	.usage = "[WORD ...]",
	.help = "", /* for shells, not for people */
	.page = "What may follow after these words, one a line, for "
		"completion in bash, zsh and fish.\n\n"
		"  spool complete ls --so\n",
	.bare = true,
	.run = complete_run,
};
