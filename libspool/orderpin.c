/*
 * orderpin.c - members of `order` that say what is to run by its content, not
 * by a name: hashes of blobs, the code that goes with the script, and where it
 * came from.  Pure: whether such a blob is there, and right, others see.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/order.h"
#include "libspool/sha256.h"

#define CODE_IS "sha256:" /* in front of a hash in order.code */

static enum sp_status
take_sha(const char *key, const struct json_t *v, char out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text == NULL || !sp_sha_ok(text))
		return sp_job_wrong(key, v,
		    "a SHA-256 in 64 lower-case hexadecimal digits", err);
	(void)strcpy(out, text);
	return SP_OK;
}

enum sp_status
sp_order_script_sha(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return take_sha(key, v, job->script_sha, err);
}

enum sp_status
sp_order_data_sha(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return take_sha(key, v, job->data_sha, err);
}

enum sp_status
sp_order_code(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);
	size_t n = sizeof CODE_IS - 1;

	if (text == NULL ||
	    !(sp_file_ok(text) ||
		(strncmp(text, CODE_IS, n) == 0 && sp_sha_ok(text + n))))
		return sp_job_wrong(key, v,
		    "the name of a directory in scripts/, or \"sha256:\" and "
		    "64 lower-case hexadecimal digits",
		    err);
	(void)strcpy(job->code, text);
	return SP_OK;
}

/* For the reader, whatever it is.  A diff is a blob that must be kept. */
enum sp_status
sp_order_git(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *diff = sp_json_text(sp_json_get(v, "diff"));

	(void)key, (void)err;
	job->git = true;
	if (diff != NULL && sp_sha_ok(diff))
		(void)strcpy(job->diff_sha, diff);
	return SP_OK;
}
