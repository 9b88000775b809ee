/*
 * plot.c - spool plot: the curves of a metric, drawn by gnuplot as a process of
 * its own, into a file or into the terminal.
 *
 * What jobs say reaches gnuplot in files of data alone: numbers, and a head
 * that is a quoted text without quotes.  Its commands are ours, word by word.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "tools/sift.h"

#define CURVES    100
#define PLOT_MOST ((size_t)256 * 1024 * 1024) /* bytes of one file */
#define PLOT_S    120                         /* seconds for gnuplot */

struct plot {
	struct sift sift;
	const char *metric; /* NULL: not said */
	char chosen[SP_METRIC_KEY + 1];
	const char *path; /* NULL: the terminal */
	bool logs;
	char dir[64]; /* ours alone */
	int fd;       /* of it */
	size_t curves, empty;
	enum sp_status status;
	struct sp_err err;
};

/* ---- data ---- */

/* {"val":{"acc":1}} has val/acc, and so has {"val/acc":1}. */
static double
worth(const struct json_t *line, const char *metric)
{
	const struct json_t *at = sp_json_get(line, metric);
	const char *slash = strchr(metric, '/');
	char part[SP_METRIC_KEY + 1];

	if (at == NULL && slash != NULL && slash - metric <= SP_METRIC_KEY) {
		(void)snprintf(
		    part, sizeof part, "%.*s", (int)(slash - metric), metric);
		at = sp_json_get(sp_json_get(line, part), slash + 1);
	}
	return sp_json_real(at, NAN);
}

static void
put_line(const struct plot *plot, const char *text, size_t len, size_t *nth,
    struct sp_buf *out)
{
	struct sp_buf odd = SP_BUF_INIT(4096);
	struct json_t *json = NULL;
	double x, y;

	if (len == 0 || len > SP_METRIC_LINE ||
	    sp_json_parse_loose(text, len, &json, &odd, NULL) != SP_OK) {
		sp_buf_clear(&odd);
		return;
	}
	++*nth;
	x = sp_json_real(sp_json_get(json, "step"), NAN);
	if (!isfinite(x))
		x = sp_json_real(sp_json_get(json, "epoch"), NAN);
	if (!isfinite(x))
		x = (double)*nth;
	y = worth(json, plot->metric);
	if (isfinite(y))
		sp_buf_printf(out, "%.17g %.17g\n", x, y);
	sp_json_free(json);
	sp_buf_clear(&odd);
}

static void
put_file(const struct plot *plot, const struct tries *tries, const char *file,
    size_t *nth, struct sp_buf *out)
{
	struct sp_buf text = SP_BUF_INIT(PLOT_MOST + 2);
	const char *at, *nl, *end;
	struct stat st;

	if (sp_read(tries->dir, file, PLOT_MOST, &text, &st, NULL) == SP_OK) {
		at = sp_buf_text(&text);
		end = at + text.len;
		for (; at < end && (nl = memchr(at, '\n', (size_t)(end - at)));
		     at = nl + 1)
			put_line(plot, at, (size_t)(nl - at), nth, out);
	}
	sp_buf_clear(&text);
}

/* The name of a curve: nothing in it ends the text or means something. */
static void
put_head(const struct sp_row *row, struct sp_buf *out)
{
	struct sp_buf safe = SP_BUF_INIT(4096);
	size_t i;

	if (row->title[0] != '\0')
		term_escape(&safe, row->title, strlen(row->title));
	sp_buf_printf(&safe, "%s%s", row->title[0] == '\0' ? "" : " ",
	    row->name.id.text + SP_ID_LEN - 8);
	for (i = 0; i < safe.len; i++)
		if (strchr("\"\\`$@#{}<>", safe.data[i]) != NULL)
			safe.data[i] = '_';
	sp_buf_printf(out, "\"%s\"\n", sp_buf_text(&safe));
	sp_buf_clear(&safe);
}

static bool
write_file(const struct plot *plot, const char *name, const struct sp_buf *text)
{
	int fd = openat(
	    plot->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd == -1)
		return false;
	ok = sp_write_all(fd, text->data, text->len) == SP_OK;
	return close(fd) == 0 && ok;
}

/* Loss if it has one, else the first that has a number. */
static void
choose(struct plot *plot, const struct sp_row *row)
{
	const struct sp_metrics *m = row->metrics;
	const struct sp_metric *k;
	size_t i;

	if (plot->metric != NULL || m == NULL)
		return;
	k = sp_metrics_get(m, "loss");
	for (i = 0; (k == NULL || k->n == 0) && i < m->n; i++)
		k = &m->key[i];
	if (k == NULL || k->n == 0)
		return;
	(void)strcpy(plot->chosen, k->key);
	plot->metric = plot->chosen;
}

static int
curve(void *arg, struct view *view)
{
	struct plot *plot = arg;
	struct sp_buf out = SP_BUF_INIT(PLOT_MOST);
	struct tries tries;
	size_t i, nth = 0, head;
	unsigned attempt = 0;
	char name[32];

	choose(plot, view->row);
	if (view->row->metrics == NULL || plot->metric == NULL) {
		plot->empty++;
		return 0;
	}
	if (plot->curves == CURVES) {
		plot->status = sp_err_set(&plot->err, SP_BAD,
		    "more than %d curves: name fewer, or say which by --where",
		    CURVES);
		return 1;
	}
	plot->status =
	    tries_read(view->spool, &view->row->name.id, &tries, &plot->err);
	put_head(view->row, &out);
	head = out.len;
	for (i = 0; i < tries.n; i++)
		if (tries.try[i].metrics[0] != '\0')
			attempt = tries.try[i].name.attempt;
	for (i = 0; i < tries.n; i++)
		if (tries.try[i].metrics[0] != '\0' &&
		    tries.try[i].name.attempt == attempt)
			put_file(
			    plot, &tries, tries.try[i].metrics, &nth, &out);
	tries_clear(&tries);
	(void)snprintf(name, sizeof name, "d%zu", plot->curves);
	if (plot->status == SP_OK && out.len == head)
		plot->empty++;
	else if (plot->status == SP_OK && write_file(plot, name, &out))
		plot->curves++;
	else if (plot->status == SP_OK)
		plot->status = sp_err_sys(&plot->err, "%s/%s", plot->dir, name);
	sp_buf_clear(&out);
	return plot->status != SP_OK;
}

/* ---- gnuplot ---- */

static bool
ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && strcmp(path + n - m, end) == 0;
}

static void
commands(const struct plot *plot, struct sp_buf *out)
{
	int wide = term_width(STDOUT_FILENO);
	struct sp_buf metric = SP_BUF_INIT(4096);
	size_t i;

	if (plot->path == NULL)
		sp_buf_printf(out, "set term dumb %d 24 noenhanced\n",
		    wide == 0 ? 79 : wide - 1);
	else if (ends_in(plot->path, ".svg"))
		sp_buf_puts(
		    out, "set term svg size 960,600 noenhanced dynamic\n");
	else
		sp_buf_puts(out, "set term pngcairo size 960,600 noenhanced\n");
	sp_buf_puts(out,
	    "set encoding utf8\nset key noenhanced outside bottom\n"
	    "set xlabel 'step'\nset grid\n");
	term_escape(&metric, plot->metric, strlen(plot->metric));
	for (i = 0; i < metric.len; i++)
		if (strchr("\"\\'`$@#{}<>%", metric.data[i]) != NULL)
			metric.data[i] = '_';
	sp_buf_printf(out, "set title '%s' noenhanced\n",
	    sp_buf_text(&metric)); /* no quote in it is left */
	sp_buf_clear(&metric);
	if (plot->logs)
		sp_buf_puts(out, "set logscale y\n");
	for (i = 0; i < plot->curves; i++)
		sp_buf_printf(out,
		    "%s'd%zu' using 1:2 with %s title columnheader(1)",
		    i == 0 ? "plot " : ", ", i, "lines");
	sp_buf_puts(out, "\n");
}

/* In the child: its output is ours or the file's. */
static void
become(const struct plot *plot, int out)
{
	char *argv[] = { (char[]){ "gnuplot" }, (char[]){ "-d" },
		(char[]){ "commands" }, NULL };

	if (fchdir(plot->fd) == -1 || (out != -1 && dup2(out, 1) == -1))
		_exit(126);
	(void)alarm(PLOT_S); /* whatever it meets, it ends */
	(void)execvp("gnuplot", argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int
draw(struct plot *plot)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	int out = -1, status = 0;
	bool ok;
	pid_t pid;

	commands(plot, &text);
	ok = write_file(plot, "commands", &text);
	sp_buf_clear(&text);
	if (!ok) {
		complain("%s: %s", plot->dir, strerror(errno));
		return ANSWER_LATER;
	}
	if (plot->path != NULL &&
	    (out = open(plot->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		 0666)) == -1) {
		complain("%s: %s", plot->path, strerror(errno));
		return ANSWER_WRONG;
	}
	(void)fflush(stdout);
	if ((pid = fork()) == 0)
		become(plot, out);
	if (out != -1)
		(void)close(out);
	while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ANSWER_YES;
	if (plot->path != NULL)
		(void)unlink(plot->path);
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		complain("gnuplot is not installed (Debian: gnuplot-nox); "
			 "'spool export' has the numbers for other programs");
		return ANSWER_WRONG;
	}
	complain("gnuplot failed");
	return ANSWER_LATER;
}

static void
wipe(struct plot *plot)
{
	char name[32];
	size_t i;

	for (i = 0; i < plot->curves; i++) {
		(void)snprintf(name, sizeof name, "d%zu", i);
		(void)unlinkat(plot->fd, name, 0);
	}
	(void)unlinkat(plot->fd, "commands", 0);
	(void)close(plot->fd);
	(void)rmdir(plot->dir);
}

static int
run(struct plot *plot)
{
	const char *tmp = getenv("TMPDIR");
	enum sp_status st;
	int answer;

	(void)snprintf(plot->dir, sizeof plot->dir, "%.40s/spool-plot.%08x",
	    tmp == NULL || strlen(tmp) > 40 || *tmp != '/' ? "/tmp" : tmp,
	    (unsigned)sp_dice());
	if (mkdir(plot->dir, 0700) == -1 ||
	    (plot->fd = open(plot->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
		-1) {
		complain("%s: %s", plot->dir, strerror(errno));
		return ANSWER_LATER;
	}
	plot->sift.metrics = true;
	st = sift_rows(&plot->sift, curve, plot, &plot->err);
	if (st == SP_OK)
		st = plot->status;
	if (st != SP_OK) {
		answer = complain_of(st, &plot->err, NULL);
	} else if (plot->curves == 0) {
		complain("none of %zu has a value of '%s'", plot->sift.passed,
		    plot->metric == NULL ? "any metric" : plot->metric);
		sift_hint(&plot->sift);
		answer = ANSWER_NO;
	} else {
		answer = draw(plot);
	}
	if (answer == ANSWER_YES && plot->empty > 0)
		(void)fprintf(
		    stderr, "%zu without a value left out\n", plot->empty);
	wipe(plot);
	return answer;
}

static int
option(struct plot *plot, int c)
{
	switch (c) {
	case 'm':
		plot->metric = optarg;
		return ANSWER_YES;
	case 'l':
		plot->logs = true;
		return ANSWER_YES;
	case 'w':
		return sift_where(&plot->sift, optarg);
	case 'o':
		plot->path = optarg;
		if (ends_in(optarg, ".svg") || ends_in(optarg, ".png"))
			return ANSWER_YES;
		complain(
		    "-o %s: give a name that ends in .svg or .png", optarg);
		return ANSWER_WRONG;
	default:
		return usage_wrong();
	}
}

static int
plot_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "metric", required_argument, NULL, 'm' },
		{ "log", no_argument, NULL, 'l' },
		{ "where", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	static struct plot plot;
	int c, answer = ANSWER_YES, ran;

	sift_init(&plot.sift, tool);
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "o:", longs, NULL)) != -1)
		answer = option(&plot, c);
	if (answer == ANSWER_YES && optind == argc && plot.sift.where == NULL)
		answer = usage_wrong();
	if (answer == ANSWER_YES)
		answer = sift_words(&plot.sift, argc - optind, argv + optind);
	if (answer == ANSWER_YES || plot.sift.ids_n > 0)
		if ((ran = run(&plot)) > answer)
			answer = ran;
	sift_clear(&plot.sift);
	return answer;
}

const struct verb verb_plot = {
	.name = "plot",
	.usage = "[--metric M] [--log] [-o FILE.svg|FILE.png]\n"
		 "                  GROUP | ID ... | --where EXPR",
	.help = "curves of a metric, by gnuplot",
	.page =
	    "A curve an order, by step, else by epoch, else line by line of "
	    "its metrics; into the\nterminal, or into FILE.  gnuplot must be "
	    "installed (Debian: gnuplot-nox).\n\n"
	    "  --metric M    else loss, else the first there is\n"
	    "  --log         logarithmic\n"
	    "  -o FILE       .svg or .png\n"
	    "  --where EXPR  as 'spool ls' has it\n\n"
	    "  spool plot wine-3 wine-4\n"
	    "  spool plot sweep-7 --metric val/acc -o sweep.svg\n",
	.run = plot_run,
};
