/*
 * bring.c - what an attempt is made of: which script, code and data, and what
 * of it is kept in blobs/: all that a job runs that nobody pinned, once for
 * each version, so that a later attempt is made of the same.  One file comes by
 * bringfile.c, a directory by bringtree.c.
 *
 * The main thread brings what is quickly done and leaves the rest to a thread
 * (porter.c), which begins anew; so all of this can be repeated.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "workerd/bring.h"
#include "workerd/outcopy.h"
#include "workerd/worker.h"

/* ---- what is in blobs/ ---- */

static bool
kept_is(struct bringing *all, const char *hex, bool now)
{
	unsigned row = 0;
	bool is;
	int i;

	for (i = 0; i < 4; i++)
		row = row * 16 +
		    (unsigned)(hex[i] <= '9' ? hex[i] - '0'
					     : hex[i] - 'a' + 10);
	row %= BRING_KEPT;
	(void)pthread_mutex_lock(&all->lock);
	if (now)
		(void)strcpy(all->kept[row], hex);
	is = strcmp(all->kept[row], hex) == 0;
	(void)pthread_mutex_unlock(&all->lock);
	return is;
}

/* Not kept, it runs all the same; but then nobody is told that he could have it
 * again. */
static void
keep_fd(struct bring *b, int fd, const char *hex)
{
	struct sp_err err = { "" };

	if (b->all->ops->keep_blob(b->all->tr, fd, hex, &err) == SP_OK) {
		(void)kept_is(b->all, hex, true);
		return;
	}
	b->loose = true;
	if (sp_warn_due("keep-blob"))
		sp_warn("keep blob=%.16s... failed: %s", hex, err.text);
}

enum sp_status
bring_keep(struct bring *b, const char *hex, bool exec)
{
	enum sp_status st;
	int fd;

	if (kept_is(b->all, hex, false))
		return SP_OK;
	if (b->quick)
		return SP_LOST; /* fsync takes its time */
	if ((st = cache_read(&b->all->cache, hex, exec, &fd)) != SP_OK) {
		b->loose = true;
		return SP_OK;
	}
	keep_fd(b, fd, hex);
	(void)close(fd);
	return SP_OK;
}

enum sp_status
bring_keep_text(struct bring *b, const struct sp_buf *text, char hex_out[])
{
	int fd;

	sp_sha_text(text->data, text->len, hex_out);
	if (kept_is(b->all, hex_out, false))
		return SP_OK;
	if (b->quick)
		return SP_LOST;
	fd = memfd_create("spool-text", MFD_CLOEXEC);
	if (fd == -1 || sp_write_all(fd, text->data, text->len) != SP_OK)
		b->loose = true;
	else
		keep_fd(b, fd, hex_out);
	if (fd != -1)
		(void)close(fd);
	return SP_OK;
}

/* ---- all of it ---- */

static enum sp_status
bring_script(struct bring *b)
{
	const char *pin = b->job->script_sha;
	struct bring_item item = { .which = SP_DIR_SCRIPTS,
		.path = b->job->script,
		.hex = *pin != '\0' ? pin : b->pin.script,
		.key = *pin != '\0'          ? "order.scriptSha256"
		    : *b->pin.script != '\0' ? "the script of its first attempt"
					     : "scriptName",
		.dst = b->job->script,
		.keep = true };

	return bring_file(b, &item, b->is.script);
}

static enum sp_status
bring_data(struct bring *b)
{
	bool apart = strcmp(b->job->data, b->job->script) != 0;
	struct bring_item item = { .which = SP_DIR_DATA,
		.path = b->job->data,
		.hex = b->job->data_sha,
		.key = b->job->data_sha[0] != '\0' ? "order.dataSha256"
						   : "dataFileName",
		/* scripts/x and data/x: two files that want one name. */
		.dst = apart ? b->job->data : ".spool-data",
		.was = b->pin.data };
	struct tr_version now;

	if (item.hex[0] != '\0')
		return bring_file(b, &item, b->is.data);
	if (b->all->ops->look_at(
		b->all->tr, SP_DIR_DATA, b->job->data, &now, NULL) == SP_OK &&
	    now.directory)
		return bring_data_tree(b);
	return bring_file(b, &item, b->is.data);
}

static enum sp_status
bring_out(struct bring *b)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = outcopy_fetch(b->out, &b->stop, &b->old, &err);
	return st == SP_OK
	    ? st
	    : bring_wrong(b, SP_RETRY, "fetch out/: %.200s", err.text);
}

enum sp_status
bring(struct bring *b)
{
	struct tr_version version;
	enum sp_status st;

	b->version = &version;
	b->how = (struct cache_patience){ .quick = b->quick, .stop = &b->stop };
	b->unfit = SP_CAUSE_OK;
	b->why[0] = '\0';
	b->loose = b->busy = false;
	b->rests = 0;
	(void)memset(&b->is, 0, sizeof b->is);

	st = bring_script(b);
	if (st == SP_OK)
		st = bring_code(b);
	if (st == SP_OK && b->job->data[0] != '\0')
		st = bring_data(b);
	b->version = NULL;
	if (st == SP_OK && b->out != NULL)
		st = b->quick ? SP_LOST : bring_out(b);
	return st;
}
