/*
 * order.h - the members of a job's reserved object `order`.  Private to job.c.
 */
#ifndef SP_ORDER_H
#define SP_ORDER_H

#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/json.h"

/* "FIELD: found X, expected Y".  Returns SP_BAD. */
enum sp_status sp_job_wrong(const char *field, const struct json_t *found,
    const char *expected, struct sp_err *err);

/* Take all members of `order` into the job, in the order of the text, up to the
 * first that is wrong; err names it as order.KEY. */
enum sp_status sp_order_take(
    const struct json_t *order, struct sp_job *job, struct sp_err *err);

/* Takes one value that is not null into the job; `key` is "order.KEY". */
typedef enum sp_status sp_take_fn(const char *key, const struct json_t *value,
    struct sp_job *job, struct sp_err *err);

/* Those that hold many values (orderlist.c). */
sp_take_fn sp_order_after, sp_order_tags, sp_order_requires, sp_order_retry,
    sp_order_env, sp_order_warm;

/* Those of sweeps (orderprune.c). */
sp_take_fn sp_order_sweep, sp_order_prune;

sp_take_fn sp_order_owner; /* owner.c */

/* Those that pin (orderpin.c). */
sp_take_fn sp_order_script_sha, sp_order_data_sha, sp_order_code, sp_order_git;

/* A text of 1..max bytes without control characters, or NULL. */
const char *sp_order_text(const struct json_t *value, size_t max);

#endif
