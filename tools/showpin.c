/*
 * showpin.c - what an order pins, and where git says that its code comes from,
 * in words for `spool show`.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/spool.h"

#define SHORT 12 /* digits of a hash that people read */

static void
say(const char *what, struct sp_buf *line)
{
	if (line->len > 0 && !line->failed) {
		(void)printf("%-9s ", what);
		term_put(stdout, sp_buf_text(line));
		(void)putchar('\n');
	}
	sp_buf_clear(line);
}

static void
put_hash(struct sp_buf *line, const char *what, const char *hex)
{
	if (hex == NULL)
		return;
	sp_buf_printf(
	    line, "%s%s %.*s", line->len == 0 ? "" : ", ", what, SHORT, hex);
}

static void
put_git(struct sp_buf *line, const struct json_t *git)
{
	const char *commit = sp_json_text(sp_json_get(git, "commit"));
	const char *branch = sp_json_text(sp_json_get(git, "branch"));
	const char *diff = sp_json_text(sp_json_get(git, "diff"));

	if (sp_json_kind(git) != SP_JSON_OBJECT)
		return;
	sp_buf_printf(line, "%s%s", commit == NULL ? "no commit" : "commit ",
	    commit == NULL ? "" : commit);
	if (branch != NULL)
		sp_buf_printf(line, " on %s", branch);
	if (sp_json_true(sp_json_get(git, "dirty")))
		sp_buf_puts(line, ", dirty");
	if (diff != NULL)
		sp_buf_printf(line, "; diff in blobs/sha256/%s%s", diff,
		    sp_json_true(sp_json_get(git, "cut")) ? " (its first MiB)"
							  : "");
}

void
pins_print(const struct sp_buf *job)
{
	struct sp_buf pins = SP_BUF_INIT(4096);
	struct sp_buf git = SP_BUF_INIT(1024 * 1024);
	const struct json_t *order;
	struct json_t *json = NULL;
	const char *code;

	if (sp_json_parse(sp_buf_text(job), job->len, &json, NULL) != SP_OK)
		return;
	order = sp_json_get(json, "order");
	put_hash(
	    &pins, "script", sp_json_text(sp_json_get(order, "scriptSha256")));
	code = sp_json_text(sp_json_get(order, "code"));
	if (code != NULL && strncmp(code, "sha256:", 7) == 0)
		put_hash(&pins, "code", code + 7);
	put_hash(&pins, "data", sp_json_text(sp_json_get(order, "dataSha256")));
	put_git(&git, sp_json_get(order, "git"));
	say("pinned", &pins);
	say("git", &git);
	sp_json_free(json);
}
