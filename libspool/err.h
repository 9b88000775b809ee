/*
 * err.h - one status enum for the whole house, and the words that go with it.
 * A status says what the caller should do, not what went wrong.
 */
#ifndef SP_ERR_H
#define SP_ERR_H

enum sp_status {
	SP_OK = 0, /* go on */
	SP_LOST,   /* somebody else was first: take the next one, no log */
	SP_GONE,   /* it is no longer there: forget it */
	SP_RETRY,  /* disk full, network, busy: back off, same thing later */
	SP_BAD,    /* this input is malformed: set it aside, warn once */
	SP_FATAL   /* our set-up is wrong: report and stop */
};

#define SP_ERR_MAX 512

/* Words for a person.  Fixed size, may be NULL everywhere; the first error
 * wins, so a layer may add its own without hiding the cause. */
struct sp_err {
	char text[SP_ERR_MAX];
};

#define SP_PRINTF(a, b) __attribute__((format(printf, a, b)))

/* Forget what it says. */
void sp_err_clear(struct sp_err *err);

/* Say why, unless something was said before.  Returns `status`. */
enum sp_status sp_err_set(struct sp_err *err, enum sp_status status,
    const char *fmt, ...) SP_PRINTF(3, 4);

/* As above with strerror(errno) after the words; the status follows from
 * errno.  errno is left as it was. */
enum sp_status
sp_err_sys(struct sp_err *err, const char *fmt, ...) SP_PRINTF(2, 3);

/* What an errno means to a caller.  Pure. */
enum sp_status sp_errno_status(int sys_errno);

/* "ok", "lost", ...  Pure; never NULL. */
const char *sp_status_text(enum sp_status status);

#endif
