/*
 * pick.c - an order given by any unique part of its id or of its name, or all
 * runs of a sweep by its name (picksweep.c).
 * A whole id is looked for directly; a part, or many ids, in a list.  One that
 * is still a line of a bundle is brought out where it is to be shown or moved.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "index/index.h"
#include "libspool/bundle.h"
#include "libspool/find.h"
#include "tools/pick.h"
#include "tools/served.h"
#include "tools/sift.h"

#define CANDIDATES 10 /* shown when a part is ambiguous */
#define DIRECT     4  /* so many ids are looked for one by one */

static const char WORD[] = "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

struct pick {
	struct tool *tool;
	struct see_list list; /* when `listed` */
	bool listed;
	size_t asked;
	bool opens; /* an order that is a line of a bundle is to come out */
	struct sp_bundles bundles; /* when `bundled` */
	bool bundled;
};

static void
pick_clear(struct pick *pick)
{
	see_list_clear(&pick->list);
	if (pick->bundled)
		sp_bundles_clear(&pick->bundles);
}

static enum sp_status
load(struct pick *pick, struct sp_err *err)
{
	enum sp_status st;

	if (pick->listed)
		return SP_OK;
	st = see_list(&pick->tool->spool, &pick->list, err);
	pick->listed = st == SP_OK;
	return st;
}

/* Where another is asked, no more than it takes. */
static enum sp_status
load_part(struct pick *pick, const char *word, struct sp_err *err)
{
	if (!served_is(&pick->tool->spool))
		return load(pick, err);
	see_list_clear(&pick->list);
	pick->listed = false;
	return served_list(&pick->tool->spool, word, &pick->list, err);
}

/* People paste paths and file names as well: spool/new/50.ID.t1a0.wine.json,
 * ID.json.  SP_BAD: nothing that could be part of an id or a name. */
static enum sp_status
trim(const char *text, char word_out[SP_NAME_MAX])
{
	const char *slash = strrchr(text, '/');
	struct sp_name name;
	size_t len;

	if (slash != NULL)
		text = slash + 1;
	if (sp_name_parse(text, &name) == SP_OK) {
		(void)snprintf(word_out, SP_NAME_MAX, "%s", name.id.text);
		return SP_OK;
	}
	len = strlen(text);
	if (len == SP_ID_LEN + 5 && strcmp(text + SP_ID_LEN, ".json") == 0)
		len = SP_ID_LEN;
	if (len == 0 || len >= SP_NAME_MAX || strspn(text, WORD) < len)
		return SP_BAD;
	(void)snprintf(word_out, SP_NAME_MAX, "%.*s", (int)len, text);
	return SP_OK;
}

static int
ambiguous(const struct pick *pick, const char *word, size_t matches)
{
	const struct see_entry *entry;
	size_t i, shown = 0;

	complain(
	    "'%s' may be any of %zu orders; say more of it:", word, matches);
	for (i = pick->list.n; i-- > 0 && shown < CANDIDATES;) {
		entry = &pick->list.entry[i];
		if (!index_match_ok(&entry->name, word))
			continue;
		(void)fprintf(stderr, "  %s  %-8s  %s\n", entry->name.id.text,
		    sp_state_text(entry->state), entry->name.label);
		shown++;
	}
	if (matches > shown)
		(void)fprintf(stderr, "  ... and %zu older\n", matches - shown);
	return ANSWER_WRONG;
}

/* By part.  A name that is the whole word wins over names that only have it
 * in them, if it is the only one. */
static int
by_part(struct pick *pick, const char *word, struct sp_id *id_out)
{
	const struct see_entry *entry, *found = NULL, *whole = NULL;
	size_t i, matches = 0, wholes = 0;
	struct sp_err err = { "" };
	enum sp_status st;

	if ((st = load_part(pick, word, &err)) != SP_OK)
		return complain_of(st, &err, "looking for orders");
	for (i = 0; i < pick->list.n; i++) {
		entry = &pick->list.entry[i];
		if (!index_match_ok(&entry->name, word))
			continue;
		found = entry;
		matches++;
		if (strcmp(entry->name.label, word) == 0) {
			whole = entry;
			wholes++;
		}
	}
	if (wholes == 1 && matches > 1) {
		found = whole;
		matches = 1;
	}
	if (matches > 1)
		return ambiguous(pick, word, matches);
	if (matches == 0) {
		complain("no order has '%s' in its id or name", word);
		return ANSWER_NO;
	}
	*id_out = found->name.id;
	return ANSWER_YES;
}

/* Bring its bundle's lines out, so that it can be looked at and moved.  Others
 * may have been quicker. */
static int
open_for(struct pick *pick, const struct sp_id *id,
    const struct sp_bundle_row *row, unsigned line)
{
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;
	char text[SP_NAME_MAX];

	st = row->state == SP_NEW
	    ? sp_bundle_open(&pick->tool->spool, &row->name, NULL, &err)
	    : SP_BAD;
	if (st == SP_LOST || st == SP_GONE)
		sp_err_clear(&err);
	if (see_find(&pick->tool->spool, id, &state, &name, NULL) == SP_OK)
		return ANSWER_YES;
	sp_name_print(&row->name, text);
	complain("%s is line %u of %s/%s, which %s%s%s", id->text, line,
	    sp_state_text(row->state), text,
	    row->state == SP_NEW ? "is opened when its turn comes"
				 : "is not opened there",
	    err.text[0] == '\0' ? "" : ": ", err.text);
	return ANSWER_NO;
}

/* Is it a line of a bundle that nobody has opened yet? */
static const struct sp_bundle_row *
line_of(struct pick *pick, const struct sp_id *id, unsigned *line_out)
{
	const struct sp_spool *spool = &pick->tool->spool;

	if (served_is(spool))
		return NULL;
	if (!pick->bundled)
		pick->bundled =
		    sp_bundles_list(spool, &pick->bundles, NULL) == SP_OK;
	return pick->bundled
	    ? sp_bundles_find(spool, &pick->bundles, id, line_out)
	    : NULL;
}

static int
by_id(struct pick *pick, const struct sp_id *id)
{
	const struct sp_bundle_row *row = NULL;
	struct sp_err err = { "" };
	enum sp_status st = SP_GONE;
	enum sp_state state;
	struct sp_name name;
	unsigned line = 0;

	if (pick->asked++ >= DIRECT && !served_is(&pick->tool->spool) &&
	    load(pick, NULL) == SP_OK) {
		if (see_entry(&pick->list, id) != NULL)
			return ANSWER_YES;
		row = line_of(pick, id, &line);
	}
	if (row == NULL)
		st = see_find(&pick->tool->spool, id, &state, &name, &err);
	if (st == SP_GONE && row == NULL)
		row = line_of(pick, id, &line);
	if (row != NULL)
		return pick->opens ? open_for(pick, id, row, line) : ANSWER_YES;
	if (st == SP_GONE) {
		complain("no order %s in this spool", id->text);
		return ANSWER_NO;
	}
	return complain_of(st, &err, id->text);
}

static int
pick_word(struct pick *pick, const char *text, struct sp_id *id_out)
{
	struct sp_row row;
	struct sp_id id;
	char word[SP_NAME_MAX];
	int answer;

	if (trim(text, word) != SP_OK) {
		complain("'%s' can be no part of an id or a name: they have "
			 "letters, digits, _ and - only",
		    text);
		return ANSWER_WRONG;
	}
	if (sp_id_parse(word, &id) == SP_OK) {
		if ((answer = by_id(pick, &id)) == ANSWER_YES)
			*id_out = id;
		return answer;
	}
	/* one part: the index may know without listing all */
	if (!pick->listed && pick->asked++ < DIRECT &&
	    !served_is(&pick->tool->spool) &&
	    index_find(&pick->tool->spool, word, &row, NULL) == SP_OK) {
		*id_out = row.name.id;
		return ANSWER_YES;
	}
	return by_part(pick, word, id_out);
}

int
pick_one(struct tool *tool, const char *text, struct sp_id *id_out)
{
	struct pick pick = { .tool = tool, .opens = true };
	int answer = pick_word(&pick, text, id_out);

	pick_clear(&pick);
	return answer;
}

/* ---- many ---- */

struct ids {
	struct sp_id *id;
	size_t n, cap;
	int answer;
};

static bool
room(struct ids *ids, size_t more)
{
	struct sp_id *at;
	size_t cap = ids->cap == 0 ? 64 : ids->cap;

	while (cap < ids->n + more)
		cap *= 2;
	if (cap == ids->cap)
		return true;
	if ((at = realloc(ids->id, cap * sizeof *at)) == NULL) {
		complain("no memory");
		ids->answer = ANSWER_LATER;
		return false;
	}
	ids->id = at;
	ids->cap = cap;
	return true;
}

static int
add_sweep(struct pick *pick, const char *sweep, struct ids *ids)
{
	struct sp_id *runs;
	size_t n;
	int answer = pick_sweep(pick->tool, sweep, pick->opens, &runs, &n);

	if (answer == ANSWER_YES && room(ids, n)) {
		(void)memcpy(ids->id + ids->n, runs, n * sizeof *runs);
		ids->n += n;
	}
	free(runs);
	return answer;
}

static void
add(struct pick *pick, const char *text, struct ids *ids)
{
	int answer;

	if (sp_sweep_ok(text)) {
		answer = add_sweep(pick, text, ids);
	} else if (room(ids, 1)) {
		answer = pick_word(pick, text, &ids->id[ids->n]);
		ids->n += answer == ANSWER_YES;
	} else {
		return;
	}
	if (answer > ids->answer)
		ids->answer = answer;
}

static void
add_stdin(struct pick *pick, struct ids *ids)
{
	char word[512];

	while (scanf("%511s", word) == 1)
		add(pick, word, ids);
	if (ferror(stdin)) {
		complain("standard input cannot be read");
		ids->answer = ANSWER_LATER;
	}
}

static int
pick_these(struct pick *pick, int argc, char **argv, struct sp_id **ids_out,
    size_t *n_out)
{
	struct ids ids = { 0 };
	int i;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			add_stdin(pick, &ids);
		else
			add(pick, argv[i], &ids);
	}
	pick_clear(pick);
	*ids_out = ids.id;
	*n_out = ids.n;
	return ids.answer;
}

int
pick_all(struct tool *tool, int argc, char **argv, struct sp_id **ids_out,
    size_t *n_out)
{
	struct pick pick = { .tool = tool };

	return pick_these(&pick, argc, argv, ids_out, n_out);
}

/* Those that the words name, or those of `states` that the sift lets through.
 */
static int
pick_meant(struct pick *pick, struct sift *sift, int n, char **words,
    struct sp_id **ids_out, size_t *n_out)
{
	if (sift->where == NULL && sift->group == NULL)
		return pick_these(pick, n, words, ids_out, n_out);
	return sift_ids(sift, ids_out, n_out);
}

int
pick_each(struct tool *tool, int argc, char **argv, unsigned states,
    int (*one)(struct tool *tool, const struct sp_id *id))
{
	static const struct option longs[] = {
		{ "where", required_argument, NULL, 'w' },
		{ "group", required_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 },
	};
	struct pick pick = { .tool = tool, .opens = true };
	struct sp_id *ids = NULL;
	int answer = ANSWER_YES, it, c;
	struct sift sift;
	size_t i, n = 0;

	sift_init(&sift, tool);
	sift.states = states;
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'w')
			answer = sift_where(&sift, optarg);
		else if (c == 'g')
			sift.group = optarg;
		else
			answer = usage_wrong();
	}
	/* IDs, or a condition; both would leave it open what is meant. */
	if (answer == ANSWER_YES &&
	    (optind == argc) != (sift.where != NULL || sift.group != NULL))
		answer = usage_wrong();
	if (answer != ANSWER_WRONG)
		answer = pick_meant(
		    &pick, &sift, argc - optind, argv + optind, &ids, &n);
	for (i = 0; i < n; i++)
		if ((it = one(tool, &ids[i])) > answer)
			answer = it;
	free(ids);
	sift_clear(&sift);
	return answer;
}
