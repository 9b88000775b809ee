/*
 * curlget.c - a file, as often as the link breaks on the way: what has come so
 * far stays, and the rest is asked for if it is still the same (If-Range).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "transport/curlin.h"

#define IDLE_TRIES 3 /* that brought nothing more */
#define NAP_MS     20

/* Until the back-off is over.  false: stopped. */
static bool
wait_for(struct wire *wire, const atomic_bool *stop)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };

	while (wire_away(wire) > 0) {
		if (atomic_load(&wire->stop) ||
		    (stop != NULL && atomic_load(stop)))
			return false;
		(void)nanosleep(&nap, NULL);
	}
	return true;
}

/* What is there after a break; 0: begin anew. */
static int64_t
rest(const struct wire_call *call, int64_t had, char etag[WIRE_ETAG])
{
	if (call->status != 200 && call->status != 206)
		return had; /* no answer at all */
	if (call->got == 0)
		return call->status == 206 ? had : 0;
	(void)memcpy(etag, call->etag, WIRE_ETAG);
	return etag[0] == '\0' ? 0 : call->to_at + call->got;
}

/* Does asking again help? */
static bool
again(const struct wire_call *call, enum sp_status st, int64_t had)
{
	if (st == SP_OK) /* what we have is longer than it is now */
		return call->status == 416 && had > 0;
	return st == SP_RETRY && call->sys == 0;
}

enum sp_status
wire_get(struct wire *wire, struct wire_call *call, struct sp_err *err)
{
	char range[64], same[WIRE_ETAG + 16], etag[WIRE_ETAG] = "";
	int64_t have = 0, had;
	struct sp_err words;
	enum sp_status st;
	int idle = 0;

	call->method = "GET";
	call->save = true;
	for (;;) {
		call->to_at = had = have;
		call->head[0] = call->head[1] = NULL;
		if (have > 0) {
			(void)snprintf(range, sizeof range,
			    "Range: bytes=%lld-", (long long)have);
			(void)snprintf(same, sizeof same, "If-Range: %s", etag);
			call->head[0] = range;
			call->head[1] = same;
		}
		sp_err_clear(&words);
		st = wire_call(wire, call, &words);
		if (!again(call, st, had))
			break;
		have = st == SP_OK ? 0 : rest(call, had, etag);
		idle = have > had ? 0 : idle + 1;
		if (idle >= IDLE_TRIES || !wait_for(wire, call->stop)) {
			if (st == SP_OK)
				st = sp_err_set(&words, SP_RETRY,
				    "%s: it changes all the time", call->path);
			break;
		}
	}
	if (st == SP_OK && call->status == 206)
		call->status = 200;
	call->save = false;
	call->head[0] = call->head[1] = NULL;
	errno = call->sys;
	return st == SP_OK ? st : sp_err_set(err, st, "%s", words.text);
}
