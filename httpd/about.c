/*
 * about.c - the server itself: what it is, its document, its room.
 */
#include <string.h>
#include <sys/statvfs.h>

#include "httpd/v1.h"
#include "libspool/job.h"
#include "libspool/outcome.h"
#include "libspool/version.h"

static const char *const no_keys[] = { NULL };

void
v1_about(struct server *s, struct request *r, struct answer *a)
{
	const struct sp_policy *p = &s->spool.policy;
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_jw w;
	int64_t now;
	int i;

	if (!query_only(r, no_keys, a))
		return;
	if ((st = server_now(s, &now, &err)) != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_text(&w, "server", "spool-httpd " SP_VERSION);
	sp_jw_int(&w, "format", p->format);
	sp_jw_open(&w, "policy", '{');
	sp_jw_int(&w, "format", p->format);
	sp_jw_real(&w, "lease", p->fence);
	sp_jw_real(&w, "beat", p->beat);
	sp_jw_real(&w, "settle", p->settle);
	sp_jw_int(&w, "attempts", p->attempts);
	sp_jw_real(&w, "backoff", p->backoff);
	sp_jw_real(&w, "backoffMax", p->backoff_max);
	sp_jw_real(&w, "halfRename", p->half_rename);
	sp_jw_real(&w, "tmpAge", p->tmp_age);
	sp_jw_real(&w, "poll", p->poll);
	sp_jw_close(&w, '}');
	sp_jw_int(&w, "now", now);
	sp_jw_open(&w, "roles", '[');
	for (i = 0; i < SP_ROLES; i++)
		if ((r->roles & 1u << i) != 0)
			sp_jw_text(
			    &w, NULL, sp_role_text((enum sp_role)(1u << i)));
	sp_jw_close(&w, ']');
	sp_jw_text(&w, "worker", r->bound[0] == '\0' ? NULL : r->bound);
	sp_jw_open(&w, "limits", '{');
	sp_jw_int(&w, "body", JSON_MOST);
	sp_jw_int(&w, "wait", WAIT_MOST);
	sp_jw_int(&w, "job", SP_JOB_MAX);
	sp_jw_int(&w, "outcome", SP_OUTCOME_MAX);
	sp_jw_close(&w, '}');
	answer_end(a, &w);
}

void
v1_document(struct server *s, struct request *r, struct answer *a)
{
	(void)s;
	if (!query_only(r, no_keys, a))
		return;
	a->status = 200;
	sp_buf_puts(&a->body, openapi_text);
}

void
v1_room(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	struct statvfs fs;
	struct sp_jw w;

	if (!query_only(r, no_keys, a))
		return;
	if (fstatvfs(s->spool.root, &fs) == -1) {
		answer_status(a, sp_err_sys(&err, "room"), &err, NULL);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_int(&w, "size", (int64_t)(fs.f_blocks * fs.f_frsize));
	sp_jw_int(&w, "free", (int64_t)(fs.f_bavail * fs.f_frsize));
	sp_jw_int(&w, "files", (int64_t)fs.f_files);
	sp_jw_int(&w, "filesFree", (int64_t)fs.f_favail);
	answer_end(a, &w);
}
