/*
 * checkblob.c - what orders that are not over pin: is it there, and does it
 * hold what its name says?  Blobs that no order names any more are no breach.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/blob.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/manifest.h"
#include "tools/check.h"

#define LARGE (64 * 1024 * 1024) /* read only when asked to */

/* Hashes that were looked at, sorted. */
struct seen {
	char (*hex)[SP_SHA_LEN + 1];
	size_t n, cap;
};

/* Was it seen before?  It is now. */
static bool
seen_before(struct check *check, struct seen *seen, const char *hex)
{
	size_t low = 0, high = seen->n, middle, cap;
	char(*more)[SP_SHA_LEN + 1];
	int c;

	while (low < high) {
		middle = low + (high - low) / 2;
		if ((c = strcmp(seen->hex[middle], hex)) == 0)
			return true;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (seen->n == seen->cap) {
		cap = seen->cap == 0 ? 64 : seen->cap * 2;
		if ((more = realloc(seen->hex, cap * sizeof *more)) == NULL) {
			check->failed = true;
			return true;
		}
		seen->hex = more;
		seen->cap = cap;
	}
	memmove(&seen->hex[low + 1], &seen->hex[low],
	    (seen->n++ - low) * sizeof *seen->hex);
	(void)snprintf(seen->hex[low], sizeof seen->hex[low], "%s", hex);
	return false;
}

static enum sp_status
judge(const struct check *check, const char *hex, struct sp_err *why)
{
	enum sp_status st;
	struct stat info;
	int fd;

	st = sp_blob_open(check->spool, hex, &fd, &info, why);
	if (st != SP_OK)
		return st;
	(void)sp_fs_close(fd);
	return info.st_size > LARGE && !check->blobs
	    ? SP_OK
	    : sp_blob_check(check->spool, hex, why);
}

/* entry: the order that names it, or NULL. */
static bool
look_at(struct check *check, struct seen *seen, const char *hex,
    const struct entry *entry)
{
	struct sp_err why = { "" };
	enum sp_status st;

	if (hex[0] == '\0' || seen_before(check, seen, hex))
		return false;
	st = judge(check, hex, &why);
	if (st == SP_GONE)
		(void)check_say(check, CHECK_BLOB, SP_DIR_BLOBS, SP_BLOB_DIR,
		    hex, NULL, "missing; %s needs it", entry->name.id.text);
	else if (st == SP_BAD)
		(void)check_say(check, CHECK_BLOB, SP_DIR_BLOBS, SP_BLOB_DIR,
		    hex, NULL, "damaged: it does not hold what its name says");
	return st == SP_OK;
}

/* The files of a manifest. */
static void
look_at_code(struct check *check, struct seen *seen, const char *hex,
    const struct entry *entry)
{
	struct sp_buf text = SP_BUF_INIT(LARGE);
	char path[SP_SHA_LEN + 16];
	struct sp_manifest list;
	struct stat st;
	size_t i;

	if (!look_at(check, seen, hex, entry))
		return;
	(void)snprintf(path, sizeof path, SP_BLOB_DIR "/%.64s", hex);
	if (sp_read(check->spool->dir[SP_DIR_BLOBS], path, SP_MANIFEST_MAX,
		&text, &st, NULL) == SP_OK) {
		if (sp_manifest_parse(
			sp_buf_text(&text), text.len, &list, NULL) == SP_OK)
			for (i = 0; i < list.paths.n; i++)
				(void)look_at(check, seen, list.hex[i], entry);
		sp_manifest_clear(&list);
	}
	sp_buf_clear(&text);
}

static void
look_at_order(struct check *check, struct seen *seen, const struct entry *entry)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	char file[SP_NAME_MAX];
	struct sp_job job;
	struct stat st;

	sp_name_print(&entry->name, file);
	if (sp_read(check->spool->dir[(int)entry->state], file, SP_JOB_MAX,
		&text, &st, NULL) == SP_OK) {
		if (sp_job_parse(sp_buf_text(&text), text.len, &job, NULL) ==
		    SP_OK) {
			(void)look_at(check, seen, job.script_sha, entry);
			(void)look_at(check, seen, job.data_sha, entry);
			if (strncmp(job.code, "sha256:", 7) == 0)
				look_at_code(check, seen, job.code + 7, entry);
		}
		sp_job_clear(&job);
	}
	sp_buf_clear(&text);
}

/* Everything that lies there; without --blobs only its names. */
static enum sp_status
look_at_all(struct check *check, struct seen *seen, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;
	int fd;

	st = check_open(check, SP_DIR_BLOBS, SP_BLOB_DIR, &fd, NULL);
	if (st != SP_OK)
		return SP_OK; /* checksetup.c says so */
	st = sp_list(fd, true, &names, err);
	(void)sp_fs_close(fd);
	for (i = 0; st == SP_OK && i < names.n; i++) {
		const char *file = sp_names_at(&names, i);

		if (file[0] == '.')
			continue;
		if (!sp_sha_ok(file))
			(void)check_say(check, CHECK_STRAY, SP_DIR_BLOBS,
			    SP_BLOB_DIR, file, NULL, "is not called by a hash");
		else if (check->blobs && !seen_before(check, seen, file) &&
		    judge(check, file, NULL) == SP_BAD)
			(void)check_say(check, CHECK_BLOB, SP_DIR_BLOBS,
			    SP_BLOB_DIR, file, NULL,
			    "damaged: it does not hold what its name says");
	}
	sp_names_clear(&names);
	return st;
}

enum sp_status
check_blobs(struct check *check, struct sp_err *err)
{
	struct seen seen = { 0 };
	enum sp_status st;
	size_t i;

	for (i = 0; i < check->n; i++)
		if (!check->entry[i].odd && !check->entry[i].name.bundle &&
		    !sp_state_over_is(check->entry[i].state))
			look_at_order(check, &seen, &check->entry[i]);
	st = look_at_all(check, &seen, err);
	free(seen.hex);
	return st;
}

/* What is damaged goes aside; what is missing we have not got. */
enum sp_status
check_fix_blob(struct check *check, struct finding *finding, struct sp_err *err)
{
	enum sp_status st;

	st = sp_blob_check(check->spool, finding->file, NULL);
	if (st == SP_BAD)
		return check_fix_aside(check, finding, err);
	if (st == SP_GONE)
		return sp_err_set(err, SP_BAD,
		    "put the file there again, or cancel the order and submit "
		    "its job anew");
	return st;
}
