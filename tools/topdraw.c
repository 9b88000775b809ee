/*
 * topdraw.c - the picture of `spool top`, and its keys.  The one door to
 * ncurses.  All text of jobs is escaped before it comes here to the screen.
 */
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/top.h"

static bool opened;

bool
top_open(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("it needs a terminal; for programs there are 'spool "
			 "ls --json' and 'spool workers --json'");
		return false;
	}
	/* initscr would exit by itself. */
	if (newterm(NULL, stdout, stdin) == NULL) {
		complain("this terminal (TERM=%s) is not known to ncurses",
		    getenv("TERM") == NULL ? "" : getenv("TERM"));
		return false;
	}
	opened = true;
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	if (term_colour_ok(STDOUT_FILENO) && has_colors()) {
		(void)start_color();
		(void)use_default_colors();
		(void)init_pair(1, COLOR_RED, -1);
		(void)init_pair(2, COLOR_GREEN, -1);
	}
	return true;
}

void
top_close(void)
{
	if (opened)
		(void)endwin();
	opened = false;
}

/* One line, cut to the screen. */
static void
line(int y, int attr, const char *text)
{
	struct sp_buf safe = SP_BUF_INIT(65536);
	size_t n;
	int used;

	if (y < 0 || y >= LINES)
		return;
	term_escape(&safe, text, strlen(text));
	n = term_fit(sp_buf_text(&safe), COLS - 1, &used);
	(void)attrset(attr);
	(void)move(y, 0);
	(void)clrtoeol();
	(void)addnstr(sp_buf_text(&safe), (int)n);
	(void)attrset(A_NORMAL);
	sp_buf_clear(&safe);
}

static void
gpu_bar(const struct sp_beat *beat, char out[200])
{
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < beat->gpu_n && n < 150; i++)
		n += (size_t)snprintf(out + n, 200 - n, " %d:%s",
		    beat->gpu[i].index,
		    beat->gpu[i].blocked.why[0] != '\0' ? "blocked"
			: beat->gpu[i].jobs > 0         ? "busy"
							: "free");
	if (beat->gpu_n == 0 && beat->gpus > 0)
		(void)snprintf(out, 200, " %d GPUs", beat->gpus);
}

static int
draw_workers(const struct top *top, int y, int most)
{
	const struct fleet_one *one;
	char text[600], gpus[200], span[24];
	size_t i;

	(void)snprintf(text, sizeof text, "%-24.24s %-9s %7s %8s  %s", "WORKER",
	    "STATE", "RUNNING", "SILENT", "GPUS");
	line(y++, A_BOLD, text);
	for (i = 0; i < top->fleet.n && most-- > 0; i++) {
		one = &top->fleet.one[i];
		term_span(one->silent, span);
		gpu_bar(&one->beat, gpus);
		(void)snprintf(text, sizeof text,
		    "%-24.47s %-9.20s %4zu/%-2d %8s %s", one->beat.worker,
		    one->silent > top->fleet.lease ? "silent" : one->beat.state,
		    one->beat.running_n, one->beat.slots, span, gpus);
		line(y++,
		    one->silent > top->fleet.lease ? COLOR_PAIR(1) : A_NORMAL,
		    text);
	}
	return y;
}

static void
row_text(
    const struct top *top, const struct sp_row *row, char *text, size_t size)
{
	char progress[40] = "", loss[32] = "-";

	if (!sp_state_over_is(row->state))
		term_progress(row, top->now, progress);
	if (row->has_loss)
		(void)snprintf(loss, sizeof loss, "%.6g", row->loss);
	(void)snprintf(text, size,
	    "%s %-8s %2d %-20.64s %-16.47s %-12s %10s %s", row->name.id.text,
	    sp_state_text(row->state), row->name.prio,
	    row->title[0] == '\0' ? row->script : row->title,
	    row->name.worker[0] == '\0' ? "-" : row->name.worker,
	    progress[0] == '\0' ? "-" : progress, loss,
	    row->state == SP_FAILED ? row->error : "");
}

static void
draw_orders(const struct top *top, int y, int end)
{
	int room = end - y - 1, from;
	char text[SP_ERR_MAX + 400];
	size_t i;

	(void)snprintf(text, sizeof text,
	    "%-27s %-8s %2s %-20s %-16s %-12s %10s", "ORDER", "STATE", "P",
	    "NAME", "WORKER", "PROGRESS", "LOSS");
	line(y++, A_BOLD, text);
	from = (int)top->at >= room && room > 0 ? (int)top->at - room + 1 : 0;
	for (i = (size_t)from; i < top->n && y < end; i++, y++) {
		const struct sp_row *row = &top->row[i];

		row_text(top, row, text, sizeof text);
		line(y,
		    (i == top->at ? A_REVERSE : A_NORMAL) |
			(row->state == SP_FAILED        ? COLOR_PAIR(1)
				: row->state == SP_DONE ? COLOR_PAIR(2)
							: 0),
		    text);
	}
}

/* The last lines of the log, below. */
static void
draw_log(const struct top *top, int y)
{
	const char *text = sp_buf_text(&top->log), *at, *nl;
	size_t len = top->log.len;
	char part[2048];
	int lines = 0;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	at = text + len;
	while (at > text && lines < LINES - 1 - y) {
		at--;
		lines += *at == '\n';
	}
	if (*at == '\n')
		at++;
	for (; y < LINES - 1 && at < text + len; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(text + len - at));
		if (nl == NULL)
			nl = text + len;
		(void)snprintf(part, sizeof part, "%.*s",
		    (int)(nl - at < 2000 ? nl - at : 2000), at);
		line(y++, A_NORMAL, part);
	}
	if (len == 0)
		line(y, A_DIM, "no log");
}

void
top_draw(struct top *top)
{
	char text[SP_ERR_MAX + 200], time[25];
	int y = 0, end, workers;

	(void)erase();
	sp_time_print(top->now, time);
	(void)snprintf(text, sizeof text,
	    "%.200s  %zu running, %zu%s new, %zu%s waiting  %s",
	    top->tool->spool.path, top->count[SP_ASSIGNED], top->count[SP_NEW],
	    top->count[SP_NEW] >= TOP_ROWS ? "+" : "", top->count[SP_WAITING],
	    top->count[SP_WAITING] >= TOP_ROWS ? "+" : "", time);
	line(y++, A_BOLD, text);
	workers = LINES / 4;
	y = draw_workers(top, y, workers < 2 ? 2 : workers) + 1;
	end = top->shows_log ? y + (LINES - y) / 2 : LINES - 1;
	draw_orders(top, y, end);
	if (top->shows_log && top_chosen(top) != NULL) {
		(void)snprintf(text, sizeof text, "log of %s",
		    top_chosen(top)->name.id.text);
		line(end, A_BOLD, text);
		draw_log(top, end + 1);
	}
	line(LINES - 1, A_REVERSE,
	    top->words[0] != '\0'
		? top->words
		: "up down  l log  c cancel  h hold  u unhold  + - priority  "
		  "q quit");
	(void)refresh();
}

enum top_key
top_key(int ms)
{
	timeout(ms);
	switch (getch()) {
	case KEY_UP:
	case 'k':
		return TOP_UP;
	case KEY_DOWN:
	case 'j':
		return TOP_DOWN;
	case KEY_PPAGE:
		return TOP_PAGE_UP;
	case KEY_NPAGE:
		return TOP_PAGE_DOWN;
	case 'c':
		return TOP_CANCEL;
	case 'h':
		return TOP_HOLD;
	case 'u':
		return TOP_UNHOLD;
	case '+':
		return TOP_MORE;
	case '-':
		return TOP_LESS;
	case 'l':
	case '\n':
		return TOP_LOG;
	case 'q':
	case 4: /* ^D */
		return TOP_END;
	default:
		return TOP_NOTHING;
	}
}

bool
top_ask(const char *what)
{
	int c;

	line(LINES - 1, A_REVERSE, what);
	(void)refresh();
	timeout(30000);
	c = getch();
	return c == 'y' || c == 'Y';
}
