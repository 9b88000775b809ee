/*
 * follow.c - what comes to the metrics of running orders, folded into the index
 * as it comes.  A share of time each turn: a script that floods its metrics
 * holds up nobody, its summary comes later.
 */
#include <string.h>

#include "index/inner.h"
#include "libspool/log.h"

#define BITE                                                                   \
	(256 * 1024) /* bytes of one order's before the next one's turn        \
	              */

struct follow {
	struct index *ix;
	int64_t deadline;
	bool begun, more;
};

static enum sp_status
follow_one(struct follow *f, const struct sp_name *name, struct sp_err *err)
{
	const struct sp_spool *spool = f->ix->spool;
	struct sp_err why = { "" };
	struct sp_metrics m;
	enum sp_status st;
	int64_t at, lines;
	bool more;

	if ((st = sql_metrics(f->ix->sql, &name->id, &m, err)) != SP_OK)
		return st;
	at = m.at;
	lines = m.lines + m.garbage;
	st = sp_metrics_read(spool, SP_ASSIGNED, name, BITE, &m, &more, &why);
	if (st != SP_OK) { /* the others are not to blame */
		if (sp_warn_due(name->id.text))
			sp_warn(
			    "metrics order=%s: %s", name->id.text, why.text);
		return SP_OK;
	}
	f->more |= more;
	if (m.at == at && m.lines + m.garbage == lines)
		return SP_OK;
	if (!f->begun && (st = sql_begin(f->ix->sql, err)) != SP_OK)
		return st;
	f->begun = true;
	return sql_metrics_set(f->ix->sql, &name->id, &m, err);
}

/* All of them once, beginning behind the last one of the turn before. */
static enum sp_status
follow_all(struct follow *f, const struct sp_names *names, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	size_t i, n, first = 0;
	struct sp_name name;

	while (first < names->n &&
	    (sp_name_parse(sp_names_at(names, first), &name) != SP_OK ||
		strcmp(name.id.text, f->ix->followed.text) <= 0))
		first++;
	for (n = 0; st == SP_OK && n < names->n; n++) {
		if (sp_mono_ms() >= f->deadline) {
			f->more = true;
			break;
		}
		i = (first + n) % names->n;
		if (sp_name_parse(sp_names_at(names, i), &name) != SP_OK)
			continue;
		st = follow_one(f, &name, err);
		f->ix->followed = name.id;
	}
	return st;
}

enum sp_status
index_follow(struct index *ix, int64_t share_ms, size_t *running_out,
    bool *more_out, struct sp_err *err)
{
	struct follow f = { .ix = ix, .deadline = sp_mono_ms() + share_ms };
	struct sp_names names = { 0 };
	enum sp_status st;

	*running_out = 0;
	*more_out = false;
	if (ix->sql == NULL)
		return SP_OK;
	st = sql_running(ix->sql, &names, err);
	if (st == SP_OK)
		st = follow_all(&f, &names, err);
	if (st == SP_OK && f.begun)
		st = sql_commit(ix->sql, err);
	if (st != SP_OK)
		sql_rollback(ix->sql);
	*running_out = names.n;
	*more_out = f.more;
	sp_names_clear(&names);
	return st == SP_OK ? SP_OK : SP_RETRY;
}
