/*
 * page.c - the page at /: its files, as they were built in.  They hold nothing
 * of the spool, so they need no token: the page asks for one.
 */
#include <stdio.h>
#include <string.h>

#include "httpd/http.h"
#include "libspool/sha256.h"
#include "page/page.h"

/* What its scripts may do, if ever a text of a job should become one: nothing.
 * Scripts come from files of ours alone, and nothing is sent elsewhere. */
#define POLICY                                                                 \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"connect-src 'self'; img-src 'self' data:; base-uri 'none'; "          \
	"form-action 'none'; frame-ancestors 'none'; "                         \
	"require-trusted-types-for 'script'"

static void
say(struct request *r, struct answer *a, const struct page_file *file)
{
	char hex[SP_SHA_LEN + 1], etag[40];

	sp_sha_text(file->text, file->size, hex);
	(void)snprintf(etag, sizeof etag, "\"%.32s\"", hex);
	a->type = file->type;
	answer_header(a, "ETag", "%s", etag);
	answer_header(a, "Cache-Control", "no-cache");
	answer_header(a, "Content-Security-Policy", "%s", POLICY);
	answer_header(a, "Referrer-Policy", "no-referrer");
	answer_header(a, "Cross-Origin-Opener-Policy", "same-origin");
	answer_header(a, "Cross-Origin-Resource-Policy", "same-origin");
	if (r->head.if_none_match != NULL &&
	    etag_in(r->head.if_none_match, etag)) {
		a->status = 304;
		return;
	}
	a->status = 200;
	sp_buf_put(&a->body, file->text, file->size);
}

static void
page(struct server *s, struct request *r, struct answer *a)
{
	const char *name = r->url.path + 1;
	const struct page_file *file;

	(void)s;
	for (file = page_files; file->name != NULL; file++)
		if (strcmp(*name == '\0' ? "index.html" : name, file->name) ==
		    0) {
			say(r, a, file);
			return;
		}
	answer_wrong(a, W_GONE, "there is no %.100s", name);
}

const struct route page_routes[] = {
	{ M_GET, "/", 0, BODY_NONE, 0, page },
	{ M_GET, "/index.html", 0, BODY_NONE, 0, page },
	{ M_GET, "/page.css", 0, BODY_NONE, 0, page },
	{ M_GET, "/page.js", 0, BODY_NONE, 0, page },
	{ M_GET, "/d3.js", 0, BODY_NONE, 0, page },
	{ M_GET, "/favicon.svg", 0, BODY_NONE, 0, page },
	{ 0, NULL, 0, BODY_NONE, 0, NULL },
};
