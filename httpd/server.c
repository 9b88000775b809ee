/*
 * server.c - what handlers share: the spool as a worker sees it, and the file
 * server's clock.
 */
#include <string.h>

#include "httpd/server.h"

#define NOW_MS 10000 /* age of the file server's clock */

void
server_as(const struct server *s, const char *worker, struct sp_spool *view)
{
	*view = s->spool;
	(void)strcpy(view->actor, worker);
}

enum sp_status
server_now(struct server *s, int64_t *now_out, struct sp_err *err)
{
	int64_t now = sp_mono_ms(), took;
	enum sp_status st = SP_OK;

	(void)pthread_mutex_lock(&s->now.lock);
	if (s->now.at == 0 || now - s->now.at >= NOW_MS) {
		st = sp_server_now(&s->spool, &s->now.ms, &took, err);
		if (st == SP_OK)
			s->now.at = now;
	}
	*now_out = s->now.ms + (now - s->now.at);
	(void)pthread_mutex_unlock(&s->now.lock);
	return st;
}
