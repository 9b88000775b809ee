/*
 * eventsin.h - private to events.c (who listens) and eventsdir.c (what there is
 * to tell).
 */
#ifndef HTTPD_EVENTSIN_H
#define HTTPD_EVENTSIN_H

#include "libspool/spool.h"

struct events;
struct follow;

/* data: a JSON object of at most some 600 bytes, on one line. */
void events_put(struct events *e, const char *type, const char *data);

/* What the directories were when last looked at. */
struct follow *follow_new(const struct sp_spool *sp);
void follow_free(struct follow *f);
/* Look again, and tell what has changed. */
void follow_look(struct follow *f, struct events *e);

/* Has it looked once? */
bool follow_primed(const struct follow *f);

#endif
