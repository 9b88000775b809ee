/*
 * bundleput.c - the lines of a bundle as files in its stage: orders, short
 * bundles, and what is no job.  What becomes of the stage: bundle.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundlein.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/log.h"
#include "libspool/owner.h"
#include "libspool/submit.h"

/* A short bundle that is being gathered. */
struct bundle_pack {
	struct sp_buf text;
	unsigned lines;
};

/* ---- files ---- */

static enum sp_status
put(struct bundle_stage *g, const char *name, const char *text, size_t len,
    struct sp_err *err)
{
	enum sp_status st;
	int fd;

	fd = sp_fs_open(
	    g->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
	if (fd == -1)
		return sp_err_sys(err, "create tmp/%s", name);
	st = sp_write_all(fd, text, len);
	if (st != SP_OK)
		(void)sp_err_sys(err, "write tmp/%s", name);
	else if (!g->sp->local)
		st = sp_sync(fd, name, err);
	if (sp_fs_close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close tmp/%s", name);
	return st;
}

static enum sp_status
put_bad(struct bundle_stage *g, const char *text, size_t len, const char *why,
    struct sp_err *err)
{
	char file[SP_NAME_MAX];

	g->bad++;
	(void)snprintf(file, sizeof file, "b.line%u", g->line);
	sp_warn("bundle=%s line=%u is no job: %s", g->bundle->id.text, g->line,
	    why);
	return put(g, file, text, len, err);
}

/* An id that follows from the bundle's, so that all who open it, one after the
 * other died at it, give a line the same one. */
static void
next_id(const struct sp_name *bundle, uint32_t n, struct sp_id *id_out)
{
	sp_id_make(sp_id_ms(&bundle->id), sp_id_bits(&bundle->id) + n, id_out);
}

static void
count_order(struct bundle_stage *g, const struct sp_id *id)
{
	if (g->orders == 0 || strcmp(id->text, g->first.text) < 0)
		g->first = *id;
	if (g->orders == 0 || strcmp(id->text, g->last.text) > 0)
		g->last = *id;
	g->orders++;
}

/* ---- orders ---- */

static enum sp_status
put_order(struct bundle_stage *g, const struct sp_job *job, const char *text,
    size_t len, struct sp_err *err)
{
	char file[SP_NAME_MAX + 2], order[SP_NAME_MAX];
	struct sp_name name;
	struct sp_id id;

	next_id(g->bundle, g->line, &id);
	sp_name_first(job, &id, g->bundle->label, &name);
	sp_name_print(&name, order);
	(void)snprintf(file, sizeof file, "%c.%s",
	    job->after_n > 0 || job->not_before > 0 ? 'w' : 'n', order);
	count_order(g, &id);
	return put(g, file, text, len, err);
}

/* ---- short bundles ---- */

/* It has an id before those of its lines, in the order of the lines: so it
 * stands in the queue where they will. */
static enum sp_status
pack_put(struct bundle_stage *g, int prio, struct sp_err *err)
{
	struct bundle_pack *pack = &g->pack[prio];
	char file[SP_NAME_MAX + 2], text[SP_NAME_MAX];
	struct sp_name name = *g->bundle;
	enum sp_status st;
	struct sp_id id;
	unsigned i;

	if (pack->lines == 0)
		return SP_OK;
	next_id(g->bundle, ++g->ids, &name.id);
	for (i = 0; i < pack->lines; i++) {
		next_id(g->bundle, ++g->ids, &id);
		count_order(g, &id);
	}
	name.prio = prio;
	name.ticket = 1;
	name.attempt = 0;
	name.worker[0] = '\0';
	sp_name_print(&name, text);
	(void)snprintf(file, sizeof file, "n.%s", text);
	st = pack->text.failed
	    ? sp_err_set(err, SP_RETRY, "no memory")
	    : put(g, file, pack->text.data, pack->text.len, err);
	g->bundles++;
	pack->lines = 0;
	sp_buf_reset(&pack->text);
	return st;
}

static enum sp_status
pack_line(struct bundle_stage *g, int prio, const char *text, size_t len,
    struct sp_err *err)
{
	struct bundle_pack *pack = &g->pack[prio];
	enum sp_status st = SP_OK;

	if (pack->text.len + len >= SP_BUNDLE_SHORT)
		st = pack_put(g, prio, err);
	sp_buf_put(&pack->text, text, len);
	sp_buf_put(&pack->text, "\n", 1);
	if (++pack->lines >= (unsigned)g->sp->policy.slice && st == SP_OK)
		st = pack_put(g, prio, err);
	return st;
}

static enum sp_status
packs_end(struct bundle_stage *g, enum sp_status st, struct sp_err *err)
{
	int prio;

	for (prio = 0; prio <= SP_PRIO_MAX; prio++) {
		if (st == SP_OK)
			st = pack_put(g, prio, err);
		sp_buf_clear(&g->pack[prio].text);
	}
	free(g->pack);
	g->pack = NULL;
	return st;
}

/* ---- lines ---- */

static bool
empty_is(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

/* Its lines become files of ours, and what these say is believed (owner.h): so
 * whose is the file that they come from?  The very one that was read. */
static bool
trusted(struct bundle_stage *g)
{
	struct sp_buf again = SP_BUF_INIT(SP_BUNDLE_MAX);
	char file[SP_NAME_MAX];
	struct stat st;

	if (g->trusted == 0) {
		sp_name_print(g->bundle, file);
		g->trusted = sp_read(g->sp->dir[SP_DIR_ASSIGNED], file,
				 SP_BUNDLE_MAX, &again, &st, NULL) == SP_OK &&
			again.len == g->text->len &&
			memcmp(again.data, g->text->data, again.len) == 0 &&
			sp_owner_trusted(g->sp, &st)
		    ? 1
		    : -1;
		sp_buf_clear(&again);
	}
	return g->trusted == 1;
}

static enum sp_status
put_line(
    struct bundle_stage *g, const char *text, size_t len, struct sp_err *err)
{
	struct sp_err why;
	struct sp_job job;
	enum sp_status st;

	g->line++;
	if (empty_is(text, len))
		return SP_OK;
	sp_err_clear(&why);
	st = sp_job_parse(text, len, &job, &why);
	if (st == SP_RETRY)
		(void)sp_err_set(err, st, "%s", why.text);
	else if (!job.object)
		st = put_bad(g, text, len, why.text, err);
	else if (job.owned && !trusted(g))
		st = put_bad(g, text, len, SP_OWNER_WORDS, err);
	else if (g->cut)
		st = pack_line(g, job.prio, text, len, err);
	else
		st = put_order(g, &job, text, len, err);
	sp_job_clear(&job);
	return st;
}

/* The next line, without its newline; NULL: there is no more. */
static const char *
line_next(const char **at, const char *end, size_t *len_out)
{
	const char *line = *at, *nl;

	if (line >= end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	*len_out = (size_t)((nl == NULL ? end : nl) - line);
	*at = line + *len_out + 1;
	return line;
}

enum sp_status
bundle_put_lines(
    struct bundle_stage *g, struct sp_buf *text, struct sp_err *err)
{
	const char *at = sp_buf_text(text), *end = at + text->len, *line;
	enum sp_status st = SP_OK;
	size_t len;
	int i;

	g->text = text;
	g->cut = sp_bundle_jobs(at, text->len) > (unsigned)g->sp->policy.slice;
	if (g->cut) {
		g->pack = calloc(SP_PRIO_MAX + 1, sizeof *g->pack);
		if (g->pack == NULL)
			return sp_err_set(err, SP_RETRY, "no memory");
		for (i = 0; i <= SP_PRIO_MAX; i++)
			sp_buf_init(
			    &g->pack[i].text, SP_BUNDLE_SHORT + SP_JOB_MAX + 2);
	}
	while (st == SP_OK && (line = line_next(&at, end, &len)) != NULL) {
		sp_alive(g->sp);
		st = put_line(g, line, len, err);
	}
	return g->cut ? packs_end(g, st, err) : st;
}

/* ---- questions ---- */

unsigned
sp_bundle_jobs(const char *text, size_t len)
{
	const char *at = text, *line;
	unsigned n = 0;
	size_t length;

	while ((line = line_next(&at, text + len, &length)) != NULL)
		n += !empty_is(line, length);
	return n;
}

/* Most lines say nothing of it, and then need not be understood. */
static bool
says(const char *text, size_t len)
{
	static const char key[] = "\"priority\"";

	return memmem(text, len, key, sizeof key - 1) != NULL ||
	    memchr(text, '\\', len) != NULL;
}

int
sp_bundle_prio(const char *text, size_t len)
{
	const char *at = text, *line;
	int prio = SP_PRIO_MAX + 1, one;
	struct sp_job job;
	size_t length;

	if (!says(text, len))
		return SP_PRIO_USUAL;
	while ((line = line_next(&at, text + len, &length)) != NULL) {
		if (empty_is(line, length))
			continue;
		one = SP_PRIO_USUAL;
		if (says(line, length)) {
			if (sp_job_parse(line, length, &job, NULL) == SP_OK)
				one = job.prio;
			sp_job_clear(&job);
		}
		prio = one < prio ? one : prio;
	}
	return prio > SP_PRIO_MAX ? SP_PRIO_USUAL : prio;
}
