/*
 * answerin.h - private to answer.c and answerlist.c.
 */
#ifndef TR_ANSWERIN_H
#define TR_ANSWERIN_H

#include "libspool/json.h"
#include "transport/answer.h"

enum sp_status answer_parse(
    const char *text, size_t len, struct json_t **json_out, struct sp_err *err);
/* SP_RETRY: `what` is not as it is to be. */
enum sp_status answer_odd(struct sp_err *err, const char *what);
/* A member that is a text, and short enough. */
bool
answer_text(const struct json_t *json, const char *key, char *out, size_t size);

/* A claim of `order` by `worker`, as answer_claimed has it. */
enum sp_status answer_claim(const struct json_t *json,
    const struct sp_name *order, const char *worker,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err);

#endif
