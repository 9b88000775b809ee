/*
 * bringwords.c - what to tell people when what an attempt is made of does not
 * come, and whose fault it is.
 */
#include <stdarg.h>
#include <stdio.h>

#include "workerd/bring.h"

enum sp_status
bring_wrong(struct bring *b, enum sp_status st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(b->why, sizeof b->why, fmt, ap);
	va_end(ap);
	if (st == SP_BAD)
		b->unfit = SP_CAUSE_INVALID;
	return st;
}

enum sp_status
bring_not_there(struct bring *b, const struct bring_item *item,
    enum sp_status st, const struct sp_err *err)
{
	const char *dir = sp_dir_text((enum sp_dir)item->which);

	switch (st) {
	case SP_OK:
		return SP_OK;
	case SP_GONE:
		return bring_wrong(b, SP_BAD,
		    "%s names \"%.100s\", which is not in %s/: put it into "
		    "%s/",
		    item->key, item->path, dir, dir);
	case SP_BAD:
	case SP_LOST:
		return bring_wrong(b, SP_BAD,
		    "%s: %.120s: put a plain file into %s/", item->key,
		    err->text, dir);
	case SP_FATAL:
	case SP_RETRY:
		break;
	}
	return bring_wrong(b, SP_RETRY, "%.200s", err->text);
}

enum sp_status
bring_blob_not_there(struct bring *b, const char *key, const char *hex,
    enum sp_status st, const struct sp_err *err)
{
	if (st == SP_GONE)
		return bring_wrong(b, SP_BAD,
		    "%s: there is no blobs/sha256/%s: it was removed; submit "
		    "the job again",
		    key, hex);
	if (st == SP_BAD)
		return bring_wrong(b, SP_BAD,
		    "%s: %.160s: submit the job again", key, err->text);
	return bring_wrong(b, SP_RETRY, "%.200s", err->text);
}

enum sp_status
bring_damaged(struct bring *b, const char *key, const char *hex)
{
	return bring_wrong(b, SP_BAD,
	    "%s: blobs/sha256/%s does not hold what its name says: it was "
	    "damaged or written to; remove it and submit the job again",
	    key, hex);
}
