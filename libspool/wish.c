/*
 * wish.c - what people ask of workers, in drain/.  Who heeds it is the worker's
 * business.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/mark.h"
#include "libspool/wish.h"

static const char *const endings[SP_WISHES] = {
	[SP_WISH_DRAIN] = "",
	[SP_WISH_NOW] = ".now",
	[SP_WISH_RESUME] = ".resume",
};

static void
wish_print(const char *who, enum sp_wish wish, char out[SP_WISH_MAX])
{
	(void)snprintf(
	    out, SP_WISH_MAX, "%.*s%s", SP_WORKER_MAX, who, endings[wish]);
}

bool
sp_wish_parse(const char *file, char who[SP_WISH_MAX], enum sp_wish *out)
{
	size_t len = strspn(file, SP_WORD);
	int i;

	if (len == 0 || len > SP_WORKER_MAX)
		return false;
	for (i = 0; i < SP_WISHES; i++)
		if (strcmp(file + len, endings[i]) == 0)
			break;
	if (i == SP_WISHES)
		return false;
	(void)snprintf(who, SP_WISH_MAX, "%.*s", (int)len, file);
	*out = (enum sp_wish)i;
	/* One that is for all who will come could never be taken away. */
	if (*out == SP_WISH_RESUME)
		return sp_worker_ok(who);
	return len <= SP_BASE_MAX || sp_worker_ok(who);
}

bool
sp_wish_is(const struct sp_names *files, const char *worker, enum sp_wish wish)
{
	char base[SP_WORKER_MAX + 1], file[SP_WISH_MAX];
	const char *dash = strrchr(worker, '-');

	wish_print(worker, wish, file);
	if (sp_names_has(files, file))
		return true;
	if (wish == SP_WISH_RESUME || dash == NULL)
		return false;
	(void)snprintf(base, sizeof base, "%.*s", (int)(dash - worker), worker);
	wish_print(base, wish, file);
	return sp_names_has(files, file);
}

enum sp_status
sp_wish_set(const struct sp_spool *sp, const char *who, enum sp_wish wish,
    struct sp_err *err)
{
	char file[SP_WISH_MAX];

	wish_print(who, wish, file);
	return sp_mark_make(sp, SP_DIR_DRAIN, file, err);
}

enum sp_status
sp_wish_unset(const struct sp_spool *sp, const char *who, enum sp_wish wish,
    struct sp_err *err)
{
	char file[SP_WISH_MAX];

	wish_print(who, wish, file);
	return sp_mark_remove(sp, SP_DIR_DRAIN, file, err);
}

enum sp_status
sp_wish_list(
    const struct sp_spool *sp, struct sp_names *files_out, struct sp_err *err)
{
	struct sp_names all = { 0 };
	char who[SP_WISH_MAX];
	enum sp_wish wish;
	enum sp_status st;
	size_t i;

	files_out->n = files_out->len = 0;
	st = sp_list(sp->dir[SP_DIR_DRAIN], false, &all, err);
	for (i = 0; i < all.n && st == SP_OK; i++)
		if (sp_wish_parse(sp_names_at(&all, i), who, &wish))
			st = sp_names_add(files_out, sp_names_at(&all, i));
	sp_names_clear(&all);
	return st;
}
