/*
 * readyin.h - readyhint.c's doors for ready.c.  Private to them.
 */
#ifndef SP_READYIN_H
#define SP_READYIN_H

#include "libspool/ready.h"

/* Is a listing of new/ dear? */
bool hint_wanted(const struct sp_ready *r);

/* The text of index/ready.jsonl, or of ready.names where it is bare: the names
 * in it that may be claimed, sorted, and how many lines it has.  SP_BAD: it is
 * no such text.  Pure. */
enum sp_status hint_parse(const char *text, size_t len, bool bare,
    struct sp_names *names, size_t *lines_out);
/* Look at index/ready.jsonl, one round trip while it is as it was.  SP_OK: it
 * may be believed, and r->hint.names is what it says.  SP_GONE: list. */
enum sp_status hint_look(struct sp_ready *r, int64_t now);
/* SP_OK: what it says is enough.  SP_LOST: it says what it said before, and
 * that must do.  SP_GONE: new/ should be listed all the same. */
enum sp_status hint_enough(struct sp_ready *r, int64_t now);
enum sp_status hint_copy(const struct sp_ready *r, struct sp_names *names_out);

#endif
