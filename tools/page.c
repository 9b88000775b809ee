/*
 * page.c - spool page: the page that spool-httpd serves, as one file that needs
 * nobody: styles, scripts and data in it, and a Content-Security-Policy that
 * allows these scripts, by their hashes, and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/sha256.h"
#include "page/page.h"
#include "tools/pagedata.h"

#define ROWS    10000
#define DETAILS 200
#define MOST    (512u * 1024 * 1024)

/* ---- pieces ---- */

static const struct page_file *
file_of(const char *name)
{
	const struct page_file *f;

	for (f = page_files; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	abort(); /* the Makefile puts them in */
}

/* 'sha256-...' of a text, as a policy names it. */
static void
put_hash(struct sp_buf *out, const struct page_file *f)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789+/";
	char hex[SP_SHA_LEN + 1], pair[3] = "", four[5] = "";
	unsigned long byte[33] = { 0 }, bits;
	size_t i;

	sp_sha_text(f->text, f->size, hex);
	for (i = 0; i < 32; i++) {
		(void)memcpy(pair, hex + 2 * i, 2);
		byte[i] = strtoul(pair, NULL, 16);
	}
	sp_buf_puts(out, " 'sha256-");
	for (i = 0; i < 33; i += 3) {
		bits = byte[i] << 16 | byte[i + 1] << 8 | byte[i + 2];
		four[0] = digits[bits >> 18 & 63];
		four[1] = digits[bits >> 12 & 63];
		four[2] = digits[bits >> 6 & 63];
		four[3] = i == 30 ? '=' : digits[bits & 63];
		sp_buf_puts(out, four);
	}
	sp_buf_puts(out, "'");
}

/* It is in the document before anything that it is about. */
static void
put_policy(struct sp_buf *out)
{
	sp_buf_puts(out,
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; script-src");
	put_hash(out, file_of("d3.js"));
	put_hash(out, file_of("page.js"));
	sp_buf_puts(out, "; style-src");
	put_hash(out, file_of("page.css"));
	sp_buf_puts(out,
	    "; img-src data:; base-uri 'none'; form-action 'none'; "
	    "require-trusted-types-for 'script'\">");
}

/* In a JSON text a '<' stands in strings alone. */
static void
put_data(struct sp_buf *out, const struct sp_buf *data)
{
	const char *at = sp_buf_text(data), *end = at + data->len, *lt;

	sp_buf_puts(out, "<script type=\"application/json\" id=\"data\">");
	for (; (lt = memchr(at, '<', (size_t)(end - at))) != NULL;
	     at = lt + 1) {
		sp_buf_put(out, at, (size_t)(lt - at));
		sp_buf_puts(out, "\\u003c");
	}
	sp_buf_put(out, at, (size_t)(end - at));
	sp_buf_puts(out, "</script>\n");
}

static void
put_inside(
    struct sp_buf *out, const char *tag, const char *more, const char *file)
{
	const struct page_file *f = file_of(file);

	sp_buf_printf(out, "<%s%s>", tag, more);
	sp_buf_put(out, f->text, f->size);
	sp_buf_printf(out, "</%s>", tag);
}

/* What index.html says, and what stands there instead. */
static const struct {
	const char *text, *tag, *more, *file;
} parts[] = {
	{ "<meta charset=\"utf-8\">", NULL, NULL, NULL },
	{ "<link rel=\"icon\" href=\"favicon.svg\">", "", NULL, NULL },
	{ "<link rel=\"stylesheet\" href=\"page.css\">", "style", "",
	    "page.css" },
	{ "<script src=\"d3.js\"></script>", "script", "", "d3.js" },
	{ "<script type=\"module\" src=\"page.js\"></script>", "script",
	    " type=\"module\"", "page.js" },
};

static void
page_make(const struct sp_buf *data, struct sp_buf *out)
{
	const struct page_file *index = file_of("index.html");
	const char *at = (const char *)index->text, *end = at + index->size;
	const char *found;
	size_t i;

	for (i = 0; i < sizeof parts / sizeof *parts; i++) {
		found = memmem(at, (size_t)(end - at), parts[i].text,
		    strlen(parts[i].text));
		if (found == NULL)
			abort(); /* index.html was changed, this was not */
		sp_buf_put(out, at, (size_t)(found - at));
		at = found + strlen(parts[i].text);
		if (parts[i].tag == NULL)
			put_policy(out);
		else if (parts[i].file != NULL) {
			if (strcmp(parts[i].file, "d3.js") == 0)
				put_data(out, data);
			put_inside(
			    out, parts[i].tag, parts[i].more, parts[i].file);
		}
	}
	sp_buf_put(out, at, (size_t)(end - at));
}

/* ---- the verb ---- */

static int
page_write(const char *path, const struct sp_buf *text)
{
	bool bad;
	int fd;

	if (path == NULL) {
		bad = fwrite(text->data, 1, text->len, stdout) != text->len ||
		    fflush(stdout) != 0;
		if (bad)
			complain("standard output: %s", strerror(errno));
		return bad ? ANSWER_LATER : ANSWER_YES;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1) {
		complain("%s: %s", path, strerror(errno));
		return ANSWER_WRONG;
	}
	bad = sp_write_all(fd, text->data, text->len) != SP_OK;
	/* A full file server may say so only now. */
	if (close(fd) == -1 || bad) {
		complain("%s: %s", path, strerror(errno));
		return ANSWER_LATER;
	}
	return ANSWER_YES;
}

static int
page_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "details", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	struct page_share share = { ROWS, DETAILS };
	struct sp_buf data = SP_BUF_INIT(MOST), page = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	const char *path = NULL;
	int c, answer = ANSWER_YES;
	enum sp_status st;
	long n;

	while ((c = getopt_long(argc, argv, "o:n:", longs, NULL)) != -1) {
		if (c == 'o')
			path = optarg;
		else if (c == 'n' && number_parse(optarg, 1, 1000000, &n))
			share.rows = (size_t)n;
		else if (c == 'd' && number_parse(optarg, 0, 10000, &n))
			share.details = (size_t)n;
		else
			return usage_wrong();
	}
	if (optind != argc)
		return usage_wrong();
	if (path == NULL && isatty(STDOUT_FILENO)) {
		complain("it is a page for a browser: say -o FILE.html");
		return ANSWER_WRONG;
	}
	st = page_data(tool, &share, &data, &err);
	if (st == SP_OK) {
		page_make(&data, &page);
		if (page.failed)
			st = sp_err_set(&err, SP_RETRY, "no memory");
	}
	answer =
	    st == SP_OK ? page_write(path, &page) : complain_of(st, &err, NULL);
	sp_buf_clear(&data);
	sp_buf_clear(&page);
	return answer;
}

const struct verb verb_page = {
	.name = "page",
	.usage = "[-n N] [--details N] [-o FILE]",
	.help = "write the page that the server has as one file",
	.page =
	    "The file has everything in it and asks nobody: open it from a "
	    "share, mail it, keep\nit with a paper.  It shows the newest "
	    "orders (-n, 10000), and of the newest of\nthese (--details, 200) "
	    "curves, the end of the log, and what happened.  -o says\nwhere it "
	    "goes; else to standard output.\n\n"
	    "  spool page -o /srv/www/spool.html\n"
	    "  spool -s sftp://lab/srv/spool page -n 500 >sweep.html\n",
	.run = page_run,
};
