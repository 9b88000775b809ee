/*
 * log.c - one line a decision, to stderr, in one write(2): lines of several
 * threads and processes do not mix.  What came from outside cannot break a
 * line or play with the terminal.  What to log is for the caller to decide.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"

#define TEXT_MAX   2048
#define DUE_ROWS   64
#define DUE_SECOND 60

static atomic_int level = 1;

void
sp_log_level(int new_level)
{
	atomic_store(&level, new_level);
}

/* How many bytes here are one control character: C0, DEL, or C1 as UTF-8. */
static int
control_len(const unsigned char *c)
{
	if (*c != '\0' && (*c < 0x20 || *c == 0x7f))
		return 1;
	return *c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

/* Four bytes for each at most. */
static size_t
escape(const char *text, char *line)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *c = (const unsigned char *)text;
	size_t len = 0;

	while (*c != '\0') {
		int control = control_len(c);

		if (control == 0)
			line[len++] = (char)*c++;
		for (; control > 0; control--, c++) {
			line[len++] = '\\';
			line[len++] = 'x';
			line[len++] = hex[*c >> 4];
			line[len++] = hex[*c & 15];
		}
	}
	return len;
}

static void
say(const char *kind, const char *fmt, va_list ap)
{
	char text[TEXT_MAX], line[16 + 16 + 4 * TEXT_MAX + 1];
	time_t now = time(NULL);
	struct tm tm = { 0 };
	size_t len;

	if (atomic_load(&level) < 0)
		return;
	(void)localtime_r(&now, &tm);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	len = strftime(line, 16, "%H:%M:%S ", &tm);
	len += escape(kind, line + len);
	len += escape(text, line + len);
	line[len++] = '\n';
	/* A log that cannot be written must not stop the work. */
	if (write(STDERR_FILENO, line, len) == -1)
		return;
}

void
sp_info(const char *fmt, ...)
{
	va_list ap;

	if (atomic_load(&level) < 1)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
sp_debug(const char *fmt, ...)
{
	va_list ap;

	if (atomic_load(&level) < 2)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
sp_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

static uint64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

/* A full table forgets the oldest: better to warn twice than never. */
int
sp_warn_due(const char *what)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct {
		uint64_t hash;
		time_t said; /* 0: free */
	} row[DUE_ROWS];
	uint64_t h = hash(what);
	struct timespec now = { 0 };
	size_t use = 0;
	int due = 1;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec++; /* never 0 */
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < DUE_ROWS; i++) {
		if (row[i].said != 0 && row[i].hash == h) {
			due = now.tv_sec - row[i].said >= DUE_SECOND;
			use = i;
			break;
		}
		if (row[i].said < row[use].said)
			use = i;
	}
	if (due) {
		row[use].hash = h;
		row[use].said = now.tv_sec;
	}
	(void)pthread_mutex_unlock(&lock);
	return due;
}
