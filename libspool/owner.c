/*
 * owner.c - whose an order is.  Who writes it down is incoming.c's business,
 * who acts on it workerd's.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/order.h"
#include "libspool/owner.h"

#define UID_MOST (UINT32_MAX - 1) /* the last means "none" to the kernel */

bool
sp_owner_name_ok(const char *user)
{
	size_t n = strlen(user);

	return n > 0 && n <= SP_OWNER_MAX &&
	    strspn(user, SP_WORD ".@+$") == n &&
	    strchr("-.@+$", user[0]) == NULL;
}

void
sp_owner_print(uint32_t uid, const char *user, struct sp_buf *json_out)
{
	struct sp_jw w;

	sp_jw_init(&w, json_out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_int(&w, "uid", uid);
	sp_jw_text(&w, "user", *user == '\0' ? NULL : user);
	sp_jw_close(&w, '}');
}

enum sp_status
sp_order_owner(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const struct json_t *user = sp_json_get(v, "user");
	int64_t uid = sp_json_int(sp_json_get(v, "uid"), -1);
	const char *text = sp_json_text(user);

	job->owned = true; /* whatever it says */
	if (sp_json_kind(v) != SP_JSON_OBJECT || sp_json_count(v) != 2 ||
	    uid < 0 || uid > (int64_t)UID_MOST ||
	    (sp_json_kind(user) != SP_JSON_NULL &&
		(text == NULL || !sp_owner_name_ok(text))))
		return sp_job_wrong(
		    key, v, "an object of uid and user, or none at all", err);
	job->owner_uid = (uint32_t)uid;
	sp_text_cut(job->owner, sizeof job->owner, text);
	return SP_OK;
}

bool
sp_owner_trusted(const struct sp_spool *sp, const struct stat *st)
{
	struct stat root;

	if (sp_fs_far(sp->root) || sp_fs_fstat(sp->root, &root) == -1)
		return false;
	return S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    (st->st_uid == 0 || st->st_uid == root.st_uid) &&
	    (st->st_mode & 022) == 0;
}

static bool
hint(const char *text, size_t len)
{
	static const char key[] = "\"owner\"";

	return memmem(text, len, key, sizeof key - 1) != NULL ||
	    memmem(text, len, "\\u", 2) != NULL;
}

bool
sp_owner_said(const char *text, size_t len, bool lines)
{
	const char *at, *end = text + len, *nl;
	bool said = false;
	struct sp_job job;

	if (!hint(text, len))
		return false;
	for (at = text; !said && at < end; at = nl + 1) {
		nl = lines ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		nl = nl == NULL ? end : nl;
		if (!hint(at, (size_t)(nl - at)))
			continue;
		(void)sp_job_parse(at, (size_t)(nl - at), &job, NULL);
		said = job.owned || !job.object;
		sp_job_clear(&job);
	}
	return said;
}

enum sp_status
sp_owner_of(const struct sp_spool *sp, enum sp_state state,
    const struct sp_name *name, uint32_t *uid_out,
    char user_out[SP_OWNER_MAX + 1], struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	char file[SP_NAME_MAX];
	enum sp_status st;
	struct sp_job job;
	struct stat is;
	int dir;

	st = sp_state_open(sp, state, &name->id, false, &dir, err);
	if (st != SP_OK)
		return st;
	sp_name_print(name, file);
	st = sp_read(dir, file, SP_JOB_MAX, &text, &is, err);
	(void)sp_fs_close(dir);
	if (st != SP_OK) {
		sp_buf_clear(&text);
		return st;
	}
	st = sp_job_parse(text.data, text.len, &job, err);
	if (st == SP_OK && !job.owned)
		st = sp_err_set(err, SP_BAD,
		    "nobody has written down whose it is: it did not come in "
		    "by incoming/");
	else if (st == SP_OK && !sp_owner_trusted(sp, &is))
		st = sp_err_set(err, SP_BAD,
		    "it says whose it is, in a file of uid %u (mode %04o) and "
		    "not of the spool's owner: not believed",
		    (unsigned)is.st_uid, (unsigned)is.st_mode & 07777);
	if (st == SP_OK) {
		*uid_out = job.owner_uid;
		(void)strcpy(user_out, job.owner);
	}
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return st;
}

void
sp_owner_again(const struct sp_spool *sp, enum sp_state state,
    const struct sp_name *name, char set_out[SP_OWNER_SET])
{
	struct sp_buf text = SP_BUF_INIT(SP_OWNER_SET);
	char user[SP_OWNER_MAX + 1];
	uint32_t uid;

	sp_buf_puts(&text, "order.owner=");
	if (!sp_fs_far(sp->root) &&
	    sp_owner_of(sp, state, name, &uid, user, NULL) == SP_OK)
		sp_owner_print(uid, user, &text);
	else
		sp_buf_puts(&text, "null");
	(void)snprintf(set_out, SP_OWNER_SET, "%s",
	    text.failed ? "order.owner=null" : sp_buf_text(&text));
	sp_buf_clear(&text);
}
