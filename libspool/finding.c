/*
 * finding.c - lists of what was found out.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/finding.h"
#include "libspool/json.h"

const char *
sp_level_text(enum sp_level level)
{
	static const char *const text[] = { "ok", "warn", "bad" };

	return text[level];
}

struct sp_finding *
sp_found(struct sp_findings *list, enum sp_level level, const char *what,
    const char *mend, const char *fmt, ...)
{
	struct sp_finding *more, *one;
	char words[1024];
	size_t cap;
	va_list ap;

	if (list->n == list->cap) {
		cap = list->cap == 0 ? 16 : list->cap * 2;
		if ((more = realloc(list->one, cap * sizeof *more)) == NULL) {
			list->failed = true;
			return NULL;
		}
		list->one = more;
		list->cap = cap;
	}
	one = &list->one[list->n++];
	one->level = level;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	sp_text_cut(one->what, sizeof one->what, what);
	sp_text_cut(one->measured, sizeof one->measured, words);
	sp_text_cut(one->mend, sizeof one->mend, mend);
	return one;
}

size_t
sp_findings_count(const struct sp_findings *list, enum sp_level level)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		n += list->one[i].level == level;
	return n;
}

void
sp_findings_clear(struct sp_findings *list)
{
	free(list->one);
	memset(list, 0, sizeof *list);
}

void
sp_finding_print(struct sp_jw *w, const struct sp_finding *finding)
{
	sp_jw_open(w, NULL, '{');
	sp_jw_text(w, "level", sp_level_text(finding->level));
	sp_jw_text(w, "what", finding->what);
	sp_jw_text(w, "measured", finding->measured);
	sp_jw_text(w, "mend", finding->mend[0] == '\0' ? NULL : finding->mend);
	sp_jw_close(w, '}');
}
