/*
 * readyin.h - readyhint.c's doors for ready.c.  Private to them.
 */
#ifndef SP_READYIN_H
#define SP_READYIN_H

#include "libspool/ready.h"

/* Is a listing of new/ dear? */
bool hint_wanted(const struct sp_ready *r);
/* Look at index/ready.jsonl, one round trip while it is as it was.  SP_OK: it
 * may be believed, and r->hint.names is what it says.  SP_GONE: list. */
enum sp_status hint_look(struct sp_ready *r, int64_t now);
/* SP_OK: what it says is enough.  SP_LOST: it says what it said before, and
 * that must do.  SP_GONE: new/ should be listed all the same. */
enum sp_status hint_enough(struct sp_ready *r, int64_t now);
enum sp_status hint_copy(const struct sp_ready *r, struct sp_names *names_out);

#endif
