/*
 * readyin.h - readyhint.c's doors for ready.c.  Private to them.
 */
#ifndef SP_READYIN_H
#define SP_READYIN_H

#include "libspool/ready.h"

/* Look at index/ready.jsonl, one round trip while it is as it was.  SP_OK: it
 * may be believed, and r->hint.names is what it says.  SP_GONE: list. */
enum sp_status hint_look(struct sp_ready *r, int64_t now);
/* Is what it says enough, or should new/ be listed all the same? */
bool hint_enough(struct sp_ready *r, int64_t now);
enum sp_status hint_copy(const struct sp_ready *r, struct sp_names *names_out);

#endif
