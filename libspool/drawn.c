/*
 * drawn.c - some of an order's metrics, evenly chosen.  What a line says is
 * metric.c's business, and which files count metricread.c's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/drawn.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/metric.h"

#define WHOLE  (1 << 20)  /* bytes that are read from end to end */
#define WINDOW (8 * 1024) /* else so many, here and there */
#define TIMES  4          /* so many lines a point */

struct series {
	char key[SP_METRIC_KEY + 1];
	double *x, *y;
	size_t n;
};

struct curves {
	const char *wanted; /* NULL: all */
	size_t most;        /* lines that are looked at, and so points kept */
	struct series *series;
	size_t n;
	double lines; /* so many came before */
	bool failed;  /* no memory */
};

/* Is it in the list, between commas? */
static bool
wanted_is(const char *list, const char *key)
{
	size_t n, len = strlen(key);

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && memcmp(list, key, n) == 0)
			return true;
	}
	return list == NULL;
}

static struct series *
series_of(struct curves *c, const char *key)
{
	struct series *s;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->series[i].key, key) == 0)
			return &c->series[i];
	if (c->n == SP_METRIC_KEYS || !wanted_is(c->wanted, key))
		return NULL;
	s = &c->series[c->n];
	s->x = calloc(c->most, sizeof *s->x);
	s->y = calloc(c->most, sizeof *s->y);
	if (s->x == NULL || s->y == NULL) {
		free(s->x);
		free(s->y);
		c->failed = true;
		return NULL;
	}
	(void)strcpy(s->key, key);
	s->n = 0;
	c->n++;
	return s;
}

/* One line, with its newline; number: which it is, from 1. */
static void
take(struct curves *c, struct sp_metrics *m, const char *line, size_t len,
    double number)
{
	struct series *s;
	double x;
	size_t i;

	sp_metrics_init(m);
	(void)sp_metrics_add(m, line, len);
	x = isnan(m->now.step) ? m->now.epoch : m->now.step;
	for (i = 0; i < m->n; i++) {
		if (m->key[i].n == 0 || m->key[i].last_odd)
			continue;
		s = series_of(c, m->key[i].key);
		if (s == NULL || s->n == c->most)
			continue;
		s->x[s->n] = isnan(x) ? number : x;
		s->y[s->n++] = m->key[i].last;
	}
}

/* ---- small files: all lines, or every so many ---- */

/* Where of so many lines there is one to be looked at: evenly, but not quite,
 * or what is said on every tenth line might never be. */
static size_t
nearly(size_t i, size_t of, size_t lines)
{
	size_t from = i * lines / of, to = (i + 1) * lines / of;

	if (i + 1 == of)
		return lines - 1;
	return to <= from + 1 ? from
			      : from + (i * 2654435761u >> 7) % (to - from);
}

static void
take_text(struct curves *c, struct sp_metrics *m, const char *text, size_t len,
    size_t share)
{
	const char *at = text, *end = text + len, *nl;
	size_t lines = 0, i = 0, number = 0;

	for (; (nl = memchr(at, '\n', (size_t)(end - at))) != NULL; at = nl + 1)
		lines++;
	if (share > lines)
		share = lines;
	for (at = text; i < share; at = nl + 1, number++) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (number != nearly(i, share, lines))
			continue;
		take(c, m, at, (size_t)(nl + 1 - at),
		    c->lines + (double)number + 1);
		i++;
	}
	c->lines += (double)lines;
}

/* ---- large ones: a line here and there ---- */

static void
take_there(struct curves *c, struct sp_metrics *m, int fd, int64_t size,
    size_t share, char *buf)
{
	const char *line, *end, *nl;
	int64_t at;
	ssize_t n;
	size_t i;

	for (i = 0; i < share; i++) {
		at = i + 1 == share ? size - WINDOW
				    : (int64_t)((double)(size - WINDOW) *
					  (double)i / (double)share);
		n = sp_fs_pread(fd, buf, WINDOW, at);
		if (n <= 0)
			return;
		/* The first whole line; at the end the last one. */
		line = at == 0 ? buf : memchr(buf, '\n', (size_t)n);
		if (line == NULL)
			continue;
		line += at != 0;
		end = buf + n;
		while (
		    (nl = memchr(line, '\n', (size_t)(end - line))) != NULL) {
			if (i + 1 < share ||
			    memchr(nl + 1, '\n', (size_t)(end - nl - 1)) ==
				NULL) {
				take(c, m, line, (size_t)(nl + 1 - line),
				    c->lines + (double)(at + (line - buf)));
				break;
			}
			line = nl + 1;
		}
	}
	c->lines += (double)size;
}

/* ---- all of them ---- */

static void
take_file(struct curves *c, struct sp_metrics *m, int dir,
    const struct sp_name *attempt, int64_t total, char *buf)
{
	char file[SP_NAME_MAX + 16];
	struct stat info;
	size_t share;
	ssize_t n;
	int fd;

	sp_metric_file(attempt, file);
	if (sp_open(dir, file, 0, &fd, &info, NULL) != SP_OK)
		return;
	share = total <= 0
	    ? 1
	    : (size_t)((double)c->most * (double)info.st_size / (double)total);
	share = share < 2 ? 2 : share;
	if (info.st_size > WHOLE) {
		take_there(c, m, fd, info.st_size, share, buf);
	} else {
		n = sp_fs_pread(fd, buf, WHOLE, 0);
		if (n > 0)
			take_text(c, m, buf, (size_t)n, share);
	}
	(void)sp_fs_close(fd);
}

static int64_t
size_of(int dir, const struct sp_name *attempt)
{
	char file[SP_NAME_MAX + 16];
	struct stat info;
	int fd;

	sp_metric_file(attempt, file);
	if (sp_open(dir, file, 0, &fd, &info, NULL) != SP_OK)
		return 0;
	(void)sp_fs_close(fd);
	return info.st_size;
}

static enum sp_status
take_all(struct curves *c, int dir, const struct sp_metric_files *f)
{
	struct sp_metrics *m = malloc(sizeof *m);
	char *buf = malloc(WHOLE);
	int64_t total = 0;
	size_t i;

	for (i = 0; i < f->n; i++)
		total += size_of(dir, &f->at[i]);
	for (i = 0; i < f->n && m != NULL && buf != NULL; i++)
		take_file(c, m, dir, &f->at[i], total, buf);
	if (m == NULL || buf == NULL)
		c->failed = true;
	free(m);
	free(buf);
	return c->failed ? SP_RETRY : SP_OK;
}

/* ---- as text ---- */

/* What is drawn needs no more digits. */
static double
rounded(double value)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%.7g", value);
	return strtod(text, NULL);
}

static void
put_series(struct sp_jw *w, const struct series *s, unsigned points)
{
	size_t i, of = s->n < points ? s->n : points;

#define AT(i) ((i) + 1 == of ? s->n - 1 : (i)*s->n / of)
	sp_jw_open(w, s->key, '{');
	sp_jw_open(w, "x", '[');
	for (i = 0; i < of; i++)
		sp_metric_put(w, NULL, s->x[AT(i)]);
	sp_jw_close(w, ']');
	sp_jw_open(w, "y", '[');
	for (i = 0; i < of; i++)
		sp_metric_put(w, NULL, rounded(s->y[AT(i)]));
	sp_jw_close(w, ']');
	sp_jw_close(w, '}');
#undef AT
}

static void
put_all(const struct curves *c, unsigned points, struct sp_buf *out)
{
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, out);
	sp_jw_open(&w, NULL, '{');
	for (i = 0; i < c->n; i++)
		put_series(&w, &c->series[i], points);
	sp_jw_close(&w, '}');
}

enum sp_status
sp_curves_print(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, unsigned points, const char *keys,
    struct sp_buf *out, struct sp_err *err)
{
	struct curves c = { .wanted = keys,
		.most = (size_t)points * TIMES + 2 };
	struct sp_metric_files f = { 0 };
	enum sp_status st;
	size_t i;
	int dir;

	st = sp_run_open(spool, &name->id, false, &dir, err);
	if (st == SP_OK) {
		c.series = calloc(SP_METRIC_KEYS, sizeof *c.series);
		c.failed = c.series == NULL;
		st = sp_metric_files(dir, state, name, &f, err);
		if (st == SP_OK && !c.failed)
			(void)take_all(&c, dir, &f);
		if (c.failed)
			st = sp_err_set(err, SP_RETRY, "no memory");
		(void)sp_fs_close(dir);
		free(f.at);
	}
	if (st != SP_RETRY)
		put_all(&c, points, out);
	for (i = 0; i < c.n; i++) {
		free(c.series[i].x);
		free(c.series[i].y);
	}
	free(c.series);
	return st == SP_RETRY ? st : SP_OK;
}
