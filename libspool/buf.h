/*
 * buf.h - a growing text with a ceiling.
 * A write that would pass the ceiling, or finds no memory, sets `failed` and
 * changes nothing; so a caller checks once, at the end.  `data` is always
 * NUL-terminated once anything was put.
 */
#ifndef SP_BUF_H
#define SP_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/err.h"

struct sp_buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

#define SP_BUF_INIT(most)                                                      \
	{                                                                      \
		.max = (most)                                                  \
	}

void sp_buf_init(struct sp_buf *b, size_t max);
/* Give the memory back; usable again as after init. */
void sp_buf_clear(struct sp_buf *b);
/* Empty it but keep the memory. */
void sp_buf_reset(struct sp_buf *b);

void sp_buf_put(struct sp_buf *b, const void *data, size_t len);
void sp_buf_puts(struct sp_buf *b, const char *text);
void sp_buf_printf(struct sp_buf *b, const char *fmt, ...) SP_PRINTF(2, 3);
/* Make room for `more` bytes behind len and return where; NULL on failure. */
char *sp_buf_room(struct sp_buf *b, size_t more);
/* The text, never NULL. */
const char *sp_buf_text(const struct sp_buf *b);

#endif
