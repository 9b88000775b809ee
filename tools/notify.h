/*
 * notify.h - ways to tell somebody.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

struct notify_ways {
	const char *exec, *url, *mail; /* NULL: not so */
};

struct notify_said {
	const char *event, *group; /* group may be NULL */
	char subject[400];
	size_t orders, over, failed;
	const char *json, *words;
};

/* All ways; complains, and returns the exit code. */
int notify_say(const struct notify_ways *ways, const struct notify_said *said);
/* An address that is nothing else; complains. */
bool notify_mail_ok(const char *address);

#endif
