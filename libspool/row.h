/*
 * row.h - what people see of an order: one flat row, the same whether it was
 * read from the directories or from the index.
 */
#ifndef SP_ROW_H
#define SP_ROW_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/metric.h"
#include "libspool/spool.h"

struct sp_row {
	struct sp_name name; /* id, prio, ticket, attempt, worker, label */
	enum sp_state state;
	char script[SP_FILE_MAX + 1];
	char data[SP_FILE_MAX + 1];
	char project[SP_FILE_MAX + 1];
	char title[SP_LABEL_MAX + 1]; /* order.name, else the label */
	char retry_of[SP_ID_LEN + 1];
	char owner[SP_OWNER_MAX + 1]; /* order.owner: a name, else a number */
	int status;                   /* outcome's, 0: none yet */
	char cause[16];               /* run.cause, "" */
	char error[SP_ERR_MAX];       /* outcome's, "" */
	bool has_loss, has_metric, has_seconds;
	double loss, metric, seconds;
	int64_t started, finished; /* ms, 0: unknown */

	/* from its metrics; loss and metric too, until it is over */
	struct sp_length length;
	bool has_step, has_progress;
	double step, progress;
	int64_t eta;      /* ms, 0: unknown, or it does not run */
	bool has_metrics; /* its outcome says that there are some */
	/* Borrowed, while a row is handed to somebody who asked for them. */
	const struct sp_metrics *metrics;
	const char *facts; /* facts.h; likewise */
};

/* Read the row of an order: its job, its outcome when it is over, and its
 * metrics.
 * An unreadable job or outcome leaves its fields empty and says so in `error`;
 * only trouble with the disk is an error here. */
enum sp_status sp_row_read(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out, struct sp_err *err);

/* The same in steps, for who knows some of its metrics already (or wants to
 * know them): `m` goes on from where it is. */
enum sp_status
sp_row_read_bare(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out, struct sp_err *err);
/* The same, and the texts that it was read from, for who needs more of them: ""
 * where there is none.  dirfd: where the order's file is, -1: to be found. */
struct sp_row_texts {
	struct sp_buf job, outcome;
	struct sp_job parsed; /* of a valid job; until the next one is read */
	bool valid;
};
void sp_row_texts_init(struct sp_row_texts *texts);
void sp_row_texts_clear(struct sp_row_texts *texts);
enum sp_status sp_row_read_texts(const struct sp_spool *spool, int dirfd,
    enum sp_state state, const struct sp_name *name, struct sp_row *row_out,
    struct sp_row_texts *texts, struct sp_err *err);
/* Of many at once, for where each would be a few round trips: those whose name
 * and state are filled, and `read` set to false, are read as far as all is well
 * with them, and `read` is set; for the others sp_row_read_bare says more. */
struct sp_row_some {
	struct sp_row row;
	bool read;
};
void sp_row_read_some(
    const struct sp_spool *spool, struct sp_row_some *all, size_t n);
/* Can it have metrics at all?  Looking for them costs, and most have none. */
bool sp_row_metrics_are(const struct sp_row *row);
enum sp_status sp_row_fold(const struct sp_spool *spool, struct sp_row *row,
    struct sp_metrics *m, struct sp_err *err);

/* The parts of that, pure. */
void sp_row_job(struct sp_row *row, const char *text, size_t len);
/* The same of a job that is parsed, or could not be (why). */
void sp_row_parsed(struct sp_row *row, const struct sp_job *job,
    enum sp_status st, const struct sp_err *why);
void sp_row_outcome(struct sp_row *row, const char *text, size_t len);
void sp_row_metrics(struct sp_row *row, const struct sp_metrics *m);

/* One JSON object, one line, always the same keys in the same order; and
 * `metrics`, if the row has them. */
void sp_row_print(const struct sp_row *row, struct sp_buf *text_out);
/* And back, but for the metrics.  SP_BAD: that is none.  Of a parsed object:
 * lists of rows are read in one go. */
struct json_t;
enum sp_status sp_row_take(const struct json_t *json, struct sp_row *row_out);

#endif
