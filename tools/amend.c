/*
 * amend.c - a job on its way in: the options of `spool submit` applied to it,
 * and warnings about what it names and the spool has not.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/fs.h"
#include "libspool/job.h"
#include "tools/amend.h"

/* The job's own order.after and what --after adds. */
static void
print_after(
    const struct amend *amend, const struct sp_job *job, struct sp_buf *out)
{
	const char *comma = "";
	size_t i, k;

	sp_buf_puts(out, "order.after=[");
	for (i = 0; i < job->after_n; i++) {
		sp_buf_printf(out, "%s\"%s\"", comma, job->after[i].text);
		comma = ",";
	}
	for (i = 0; i < amend->after_n; i++) {
		for (k = 0; k < job->after_n; k++) {
			if (strcmp(job->after[k].text, amend->after[i].text) ==
			    0)
				break;
		}
		if (k < job->after_n)
			continue;
		sp_buf_printf(out, "%s\"%s\"", comma, amend->after[i].text);
		comma = ",";
	}
	sp_buf_puts(out, "]");
}

/* --after, put into what was edited; into `out`. */
static enum sp_status
put_after(const struct amend *amend, const struct sp_buf *edited,
    struct sp_buf *out, struct sp_err *err)
{
	struct sp_buf set = SP_BUF_INIT(SP_JOB_MAX);
	const char *sets[1];
	struct sp_job job;
	enum sp_status st;

	/* -p may have changed its order.after */
	(void)sp_job_parse(sp_buf_text(edited), edited->len, &job, NULL);
	print_after(amend, &job, &set);
	sets[0] = sp_buf_text(&set);
	st = sp_job_edit(sp_buf_text(edited), edited->len, sets, 1, out, err);
	if (set.failed || edited->failed)
		out->failed = true;
	sp_job_clear(&job);
	sp_buf_clear(&set);
	return st;
}

enum sp_status
amend_apply(const struct amend *amend, const char *text, size_t len,
    struct amended *out, struct sp_err *err)
{
	struct sp_buf edited = SP_BUF_INIT(SP_JOB_MAX + 2);
	enum sp_status st;

	sp_buf_init(&out->text, SP_JOB_MAX + 2);
	/* its own faults first: they are told better before an edit */
	st = sp_job_parse(text, len, &out->job, err);
	out->valid = st == SP_OK;
	if (st != SP_OK && !out->job.object)
		return st;
	sp_err_clear(err);
	st = SP_OK;
	if (amend->set_n > 0)
		st = sp_job_edit(
		    text, len, amend->set, amend->set_n, &edited, err);
	else
		sp_buf_put(&edited, text, len);
	if (st == SP_OK && amend->after_n > 0) {
		st = put_after(amend, &edited, &out->text, err);
		sp_buf_clear(&edited);
	} else {
		out->text = edited;
	}
	if (st == SP_OK && out->text.failed)
		st = sp_err_set(err, SP_BAD,
		    "it is longer than %d bytes; put what is large into a data "
		    "file",
		    SP_JOB_MAX);
	if (st == SP_OK && (amend->set_n > 0 || amend->after_n > 0)) {
		sp_job_clear(&out->job);
		out->valid = sp_job_parse(sp_buf_text(&out->text),
				 out->text.len, &out->job, NULL) == SP_OK;
	}
	return st;
}

void
amended_clear(struct amended *one)
{
	sp_buf_clear(&one->text);
	sp_job_clear(&one->job);
}

/* ---- warnings ---- */

/* What was seen to be there last: a long list names the same again and again.
 */
typedef char path_text[SP_FILE_MAX + 32];

/* sha: where its bytes are pinned, else "". */
static void
warn_one(const struct tool *tool, const char *where, enum sp_dir dir,
    const char *file, const char *sha, path_text last)
{
	static struct sp_names said;
	path_text path;
	struct stat st;
	size_t i;

	if (file[0] == '\0')
		return;
	if (sha[0] != '\0')
		(void)snprintf(path, sizeof path, "blobs/sha256/%s", sha);
	else
		(void)snprintf(
		    path, sizeof path, "%s/%s", sp_dir_text(dir), file);
	if (strcmp(path, last) == 0)
		return;
	for (i = 0; i < said.n; i++) {
		if (strcmp(sp_names_at(&said, i), path) == 0)
			return;
	}
	/* Data may be a directory. */
	if (sp_fs_lstat(tool->spool.root, path, &st) == 0 &&
	    (S_ISREG(st.st_mode) ||
		(dir == SP_DIR_DATA && S_ISDIR(st.st_mode)))) {
		(void)strcpy(last, path);
		return;
	}
	complain("%s: warning: there is no file %s in the spool (yet); %sthe "
		 "job fails unless it is there when a worker takes it",
	    where, path, sha[0] == '\0' ? "it is not pinned, and " : "");
	(void)sp_names_add(&said, path);
}

/* What it asks for, nobody who is here has. */
static void
warn_never(struct tool *tool, const char *where, const struct sp_job *job)
{
	static struct fleet fleet;
	static bool asked;
	static char said[256];
	char why[256];

	if (job->gpus == 0 && job->cpus <= 0 && job->memory == 0 &&
	    job->requires_n == 0)
		return;
	/* Once for all of a long list, and its workers stay the same. */
	if (!asked && fleet_read(tool, &fleet, NULL) != SP_OK)
		fleet_clear(&fleet);
	asked = true;
	if (!fleet_never_is(&fleet, job, why) || strcmp(why, said) == 0)
		return;
	(void)snprintf(said, sizeof said, "%s", why);
	complain("%s: warning: no worker that is here can run it (%s); it "
		 "waits for one that can",
	    where, why);
}

void
amend_warn(struct tool *tool, const char *where, const struct sp_job *job)
{
	static path_text script, data, code;

	warn_one(
	    tool, where, SP_DIR_SCRIPTS, job->script, job->script_sha, script);
	warn_one(tool, where, SP_DIR_DATA, job->data, job->data_sha, data);
	if (strncmp(job->code, "sha256:", 7) == 0)
		warn_one(
		    tool, where, SP_DIR_SCRIPTS, "code", job->code + 7, code);
	warn_never(tool, where, job);
}
