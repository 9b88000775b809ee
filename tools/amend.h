/*
 * amend.h - a job on its way in.
 */
#ifndef AMEND_H
#define AMEND_H

#include "libspool/job.h"
#include "tools/spool.h"

struct amend {
	const char **set; /* KEY=VALUE, of -p, --priority, --name */
	size_t set_n;
	struct sp_id *after; /* of --after; comes to the job's own */
	size_t after_n;
};

/* A job on its way in. */
struct amended {
	struct sp_buf text;
	struct sp_job job; /* what the text parsed as, */
	bool valid;        /* SP_OK */
};

/* The job as it goes in, in `out`, to be cleared whatever came back.  SP_BAD:
 * it is no object, or what is set does not fit into it. */
enum sp_status amend_apply(const struct amend *amend, const char *text,
    size_t len, struct amended *out, struct sp_err *err);
void amended_clear(struct amended *one);

/* Warn, once for each file, when the script or the data file of a job is not
 * there (yet); and when it asks for what no worker has that is here.  where:
 * "FILE:LINE" or an id. */
void amend_warn(struct tool *tool, const char *where, const struct sp_job *job);

#endif
