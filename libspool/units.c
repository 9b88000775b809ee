/*
 * units.c - what people write for amounts, "90s" and "16G", and the nearest
 * word to one that they mistyped.  Pure; no locale, no floating text that only
 * C understands ("inf", "0x1p3").
 */
#include <string.h>
#include <strings.h>

#include "libspool/job.h"

#define SECONDS_MAX 1e9  /* 31 years */
#define BYTES_MAX   4e18 /* below 2^63 */
#define WORD_MAX    64

/* Plain decimals, "12" or "1.5"; moves on to what follows. */
static bool
decimal(const char **at, double *value_out)
{
	double v = 0, unit = 1;
	const char *s = *at;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (*s - '0');
	if (*s == '.') {
		s++;
		if (*s < '0' || *s > '9')
			return false;
		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (*s - '0');
			unit *= 10;
		}
	}
	*at = s;
	*value_out = v / unit;
	return v < 1e300 && unit < 1e300;
}

bool
sp_seconds_parse(const char *text, double *seconds_out)
{
	static const char units[] = "smhdw";
	static const double each[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	double v;

	if (!decimal(&text, &v))
		return false;
	if (*text != '\0') {
		if ((unit = strchr(units, *text)) == NULL || text[1] != '\0')
			return false;
		v *= each[unit - units];
	}
	if (v > SECONDS_MAX)
		return false;
	*seconds_out = v;
	return true;
}

/* "K", "k", "KB", "kb", "KiB": all of 1024, as memory is counted. */
bool
sp_bytes_parse(const char *text, int64_t *bytes_out)
{
	static const char units[] = "KMGTP";
	const char *unit;
	double v;
	char c;

	if (!decimal(&text, &v))
		return false;
	c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
	if (c != '\0' && (unit = strchr(units, c)) != NULL) {
		for (; unit >= units; unit--)
			v *= 1024;
		text++;
		if (*text == 'i' && text[1] == 'B')
			text++;
	}
	if (*text == 'B' || *text == 'b')
		text++;
	if (*text != '\0' || v > BYTES_MAX)
		return false;
	*bytes_out = (int64_t)v;
	return true;
}

/* ---- the nearest word ---- */

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop, change or swap with their neighbour; capitals do not
 * count.  Words over WORD_MAX are far from everything. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[3][WORD_MAX + 1];
	size_t an = strlen(a), bn = strlen(b), i, j;

	if (an > WORD_MAX || bn > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= bn; j++)
		row[0][j] = j;
	for (i = 1; i <= an; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3];
		size_t *upup = row[(i + 1) % 3];

		now[0] = i;
		for (j = 1; j <= bn; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);

			now[j] = least(
			    up[j - 1] + !same, least(up[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 &&
			    lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], upup[j - 2] + 1);
		}
	}
	return row[an % 3][bn];
}

const char *
sp_nearest(const char *word, const char *const *known)
{
	const char *best = NULL;
	size_t begins = strlen(word), i;
	size_t best_far = begins / 3 + 2; /* farther is another word */

	/* "mem", "time": cut off, and nearer to something else in letters. */
	for (i = 0; begins >= 3 && known[i] != NULL; i++)
		if (strncasecmp(word, known[i], begins) == 0)
			return known[i];
	for (; *known != NULL; known++) {
		size_t far = distance(word, *known);

		if (far < best_far && far < strlen(*known)) {
			best = *known;
			best_far = far;
		}
	}
	return best;
}
