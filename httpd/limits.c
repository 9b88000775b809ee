/*
 * limits.c - how often one caller may ask: a bucket for each that fills by the
 * clock.  What does not fit the table any more is forgotten, oldest first.
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/server.h"

#define ROWS       1024
#define NEAR       16 /* rows looked at for one name */
#define WRONG_MOST 20 /* wrong tokens at once, and then one a second */

struct bucket {
	char who[64];
	double left;
	int64_t at;
};

struct limits {
	pthread_mutex_t lock;
	double rate;
	struct bucket asks[ROWS], wrongs[ROWS];
};

struct limits *
limits_new(int rate)
{
	struct limits *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->rate = rate;
	(void)pthread_mutex_init(&l->lock, NULL);
	return l;
}

void
limits_free(struct limits *l)
{
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct bucket *
bucket_of(struct bucket *rows, const char *who, double most, int64_t now)
{
	uint32_t hash = 2166136261u;
	struct bucket *b, *oldest = NULL;
	const char *c;
	unsigned i;

	for (c = who; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	for (i = 0; i < NEAR; i++) {
		b = &rows[(hash + i) % ROWS];
		if (strncmp(b->who, who, sizeof b->who - 1) == 0)
			return b;
		if (oldest == NULL || b->at < oldest->at)
			oldest = b;
	}
	(void)memset(oldest, 0, sizeof *oldest);
	(void)strncpy(oldest->who, who, sizeof oldest->who - 1);
	oldest->left = most;
	oldest->at = now;
	return oldest;
}

static double
filled(struct bucket *b, double rate, double most, int64_t now)
{
	b->left += (double)(now - b->at) * rate / 1000;
	b->left = b->left > most ? most : b->left;
	b->at = now;
	return b->left;
}

static bool
take(struct limits *l, struct bucket *rows, const char *who, double rate,
    double most, double n, int64_t now)
{
	struct bucket *b;
	bool may;

	(void)pthread_mutex_lock(&l->lock);
	b = bucket_of(rows, who, most, now);
	may = filled(b, rate, most, now) >= 1;
	if (may)
		b->left -= n;
	(void)pthread_mutex_unlock(&l->lock);
	return may;
}

bool
limits_take(struct limits *l, const char *who, int64_t now)
{
	return l->rate <= 0 ||
	    take(l, l->asks, who, l->rate, l->rate * 2, 1, now);
}

bool
limits_wrong(struct limits *l, const char *peer, int64_t now)
{
	return take(l, l->wrongs, peer, 1, WRONG_MOST, 1, now);
}

bool
limits_barred(struct limits *l, const char *peer, int64_t now)
{
	return !take(l, l->wrongs, peer, 1, WRONG_MOST, 0, now);
}
