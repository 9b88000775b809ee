/*
 * origin.h - the texts of the original Boss and its Worker: an order, the
 * outcome that a Worker posts to /callback, in both dialects.  Pure.
 *
 *		outcome's id	its status	empty queue
 *	1	jobId (!)	200, 400	the connection drops
 *	2	orderId		"completed"	{"error":...}, with 200
 *
 * Whoever reads them takes both; whoever writes them says which.
 */
#ifndef SP_ORIGIN_H
#define SP_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"

#define SP_ORIGIN_BODY_MAX (100 * 1024) /* what the original takes */
#define SP_ORIGIN_ID_MAX   64

/* ---- as a Boss ---- */

/* What was posted to /callback. */
struct sp_origin_said {
	struct sp_id id[3]; /* of orderId, assignmentId, jobId: those of ours */
	size_t ids;
	bool other;           /* and some that no order of ours can have */
	struct sp_buf script; /* the object for sp_outcome_make: its loss and
	                       * metric are numbers; one that is not finite is
	                       * NaN, with its text in lossText, metricText */
};

/* SP_BAD: no JSON object; SP_RETRY: no memory.  Bare NaN and infinities are
 * taken.  Clear it whatever came back. */
enum sp_status sp_origin_said_read(const char *text, size_t len,
    struct sp_origin_said *said_out, struct sp_err *err);
void sp_origin_said_clear(struct sp_origin_said *said);

/* An order as the original shows it. */
struct sp_origin_order {
	const struct sp_id *id;
	const char *project;  /* "" or NULL: none */
	const char *status;   /* "unassigned", "assigned", ... */
	const char *assigned; /* to whom, "" or NULL: nobody */
};

/* {"_id","jobId","projectName","createdDate","status","assignedNode","__v"} */
void sp_origin_order_print(
    const struct sp_origin_order *order, struct sp_buf *text_out);

/* ---- as a Worker ---- */

/* May it be put into a path as it is? */
bool sp_origin_id_ok(const char *id);

/* What /bored answered.  SP_GONE: no job (an error in words, nothing at all).
 * SP_BAD: neither an order nor that. */
enum sp_status sp_origin_order_read(const char *text, size_t len,
    char order_out[SP_ORIGIN_ID_MAX + 1], char job_out[SP_ORIGIN_ID_MAX + 1],
    struct sp_err *err);

/* What may be posted to /callback and will be answered: status, the order's id
 * under both names, and loss and metric where they are finite numbers.
 * outcome: ours, which must parse. */
enum sp_status
sp_origin_outcome_print(const char *outcome, size_t len, const char *order,
    int dialect, struct sp_buf *text_out, struct sp_err *err);

#endif
