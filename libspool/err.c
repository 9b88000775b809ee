/*
 * err.c - words for what went wrong, and what an errno means to a caller.
 * Nothing is printed here: whoever decides logs (log.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libspool/err.h"

void
sp_err_clear(struct sp_err *err)
{
	if (err != NULL)
		err->text[0] = '\0';
}

enum sp_status
sp_err_set(struct sp_err *err, enum sp_status status, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL || err->text[0] != '\0')
		return status;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return status;
}

enum sp_status
sp_err_sys(struct sp_err *err, const char *fmt, ...)
{
	int saved = errno;
	char why[128];
	size_t len;
	va_list ap;

	if (err != NULL && err->text[0] == '\0') {
		va_start(ap, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
		len = strlen(err->text);
		(void)snprintf(err->text + len, sizeof err->text - len, ": %s",
		    strerror_r(saved, why, sizeof why));
	}
	errno = saved;
	return sp_errno_status(saved);
}

/*
 * What is not listed may pass: network file systems invent errnos, and giving
 * up for one of them would be worse than asking again.  EXDEV comes from a
 * rename across file systems; file.c knows the other one, of openat2.
 */
enum sp_status
sp_errno_status(int sys_errno)
{
	switch (sys_errno) {
	case 0:
		return SP_OK;
	case ENOENT:
		return SP_GONE;
	case EEXIST:
	case ENOTEMPTY:
		return SP_LOST;
	case ELOOP:
	case EISDIR:
	case ENOTDIR:
	case ENXIO:
	case ENODEV:
	case ENAMETOOLONG:
	case EFBIG:
	case EOVERFLOW:
	case EILSEQ:
		return SP_BAD;
	case EACCES:
	case EPERM:
	case EROFS:
	case EXDEV:
	case EBADF:
	case EFAULT:
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
		return SP_FATAL;
	default:
		return SP_RETRY;
	}
}

const char *
sp_status_text(enum sp_status status)
{
	static const char *const text[] = { [SP_OK] = "ok",
		[SP_LOST] = "lost",
		[SP_GONE] = "gone",
		[SP_RETRY] = "retry",
		[SP_BAD] = "bad",
		[SP_FATAL] = "fatal" };

	if ((unsigned)status >= sizeof text / sizeof text[0])
		return "unknown";
	return text[status];
}
