/*
 * listing.c - orders one after the other: what each says in a table, in JSON
 * and in CSV.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/find.h"
#include "libspool/json.h"
#include "tools/listing.h"
#include "tools/served.h"

/* ---- the usual columns ---- */

static const char *
state_colour(const char *cell)
{
	if (strcmp(cell, "failed") == 0)
		return "31";
	if (strcmp(cell, "done") == 0)
		return "32";
	return strcmp(cell, "assigned") == 0 ? "1" : NULL;
}

static const struct table_column usual[] = {
	{ .title = "ID" },
	{ .title = "STATE", .colour = state_colour },
	{ .title = "TRY", .right = true, .rank = 5 },
	{ .title = "NAME/PROJECT", .least = 6 },
	{ .title = "OWNER", .least = 6, .rank = 6 },
	{ .title = "WORKER", .least = 6, .rank = 7 },
	{ .title = "STATUS", .right = true, .rank = 1 },
	{ .title = "PROGRESS", .rank = 4 },
	{ .title = "LOSS", .right = true, .rank = 2 },
	{ .title = "METRIC", .right = true, .rank = 3 },
	{ .title = "SECONDS", .right = true, .rank = 6 },
	{ .title = "AGE", .right = true, .rank = 8 },
};

#define USUAL (sizeof usual / sizeof *usual)

/* The attempt that it is at: one more than were spent, but for orders that
 * ended without another run. */
static int
try_of(const struct sp_row *row)
{
	bool ran = row->state == SP_ASSIGNED || row->state == SP_DONE ||
	    (row->state == SP_FAILED && row->started != 0);

	return (int)row->name.attempt + (ran ? 1 : 0);
}

/* How many jobs wait in a bundle?  No row knows: it has none of its own. */
static size_t
jobs_of(struct listing *l, const struct view *view)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 2);
	const struct sp_row *row = view->row;
	size_t n = 0;

	if (sp_order_read(view->spool, row->state, &row->name, &text, NULL) ==
	    SP_OK)
		n = sp_bundle_jobs(sp_buf_text(&text), text.len);
	sp_buf_clear(&text);
	l->bundles++;
	l->jobs += n;
	return n;
}

/* Cells lie one after the other, each with its NUL. */
static void
cell(struct listing *l, const char *text)
{
	sp_buf_put(&l->text, text, strlen(text) + 1);
}

static void
cell_number(struct listing *l, bool has, double value)
{
	char text[32] = "";

	if (has)
		(void)snprintf(text, sizeof text, "%.6g", value);
	cell(l, text);
}

static void
usual_cells(struct listing *l, struct view *view)
{
	char text[SP_LABEL_MAX + SP_FILE_MAX + 40];
	const struct sp_row *row = view->row;

	cell(l, row->name.id.text);
	cell(l, sp_state_text(row->state));
	(void)snprintf(text, sizeof text, "%d", try_of(row));
	cell(l, text);
	(void)snprintf(text, sizeof text, "%s%s%s", row->title,
	    row->title[0] != '\0' && row->project[0] != '\0' ? "/" : "",
	    row->project);
	if (row->name.bundle && !sp_state_over_is(row->state) &&
	    !served_is(view->spool))
		(void)snprintf(text, sizeof text, "%s (%zu jobs)", row->title,
		    jobs_of(l, view));
	cell(l, text[0] != '\0' ? text : row->script);
	cell(l, row->owner);
	cell(l, row->name.worker);
	text[0] = '\0';
	if (row->status != 0)
		(void)snprintf(text, sizeof text, "%d", row->status);
	cell(l, text);
	text[0] = '\0';
	if (!sp_state_over_is(row->state))
		term_progress(row, view->now, text);
	cell(l, text);
	cell_number(l, row->has_loss, row->loss);
	cell_number(l, row->has_metric, row->metric);
	cell_number(l, row->has_seconds, row->seconds);
	term_span((double)(view->now - sp_id_ms(&row->name.id)) / 1000, text);
	cell(l, text);
}

/* ---- columns that were asked for ---- */

static void
own_cells(struct listing *l, struct view *view)
{
	struct sp_buf text = SP_BUF_INIT(2 * 1024 * 1024);
	struct sp_value value;
	char span[24];
	size_t i;

	for (i = 0; i < l->columns; i++) {
		field_get(&l->column[i], view, &value);
		sp_buf_reset(&text);
		field_print(&value, true, &text);
		if (strcmp(l->column[i].name, "age") == 0) {
			term_span(value.number, span);
			cell(l, span);
		} else {
			cell(l, sp_buf_text(&text));
		}
		/* Numbers stand below each other. */
		if (value.kind == SP_VALUE_NUMBER && !l->table.begun)
			l->head[i].right = true;
	}
	sp_buf_clear(&text);
}

static void
put_json(struct listing *l, struct view *view)
{
	struct sp_value value;
	struct sp_jw w;
	size_t i;

	if (l->columns == 0) {
		sp_row_print(view->row, &l->text);
	} else {
		sp_jw_init(&w, &l->text);
		sp_jw_open(&w, NULL, '{');
		for (i = 0; i < l->columns; i++) {
			field_get(&l->column[i], view, &value);
			field_put(&value, l->column[i].name, &w);
		}
		sp_jw_close(&w, '}');
	}
	if (l->text.len == 0 || l->text.data[l->text.len - 1] != '\n')
		sp_buf_puts(&l->text, "\n");
}

/* ---- CSV ---- */

void
csv_put(struct sp_buf *out, const char *text, bool first)
{
	size_t i, len = strlen(text);

	if (!first)
		sp_buf_puts(out, ",");
	if (text[strcspn(text, "\",\r\n")] == '\0' && text[0] != ' ') {
		sp_buf_put(out, text, len);
		return;
	}
	sp_buf_puts(out, "\"");
	for (i = 0; i < len; i++) {
		if (text[i] == '"')
			sp_buf_puts(out, "\"");
		sp_buf_put(out, text + i, 1);
	}
	sp_buf_puts(out, "\"");
}

static void
put_csv(struct listing *l, struct view *view)
{
	struct sp_buf text = SP_BUF_INIT(2 * 1024 * 1024);
	struct sp_value value;
	size_t i;

	for (i = 0; i < l->columns; i++) {
		field_get(&l->column[i], view, &value);
		sp_buf_reset(&text);
		field_print(&value, false, &text);
		csv_put(&l->text, sp_buf_text(&text), i == 0);
	}
	sp_buf_puts(&l->text, "\r\n");
	sp_buf_clear(&text);
}

static void
csv_head(struct listing *l)
{
	size_t i;

	sp_buf_reset(&l->text);
	for (i = 0; i < l->columns; i++)
		csv_put(&l->text, l->column[i].name, i == 0);
	sp_buf_puts(&l->text, "\r\n");
}

/* ---- out ---- */

/* A terminal gets no control characters of others, in CSV neither. */
void
listing_text(const char *text, size_t len)
{
	struct sp_buf safe = SP_BUF_INIT(16 * 1024 * 1024);
	size_t n = len;

	if (!isatty(STDOUT_FILENO)) {
		(void)fwrite(text, 1, len, stdout);
		return;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	term_escape(&safe, text, n);
	(void)puts(sp_buf_text(&safe));
	sp_buf_clear(&safe);
}

static int
print_one(struct listing *l, const char *text, size_t len)
{
	const char *at;

	if (l->form == LISTING_CSV) {
		listing_text(text, len);
		return ferror(stdout);
	}
	if (l->form == LISTING_JSON) {
		(void)fwrite(text, 1, len, stdout);
		return ferror(stdout);
	}
	for (at = text; at < text + len; at += strlen(at) + 1)
		table_put(&l->table, at);
	return table_flow(&l->table);
}

int
listing_put(struct listing *l, struct view *view)
{
	struct sp_value key = { .kind = SP_VALUE_NONE };

	sp_buf_reset(&l->text);
	if (l->form == LISTING_JSON)
		put_json(l, view);
	else if (l->form == LISTING_CSV)
		put_csv(l, view);
	else if (l->columns > 0)
		own_cells(l, view);
	else
		usual_cells(l, view);
	if (!l->holds)
		return print_one(l, sp_buf_text(&l->text), l->text.len);
	if (l->sorts)
		field_get(&l->sort, view, &key);
	pile_put(&l->pile, &key, sp_buf_text(&l->text), l->text.len);
	return l->pile.failed;
}

int
listing_end(struct listing *l)
{
	struct pile *pile = &l->pile;
	size_t i, from;

	if (pile->failed) {
		complain("no memory for so long a list");
		return ANSWER_LATER;
	}
	/* The newest of those that pass, then sorted. */
	from = l->last > 0 && pile->n > l->last ? pile->n - l->last : 0;
	if (from > 0)
		memmove(pile->one, pile->one + from,
		    (pile->n -= from) * sizeof *pile->one);
	if (l->sorts)
		pile_sort(pile, l->down);
	for (i = 0; i < pile->n; i++)
		if (print_one(
			l, pile->text + pile->one[i].at, pile->one[i].len) != 0)
			break;
	return l->form == LISTING_TABLE ? table_print(&l->table) : ANSWER_YES;
}

/* ---- what is asked for ---- */

void
listing_init(struct listing *l)
{
	memset(l, 0, sizeof *l);
	sp_buf_init(&l->text, 16 * 1024 * 1024);
}

void
listing_clear(struct listing *l)
{
	table_clear(&l->table);
	sp_buf_clear(&l->text);
	pile_clear(&l->pile);
	free(l->column);
	l->column = NULL;
}

static int
add_column(struct listing *l, const char *name)
{
	struct sp_err err = { "" };
	struct field *more;

	if (l->columns == LISTING_COLUMNS) {
		complain("--columns: %d are the most", LISTING_COLUMNS);
		return ANSWER_WRONG;
	}
	more = realloc(l->column, (l->columns + 1) * sizeof *more);
	if (more == NULL) {
		complain("no memory");
		return ANSWER_LATER;
	}
	l->column = more;
	if (field_parse(name, &more[l->columns], &err) != SP_OK) {
		complain("--columns: %s: give names, with commas between them",
		    err.text);
		return ANSWER_WRONG;
	}
	l->columns++;
	return ANSWER_YES;
}

int
listing_columns(struct listing *l, const char *text)
{
	char name[FIELD_MAX + 2];
	int answer = ANSWER_YES;
	size_t n;

	while (answer == ANSWER_YES) {
		n = strcspn(text, ",");
		(void)snprintf(name, sizeof name, "%.*s", (int)n, text);
		answer = add_column(l, name);
		if (text[n] == '\0')
			break;
		text += n + 1;
	}
	return answer;
}

int
listing_sort(struct listing *l, const char *text)
{
	struct sp_err err = { "" };

	l->sorts = true;
	l->down = *text == '-';
	if (field_parse(text + (l->down ? 1 : 0), &l->sort, &err) != SP_OK) {
		complain("--sort: %s: give one, with a - in front for the "
			 "greatest first",
		    err.text);
		return ANSWER_WRONG;
	}
	return ANSWER_YES;
}

void
listing_begin(struct listing *l)
{
	const char *const *name = field_names();
	size_t i;

	/* What rows have; the rest takes the job's file. */
	if (l->form == LISTING_CSV && l->columns == 0)
		for (i = 0; strcmp(name[i], "group") != 0; i++)
			(void)add_column(l, name[i]);
	l->holds = l->holds || l->sorts;
	if (l->columns == 0) {
		table_init(&l->table, usual, USUAL);
		return;
	}
	for (i = 0; i < l->columns; i++)
		l->head[i] = (struct table_column){
			.title = l->column[i].name,
			.least = strcmp(l->column[i].name, "id") == 0 ? 0 : 6,
			.colour = strcmp(l->column[i].name, "state") == 0
			    ? state_colour
			    : NULL,
		};
	table_init(&l->table, l->head, l->columns);
	if (l->form == LISTING_CSV) {
		csv_head(l);
		listing_text(sp_buf_text(&l->text), l->text.len);
	}
}
