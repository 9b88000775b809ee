/*
 * pins.h - what an order that nobody pinned was made of at its first attempt:
 * runs/DAY/ID/pins.json (spool(5), RUNS).  Pure.
 */
#ifndef SP_PINS_H
#define SP_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/sha256.h"

/* Contents by their hashes; "" where there is none. */
struct sp_pins {
	char script[SP_SHA_LEN + 1];
	char data[SP_SHA_LEN + 1]; /* of a directory: its manifest's */
	char code[SP_SHA_LEN + 1]; /* a manifest's */
};

void sp_pins_print(const struct sp_pins *p, struct sp_buf *text_out);
/* false: that is not what we wrote. */
bool sp_pins_parse(const char *text, size_t len, struct sp_pins *p_out);

#endif
