/*
 * buf.c - a growing text with a ceiling.  No input or output happens here.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/buf.h"

#define FIRST 256

void
sp_buf_init(struct sp_buf *b, size_t max)
{
	*b = (struct sp_buf)SP_BUF_INIT(max);
}

void
sp_buf_clear(struct sp_buf *b)
{
	free(b->data);
	sp_buf_init(b, b->max);
}

void
sp_buf_reset(struct sp_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/*
 * A failed buffer stays failed until it is reset: a text with a hole in it
 * would be worse than none.
 */
char *
sp_buf_room(struct sp_buf *b, size_t more)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return NULL;
	if (b->len > b->max || more > b->max - b->len ||
	    b->len + more == SIZE_MAX) {
		b->failed = true;
		return NULL;
	}
	need = b->len + more + 1;
	if (need > b->cap) {
		cap = b->cap > need / 2 ? b->cap * 2 : need;
		if (cap < FIRST)
			cap = FIRST;
		if (cap > b->max)
			cap = b->max + 1; /* need <= max + 1 */
		if ((data = realloc(b->data, cap)) == NULL) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void
sp_buf_put(struct sp_buf *b, const void *data, size_t len)
{
	char *at = sp_buf_room(b, len);

	if (at == NULL)
		return;
	if (len > 0)
		memcpy(at, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
sp_buf_puts(struct sp_buf *b, const char *text)
{
	sp_buf_put(b, text, strlen(text));
}

void
sp_buf_printf(struct sp_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *at;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		b->failed = true;
	else if ((at = sp_buf_room(b, (size_t)len)) != NULL) {
		(void)vsnprintf(at, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

/* Ends the text here, since who asked for room may have filled it without. */
const char *
sp_buf_text(const struct sp_buf *b)
{
	if (b->data == NULL)
		return "";
	b->data[b->len] = '\0';
	return b->data;
}
