/*
 * term.c - what a terminal may be shown: its width, colours or none, texts of
 * others with their control characters escaped, and the progress bar (stderr
 * only, and only on a terminal).
 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "tools/spool.h"

int
term_width(int fd)
{
	struct winsize size;
	const char *env;
	long columns;

	if (!isatty(fd))
		return 0;
	env = getenv("COLUMNS");
	if (env != NULL && number_parse(env, 20, 1000, &columns))
		return (int)columns;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

bool
term_colour_ok(int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fd) && (no == NULL || no[0] == '\0') && term != NULL &&
	    term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* ---- texts of others ---- */

/* Marks that turn the direction of what follows, or take no room: a name could
 * hide behind them. */
static bool
hides(wint_t c)
{
	return c == 0x00ad || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff;
}

/* The next character that may be shown as it is: its bytes and its cells;
 * 0 bytes when it may not. */
static size_t
next_plain(const char *text, size_t len, int *cells_out)
{
	mbstate_t state;
	wchar_t c;
	size_t n;
	int cells;

	memset(&state, 0, sizeof state);
	n = mbrtowc(&c, text, len, &state);
	if (n == 0 || n > len || hides((wint_t)c) || !iswprint((wint_t)c))
		return 0;
	if ((cells = wcwidth(c)) < 0)
		return 0;
	*cells_out = cells;
	return n;
}

void
term_escape(struct sp_buf *out, const char *text, size_t len)
{
	size_t i, n;
	int cells;

	for (i = 0; i < len; i += n) {
		if ((n = next_plain(text + i, len - i, &cells)) > 0) {
			sp_buf_put(out, text + i, n);
			continue;
		}
		n = 1;
		switch (text[i]) {
		case '\n':
			sp_buf_puts(out, "\\n");
			break;
		case '\r':
			sp_buf_puts(out, "\\r");
			break;
		case '\t':
			sp_buf_puts(out, "\\t");
			break;
		default:
			sp_buf_printf(
			    out, "\\x%02x", (unsigned)(unsigned char)text[i]);
			break;
		}
	}
}

size_t
term_fit(const char *text, int cells, int *used_out)
{
	size_t i, n, len = strlen(text);
	int used = 0, wide = 0;

	for (i = 0; i < len; i += n) {
		n = next_plain(text + i, len - i, &wide);
		if (n == 0) {
			n = 1;
			wide = 1;
		}
		if (used + wide > cells)
			break;
		used += wide;
	}
	*used_out = used;
	return i;
}

int
term_cells(const char *text)
{
	int used;

	(void)term_fit(text, 1 << 20, &used);
	return used;
}

void
term_put(FILE *to, const char *text)
{
	struct sp_buf escaped = SP_BUF_INIT(16 * 1024 * 1024);

	term_escape(&escaped, text, strlen(text));
	(void)fputs(sp_buf_text(&escaped), to);
	sp_buf_clear(&escaped);
}

/* ---- a stream of bytes, for a terminal ---- */

enum {
	PLAIN,
	ESCAPE,        /* ESC seen */
	SEQUENCE,      /* ESC [ : until @..~ */
	STRING,        /* ESC ] P ^ _ X : until BEL or ESC \ */
	STRING_ESCAPE, /* ... ESC seen in it */
	C1             /* 0xc2 seen: a C1 control may follow */
};

static int
after_escape(unsigned char c)
{
	if (c == '[')
		return SEQUENCE;
	if (c == ']' || c == 'P' || c == '^' || c == '_' || c == 'X')
		return STRING;
	return c >= 0x20 && c <= 0x2f ? ESCAPE : PLAIN;
}

void
term_filter(struct term_filter *filter, const char *text, size_t len,
    struct sp_buf *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		switch (filter->state) {
		case ESCAPE:
			filter->state = after_escape(c);
			continue;
		case SEQUENCE:
			if (c >= 0x40 && c <= 0x7e)
				filter->state = PLAIN;
			continue;
		case STRING:
			if (c == '\a')
				filter->state = PLAIN;
			else if (c == 0x1b)
				filter->state = STRING_ESCAPE;
			continue;
		case STRING_ESCAPE:
			filter->state = c == '\\' ? PLAIN : STRING;
			continue;
		case C1:
			filter->state = PLAIN;
			if (c >= 0x80 && c <= 0x9f)
				continue;
			sp_buf_put(out, "\302", 1);
			break;
		default:
			break;
		}
		if (c == 0x1b)
			filter->state = ESCAPE;
		else if (c == 0xc2)
			filter->state = C1;
		else if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\r' ||
		    c == '\t')
			sp_buf_put(out, text + i, 1);
	}
}

/* ---- spans and the bar ---- */

void
term_span(double seconds, char text_out[24])
{
	long s;

	if (!isfinite(seconds) || seconds < 0)
		seconds = 0;
	if (seconds > 1e9)
		seconds = 1e9;
	s = (long)(seconds + 0.5);
	if (seconds < 9.95)
		(void)snprintf(text_out, 24, "%.1fs", seconds);
	else if (s < 60)
		(void)snprintf(text_out, 24, "%lds", s);
	else if (s < 3600)
		(void)snprintf(text_out, 24, "%ldm%02lds", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(
		    text_out, 24, "%ldh%02ldm", s / 3600, s / 60 % 60);
	else
		(void)snprintf(
		    text_out, 24, "%ldd%02ldh", s / 86400, s / 3600 % 24);
}

void
term_progress(const struct sp_row *row, int64_t now, char text[40])
{
	char span[24];
	int n;

	text[0] = '\0';
	if (!row->has_progress)
		return;
	/* not 100% before it is */
	n = snprintf(text, 40, "%d%%", (int)(row->progress * 100 + 1e-9));
	if (row->eta <= now)
		return;
	term_span((double)(row->eta - now) / 1000, span);
	(void)snprintf(text + n, 40 - (size_t)n, " %s", span);
}

void
term_bar_init(struct term_bar *bar, size_t done)
{
	bar->on = isatty(STDERR_FILENO) != 0;
	bar->drawn = false;
	bar->started = (double)sp_mono_ms() / 1000;
	bar->before = done;
}

void
term_bar_show(struct term_bar *bar, size_t done, size_t failed, size_t total)
{
	char line[400], eta[24] = "", part[24], bad[32] = "";
	double passed;
	int i, wide, filled, n;

	if (!bar->on || total == 0)
		return;
	passed = (double)sp_mono_ms() / 1000 - bar->started;
	term_span(passed, part);
	if (done > bar->before && done < total) {
		term_span(passed * (double)(total - done) /
			(double)(done - bar->before),
		    eta);
	}
	if (failed > 0)
		(void)snprintf(bad, sizeof bad, ", %zu failed", failed);

	wide = term_width(STDERR_FILENO) - 60;
	wide = wide < 10 ? 10 : wide > 40 ? 40 : wide;
	filled = (int)((double)wide * (double)done / (double)total);
	n = snprintf(line, sizeof line, "\r[");
	for (i = 0; i < wide; i++)
		line[n++] = i < filled ? '#' : '.';
	(void)snprintf(line + n, sizeof line - (size_t)n,
	    "] %zu of %zu%s, %s%s%s", done, total, bad, part,
	    eta[0] == '\0' ? "" : ", left about ", eta);
	(void)fprintf(stderr, "%s\033[K", line);
	(void)fflush(stderr);
	bar->drawn = true;
}

void
term_bar_wipe(struct term_bar *bar)
{
	if (bar->drawn) {
		(void)fputs("\r\033[K", stderr);
		(void)fflush(stderr);
	}
	bar->drawn = false;
}
