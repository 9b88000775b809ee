/*
 * cast.h - the actors, and the spool that they find.
 */
#ifndef MODEL_CAST_H
#define MODEL_CAST_H

#include "tests/model/world.h"

void cast_init(void);
void cast_spool(void);

#endif
