/*
 * wrap.h - memory that runs out when it is told to.
 */
#ifndef NOMEM_WRAP_H
#define NOMEM_WRAP_H

#include <stdbool.h>

/* Of all requests from now on the n-th (from 0) is refused, and no other. */
void nomem_arm(long n);
/* No more; was one refused? */
bool nomem_disarm(void);
/* Pieces that were given out and not given back. */
long nomem_held(void);

#endif
