/*
 * table.c - aligned columns that fit the terminal: columns with nothing in
 * them are left out, then the least important ones, then long cells are cut.
 * Into a pipe everything is written, and whole.
 */
#include <string.h>
#include <unistd.h>

#include "tools/spool.h"

#define GAP 2

void
table_init(
    struct table *table, const struct table_column *column, size_t columns)
{
	memset(table, 0, sizeof *table);
	table->column = column;
	table->columns = columns;
}

void
table_clear(struct table *table)
{
	sp_names_clear(&table->cells);
}

void
table_put(struct table *table, const char *text)
{
	struct sp_buf cell = SP_BUF_INIT(64 * 1024);

	term_escape(&cell, text, strlen(text));
	if (cell.failed ||
	    sp_names_add(&table->cells, sp_buf_text(&cell)) != SP_OK)
		table->failed = true;
	sp_buf_clear(&cell);
}

static const char *
cell_at(const struct table *table, size_t row, size_t column)
{
	return sp_names_at(&table->cells, row * table->columns + column);
}

static int
total(const struct table *table, const int wide[])
{
	size_t c;
	int sum = 0;

	for (c = 0; c < table->columns; c++) {
		if (wide[c] > 0)
			sum += wide[c] + (sum > 0 ? GAP : 0);
	}
	return sum;
}

/* wide[c]: cells of column c, 0 when it is not shown. */
static void
measure(const struct table *table, size_t rows, bool all, int wide[])
{
	const char *cell;
	size_t c, r;
	int cells;

	for (c = 0; c < table->columns; c++) {
		wide[c] = 0;
		for (r = 0; r < rows; r++) {
			cell = cell_at(table, r, c);
			if ((cells = term_cells(cell)) > wide[c])
				wide[c] = cells;
		}
		cells = (int)strlen(table->column[c].title);
		if ((wide[c] > 0 || all) && wide[c] < cells)
			wide[c] = cells;
	}
}

/* Cut, drop the least important, cut again, until it fits. */
static void
fit(const struct table *table, int limit, int wide[])
{
	size_t c, worst;
	int over, spare;

	for (;;) {
		over = total(table, wide) - limit;
		spare = 0;
		for (c = 0; c < table->columns; c++) {
			if (table->column[c].least > 0 &&
			    wide[c] > table->column[c].least)
				spare += wide[c] - table->column[c].least;
		}
		if (over <= spare)
			break;
		worst = table->columns;
		for (c = 0; c < table->columns; c++) {
			if (wide[c] > 0 && table->column[c].rank > 0 &&
			    (worst == table->columns ||
				table->column[c].rank >
				    table->column[worst].rank))
				worst = c;
		}
		if (worst == table->columns)
			break;
		wide[worst] = 0;
	}
	while (total(table, wide) > limit) {
		worst = table->columns;
		for (c = 0; c < table->columns; c++) {
			if (table->column[c].least > 0 &&
			    wide[c] > table->column[c].least &&
			    (worst == table->columns || wide[c] > wide[worst]))
				worst = c;
		}
		if (worst == table->columns)
			break;
		wide[worst]--;
	}
}

static void
print_cell(const char *cell, int wide, bool right, bool last, const char *sgr)
{
	size_t bytes;
	int used, pad;

	bytes = term_fit(cell, wide, &used);
	if (cell[bytes] != '\0' && wide > 1) {
		bytes = term_fit(cell, wide - 1, &used);
		used++;
	}
	pad = wide - used;
	if (right)
		(void)printf("%*s", pad, "");
	if (sgr != NULL)
		(void)printf("\033[%sm", sgr);
	(void)fwrite(cell, 1, bytes, stdout);
	if (cell[bytes] != '\0')
		(void)putchar('~');
	if (sgr != NULL)
		(void)fputs("\033[m", stdout);
	if (!right && !last)
		(void)printf("%*s", pad, "");
}

static void
print_line(const struct table *table, const int wide[], size_t rows, size_t row,
    bool colour)
{
	const struct table_column *column;
	const char *cell, *sgr;
	size_t c, last = 0;
	bool first = true;

	for (c = 0; c < table->columns; c++) {
		if (wide[c] > 0)
			last = c;
	}
	for (c = 0; c < table->columns; c++) {
		if (wide[c] == 0)
			continue;
		column = &table->column[c];
		cell = row == rows ? column->title : cell_at(table, row, c);
		sgr = colour && row < rows && column->colour != NULL
		    ? column->colour(cell)
		    : NULL;
		if (cell[0] == '\0')
			cell = "-";
		if (!first)
			(void)printf("%*s", GAP, "");
		first = false;
		print_cell(cell, wide[c], column->right, c == last, sgr);
	}
	(void)putchar('\n');
}

/* Print what there is.  Widths only grow from here on. */
static void
flow(struct table *table, bool more)
{
	int limit = term_width(STDOUT_FILENO), wide[TABLE_MAX];
	bool colour = term_colour_ok(STDOUT_FILENO), first = !table->begun;
	size_t c, r, rows = table->cells.n / table->columns;

	/* What comes later may have what these have not. */
	measure(table, rows, limit == 0 || more || !first, wide);
	for (c = 0; c < table->columns; c++)
		if (first || (limit == 0 && wide[c] > table->wide[c]))
			table->wide[c] = wide[c];
	if (first && limit > 0)
		fit(table, limit, table->wide);
	if (first)
		print_line(table, table->wide, rows, rows, false);
	for (r = 0; r < rows; r++)
		print_line(table, table->wide, rows, r, colour);
	table->begun = true;
	table->cells.n = table->cells.len = 0;
}

int
table_flow(struct table *table)
{
	if (!table->failed && table->cells.n >= TABLE_FLOW * table->columns) {
		flow(table, true);
		(void)fflush(stdout);
	}
	return table->failed || ferror(stdout);
}

int
table_print(struct table *table)
{
	if (table->failed) {
		complain("no memory for so long a table");
		return ANSWER_LATER;
	}
	if (table->cells.n > 0)
		flow(table, false);
	return ANSWER_YES;
}
