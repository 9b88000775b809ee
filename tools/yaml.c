/*
 * yaml.c - YAML becomes JSON, event by event, as libyaml tells them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "libspool/json.h"
#include "tools/yaml.h"

#define DEPTH    32
#define PATH_LEN 1024

struct reader {
	yaml_parser_t parser;
	struct sp_buf *json;
	struct yaml_places *places;
	struct sp_err *err;
	enum sp_status st;
	char path[PATH_LEN];
	int depth;
};

static void value(struct reader *r, const yaml_event_t *event);

void
yaml_clear(struct yaml_places *p)
{
	sp_names_clear(&p->path);
	free(p->line);
	(void)memset(p, 0, sizeof *p);
}

static void
bad(struct reader *r, const yaml_mark_t *at, const char *words)
{
	if (r->st == SP_OK)
		r->st = sp_err_set(r->err, SP_BAD, "line %zu, column %zu: %s",
		    at->line + 1, at->column + 1, words);
}

static bool
next(struct reader *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;
	char words[256];

	if (r->st != SP_OK)
		return false;
	if (yaml_parser_parse(&r->parser, event) != 0)
		return true;
	if (p->error == YAML_MEMORY_ERROR)
		r->st = sp_err_set(r->err, SP_RETRY, "no memory");
	(void)snprintf(words, sizeof words, "%s%s%s",
	    p->problem != NULL ? p->problem : "cannot be read",
	    p->context != NULL ? ", " : "",
	    p->context != NULL ? p->context : "");
	bad(r, &p->problem_mark, words);
	return false;
}

/* ---- where it stands ---- */

static void
place(struct reader *r, const yaml_mark_t *at)
{
	struct yaml_places *p = r->places;
	size_t *more, cap;

	if (p->n == YAML_NODES) {
		bad(r, at, "too many values (20000 are the most)");
		return;
	}
	if (p->n == p->cap) {
		cap = p->cap == 0 ? 64 : p->cap * 2;
		if ((more = realloc(p->line, cap * sizeof *more)) == NULL) {
			r->st = sp_err_set(r->err, SP_RETRY, "no memory");
			return;
		}
		p->line = more;
		p->cap = cap;
	}
	if (sp_names_add(&p->path, r->path) != SP_OK)
		r->st = sp_err_set(r->err, SP_RETRY, "no memory");
	else
		p->line[p->n++] = at->line + 1;
}

static size_t
line_of(const struct yaml_places *p, const char *path, size_t len)
{
	const char *one;
	size_t i;

	for (i = 0; i < p->n; i++) {
		one = sp_names_at(&p->path, i);
		if (strncmp(one, path, len) == 0 && one[len] == '\0')
			return p->line[i];
	}
	return 0;
}

size_t
yaml_line(const struct yaml_places *p, const char *path)
{
	size_t len = strlen(path), line;

	while (len > 0) {
		if ((line = line_of(p, path, len)) != 0)
			return line;
		while (len > 0 && path[--len] != '.')
			;
	}
	return 0;
}

/* Go into a member; returns where the path ended before. */
static size_t
enter(struct reader *r, const char *key, const yaml_mark_t *at)
{
	size_t len = strlen(r->path);
	int n;

	n = snprintf(r->path + len, sizeof r->path - len, "%s%s",
	    len > 0 ? "." : "", key);
	if (n < 0 || (size_t)n >= sizeof r->path - len)
		bad(r, at, "too long a name");
	return len;
}

/* ---- scalars ---- */

static bool
among(const char *text, const char *a, const char *b, const char *c)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0 ||
	    strcmp(text, c) == 0;
}

/* [-+] digits [. digits] [e [-+] digits], some digit in front of the e, and no
 * 0 in front of others. */
static bool
number_is(const char *text, bool *whole_out)
{
	static const char digits[] = "0123456789";
	const char *s = text + (*text == '-' || *text == '+');
	size_t front = strspn(s, digits), behind = 0, n;

	if (front > 1 && *s == '0')
		return false;
	s += front;
	*whole_out = *s == '\0';
	if (*s == '.')
		s += 1 + (behind = strspn(s + 1, digits));
	if (front + behind == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = strspn(s, digits);
		s += n;
		if (n == 0)
			return false;
	}
	return *s == '\0';
}

static void
plain(struct sp_buf *json, const char *text)
{
	bool whole = false;

	if (*text == '\0' || strcmp(text, "~") == 0 ||
	    among(text, "null", "Null", "NULL"))
		sp_buf_puts(json, "null");
	else if (among(text, "true", "True", "TRUE"))
		sp_buf_puts(json, "true");
	else if (among(text, "false", "False", "FALSE"))
		sp_buf_puts(json, "false");
	else if (!number_is(text, &whole))
		sp_json_put_text(json, text);
	else if (whole)
		sp_buf_puts(json, text + (*text == '+'));
	else
		sp_json_put_real(json, strtod(text, NULL));
}

static const char *
scalar_text(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;

	if (strlen(text) != e->data.scalar.length)
		bad(r, &e->start_mark, "a NUL in a text");
	return text;
}

static void
scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = scalar_text(r, e);

	if (e->data.scalar.tag != NULL &&
	    strcmp((const char *)e->data.scalar.tag, YAML_STR_TAG) != 0 &&
	    strcmp((const char *)e->data.scalar.tag, "!") != 0)
		bad(r, &e->start_mark, "a tag; leave it out");
	else if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    e->data.scalar.tag == NULL)
		plain(r->json, text);
	else
		sp_json_put_text(r->json, text);
}

/* ---- what holds others ---- */

static void
list(struct reader *r)
{
	yaml_event_t e;
	char index[32];
	size_t i, was;
	bool more = true;

	sp_buf_puts(r->json, "[");
	for (i = 0; more && next(r, &e); i++) {
		more = e.type != YAML_SEQUENCE_END_EVENT;
		if (more) {
			(void)snprintf(index, sizeof index, "%zu", i);
			was = enter(r, index, &e.start_mark);
			sp_buf_puts(r->json, i > 0 ? "," : "");
			value(r, &e);
			r->path[was] = '\0';
		}
		yaml_event_delete(&e);
	}
	sp_buf_puts(r->json, "]");
}

static void
member(struct reader *r, const yaml_event_t *key, bool first)
{
	const char *name = (const char *)key->data.scalar.value;
	yaml_event_t e;
	size_t was;

	if (key->type != YAML_SCALAR_EVENT) {
		bad(r, &key->start_mark, "a name was expected here");
		return;
	}
	name = scalar_text(r, key);
	if (strcmp(name, "<<") == 0) {
		bad(r, &key->start_mark, "a merge key; write its members out");
		return;
	}
	was = enter(r, name, &key->start_mark);
	if (line_of(r->places, r->path, strlen(r->path)) != 0)
		bad(r, &key->start_mark, "this name is there twice");
	sp_buf_puts(r->json, first ? "" : ",");
	sp_json_put_text(r->json, name);
	sp_buf_puts(r->json, ":");
	if (next(r, &e)) {
		value(r, &e);
		yaml_event_delete(&e);
	}
	r->path[was] = '\0';
}

static void
mapping(struct reader *r)
{
	yaml_event_t e;
	bool more = true, first = true;

	sp_buf_puts(r->json, "{");
	while (more && next(r, &e)) {
		more = e.type != YAML_MAPPING_END_EVENT;
		if (more)
			member(r, &e, first);
		first = false;
		yaml_event_delete(&e);
	}
	sp_buf_puts(r->json, "}");
}

static void
value(struct reader *r, const yaml_event_t *e)
{
	if (*r->path != '\0')
		place(r, &e->start_mark);
	if (r->depth == DEPTH) {
		bad(r, &e->start_mark, "too deep (32 levels are the most)");
		return;
	}
	r->depth++;
	if (e->type == YAML_SCALAR_EVENT)
		scalar(r, e);
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		list(r);
	else if (e->type == YAML_MAPPING_START_EVENT)
		mapping(r);
	else if (e->type == YAML_ALIAS_EVENT)
		bad(r, &e->start_mark,
		    "an alias (*name); write what it stands for");
	else
		bad(r, &e->start_mark, "a value was expected here");
	r->depth--;
}

/* ---- the document ---- */

static void
stream(struct reader *r)
{
	yaml_event_t e;
	bool more = true, any = false;

	while (more && next(r, &e)) {
		more = e.type != YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT && any)
			bad(r, &e.start_mark,
			    "a second document; make it a file of its own");
		else if (e.type == YAML_SCALAR_EVENT ||
		    e.type == YAML_SEQUENCE_START_EVENT)
			bad(r, &e.start_mark,
			    "names with values were expected, as \"method: "
			    "grid\"");
		else if (e.type == YAML_MAPPING_START_EVENT) {
			value(r, &e);
			any = true;
		}
		yaml_event_delete(&e);
	}
	if (r->st == SP_OK && !any)
		r->st = sp_err_set(r->err, SP_BAD, "line 1: it is empty");
}

enum sp_status
yaml_read(const char *text, size_t len, struct sp_buf *json_out,
    struct yaml_places *places_out, struct sp_err *err)
{
	struct reader r = {
		.json = json_out, .places = places_out, .err = err
	};

	(void)memset(places_out, 0, sizeof *places_out);
	if (yaml_parser_initialize(&r.parser) == 0)
		return sp_err_set(err, SP_RETRY, "no memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &r.parser, (const unsigned char *)text, len);
	stream(&r);
	yaml_parser_delete(&r.parser);
	if (r.st == SP_OK && json_out->failed)
		r.st = sp_err_set(err, SP_BAD, "it is too long");
	return r.st;
}
