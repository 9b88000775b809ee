/*
 * splice.c - members of `order` set inside a job's text, byte for byte but for
 * these.  The text has parsed, so it is walked without asking anew.  Pure.
 */
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"

struct walk {
	const char *at, *end;
};

static void
pass_space(struct walk *w)
{
	while (w->at < w->end && strchr(" \t\r\n", *w->at) != NULL)
		w->at++;
}

static void
pass_text(struct walk *w)
{
	for (w->at++; w->at < w->end && *w->at != '"'; w->at++)
		if (*w->at == '\\')
			w->at++;
	w->at++;
}

static void
pass_value(struct walk *w)
{
	int depth = 0;

	do {
		if (*w->at == '"') {
			pass_text(w);
			continue;
		}
		if (*w->at == '{' || *w->at == '[')
			depth++;
		else if (*w->at == '}' || *w->at == ']')
			depth--;
		w->at++;
		if (depth == 0 && strchr("]}", w->at[-1]) != NULL)
			return;
	} while (w->at < w->end &&
	    (depth > 0 || strchr(",]} \t\r\n", *w->at) == NULL));
}

/* Is the text at `from` (with its quotes) this key?  "\u006frder" is one. */
static bool
key_is(const char *from, const char *to, const char *key)
{
	unsigned code;
	int i;

	for (from++, to--; from < to; key++) {
		if (*from != '\\') {
			if (*from++ != *key)
				return false;
			continue;
		}
		if (to - from < 6 || from[1] != 'u')
			return false;
		for (code = 0, i = 2; i < 6; i++)
			code = code * 16 +
			    (unsigned)(from[i] <= '9'
				    ? from[i] - '0'
				    : (from[i] | 32) - 'a' + 10);
		if (*key == '\0' || code != (unsigned char)*key)
			return false;
		from += 6;
	}
	return *key == '\0';
}

/* The next member of the object that w is in: its key and its value. */
static bool
member(struct walk *w, struct walk *key_out, struct walk *value_out)
{
	pass_space(w);
	if (w->at < w->end && *w->at == ',') {
		w->at++;
		pass_space(w);
	}
	if (w->at >= w->end || *w->at != '"')
		return false;
	key_out->at = w->at;
	pass_text(w);
	key_out->end = w->at;
	pass_space(w);
	w->at++; /* the colon */
	pass_space(w);
	value_out->at = w->at;
	pass_value(w);
	value_out->end = w->at;
	return true;
}

static bool
find(struct walk w, const char *key, struct walk *value_out)
{
	struct walk name;

	while (member(&w, &name, value_out))
		if (key_is(name.at, name.end, key))
			return true;
	return false;
}

static void
put_span(struct sp_buf *out, const char *from, const char *to)
{
	sp_buf_put(out, from, (size_t)(to - from));
}

static void
put_new(struct sp_buf *out, const struct sp_member *set, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sp_buf_printf(out, "%s\"%s\":%s", i == 0 ? "" : ",", set[i].key,
		    set[i].value);
}

/* The object `from`..`to` with these set. */
static void
put_order(struct sp_buf *out, const struct walk *order,
    const struct sp_member *set, size_t n)
{
	struct walk w = { order->at + 1, order->end }, key, value;
	const char *done = w.at;
	bool any = false;
	size_t i;

	sp_buf_puts(out, "{");
	for (i = 0; i < n; i++) {
		if (find(w, set[i].key, &value))
			continue;
		sp_buf_puts(out, any ? "," : "");
		put_new(out, &set[i], 1);
		any = true;
	}
	pass_space(&w);
	if (any && *w.at != '}')
		sp_buf_puts(out, ",");
	while (member(&w, &key, &value)) {
		for (i = 0; i < n; i++)
			if (key_is(key.at, key.end, set[i].key))
				break;
		if (i == n)
			continue;
		put_span(out, done, value.at);
		sp_buf_puts(out, set[i].value);
		done = value.end;
	}
	put_span(out, done, order->end);
}

void
sp_job_splice(const char *text, size_t len, const struct sp_member *set,
    size_t n, struct sp_buf *text_out)
{
	const char *open = memchr(text, '{', len);
	struct walk w, order;

	if (open == NULL) {
		text_out->failed = true;
		return;
	}
	w = (struct walk){ open + 1, text + len };
	if (find(w, "order", &order)) {
		put_span(text_out, text, order.at);
		if (*order.at == '{') {
			put_order(text_out, &order, set, n);
		} else {
			sp_buf_puts(text_out, "{");
			put_new(text_out, set, n);
			sp_buf_puts(text_out, "}");
		}
		put_span(text_out, order.end, text + len);
		return;
	}
	put_span(text_out, text, w.at);
	sp_buf_puts(text_out, "\"order\":{");
	put_new(text_out, set, n);
	sp_buf_puts(text_out, "}");
	pass_space(&w);
	if (*w.at != '}')
		sp_buf_puts(text_out, ",");
	put_span(text_out, open + 1, text + len);
}
