/*
 * ops.h - the operations: what goes before, what is done, and whether all of it
 * was done.
 */
#ifndef NOMEM_OPS_H
#define NOMEM_OPS_H

#include <stdbool.h>

#include "libspool/err.h"

struct op {
	const char *name;
	void (*before)(void);
	enum sp_status (*run)(struct sp_err *err);
	bool (*after)(void);
	bool keeps; /* what it has read; after gives that back */
	bool loses; /* done again it may say that it was done */
	bool mute;  /* it says no words */
	bool rests; /* a keeper: what it could not do it does next time */
};

extern const struct op ops[];

bool ops_init(const char *dir);
void ops_end(void);

#endif
