/*
 * row.h - what people see of an order: one flat row, the same whether it was
 * read from the directories or from the index.
 */
#ifndef SP_ROW_H
#define SP_ROW_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/spool.h"

struct sp_row {
	struct sp_name name; /* id, prio, ticket, attempt, worker, label */
	enum sp_state state;
	char script[SP_FILE_MAX + 1];
	char data[SP_FILE_MAX + 1];
	char project[SP_FILE_MAX + 1];
	char title[SP_LABEL_MAX + 1]; /* order.name, else the label */
	char retry_of[SP_ID_LEN + 1];
	int status;             /* outcome's, 0: none yet */
	char cause[16];         /* run.cause, "" */
	char error[SP_ERR_MAX]; /* outcome's, "" */
	bool has_loss, has_metric, has_seconds;
	double loss, metric, seconds;
	int64_t started, finished; /* ms, 0: unknown */
};

/* Read the row of an order: its job, and its outcome when it is over.
 * An unreadable job or outcome leaves its fields empty and says so in `error`;
 * only trouble with the disk is an error here. */
enum sp_status sp_row_read(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out, struct sp_err *err);

/* The two halves of that, pure. */
void sp_row_job(struct sp_row *row, const char *text, size_t len);
void sp_row_outcome(struct sp_row *row, const char *text, size_t len);

/* One JSON object, one line, always the same keys in the same order. */
void sp_row_print(const struct sp_row *row, struct sp_buf *text_out);

#endif
