/*
 * means.c - the one copy of what means.h describes.
 */
#include "transport/means.h"

struct tr_means tr_means;
