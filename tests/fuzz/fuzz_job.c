/*
 * fuzz_job.c - whatever is dropped: a job is valid or its words say why; a
 * dressed or an edited job is a job still.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1 << 22)

static void
valid(const struct sp_job *job)
{
	size_t i;
	struct sp_id id;

	assert(sp_file_ok(job->script));
	assert(job->data[0] == '\0' || sp_file_ok(job->data));
	assert(job->label[0] == '\0' || sp_label_ok(job->label));
	assert(job->attempts >= 0 && job->attempts <= 1000);
	assert(job->gpus >= 0 && job->gpus <= 1024);
	assert(job->timeout >= 0 && job->timeout <= 1e9);
	assert(job->memory >= 0 && job->not_before >= 0 && job->cpus >= 0);
	assert((job->retry & 1u << SP_CAUSE_OK) == 0);
	for (i = 0; i < job->after_n; i++)
		assert(sp_id_parse(job->after[i].text, &id) == SP_OK);
	for (i = 0; i < job->env_n; i++)
		assert(strchr(job->env[i], '=') > job->env[i] &&
		    strncmp(job->env[i], "SPOOL_", 6) != 0);
}

/* The dress adds at the front; all else stays byte for byte. */
static void
dress(const char *text, size_t size)
{
	struct sp_buf b = SP_BUF_INIT(MOST);
	struct json_t *json;
	struct sp_id id;
	const char *rest = memchr(text, '{', size);
	size_t rest_len;

	sp_id_make(1795374132345, 7, &id);
	sp_job_dress(text, size, &id, &b);
	assert(!b.failed && rest != NULL);
	rest++;
	rest_len = size - (size_t)(rest - text);
	assert(b.len >= size);
	assert(memcmp(b.data + b.len - rest_len, rest, rest_len) == 0);
	if (sp_json_parse(b.data, b.len, &json, NULL) == SP_OK) {
		assert(sp_json_get(json, "_id") != NULL);
		assert(sp_json_get(json, "assignmentId") != NULL);
	} else {
		assert(0);
	}
	sp_json_free(json);
	sp_buf_clear(&b);
}

static void
edit(const char *text, size_t size)
{
	static const char *const set[] = { "order.priority=7", "x.0=[1,2]" };
	struct sp_buf b = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	struct sp_job job;

	if (sp_job_edit(text, size, set, 2, &b, &err) == SP_OK) {
		(void)sp_job_parse(b.data, b.len, &job, NULL);
		assert(job.object);
		sp_job_clear(&job);
	} else {
		assert(err.text[0] != '\0' && b.len == 0);
	}
	sp_buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_err err = { "" };
	const char *text = (const char *)data;
	struct sp_job job;
	double seconds;
	int64_t bytes;
	char *copy;

	if (sp_job_parse(text, size, &job, &err) == SP_OK)
		valid(&job);
	else
		assert(err.text[0] != '\0');
	assert(job.prio >= 0 && job.prio <= SP_PRIO_MAX);
	if (job.object) {
		dress(text, size);
		edit(text, size);
	}
	sp_job_clear(&job);

	if ((copy = malloc(size + 1)) == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	if (sp_seconds_parse(copy, &seconds))
		assert(seconds >= 0 && seconds <= 1e9);
	if (sp_bytes_parse(copy, &bytes))
		assert(bytes >= 0);
	free(copy);
	return 0;
}
