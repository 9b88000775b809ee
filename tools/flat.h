/*
 * flat.h - members of a JSON object by their dotted names, with their values
 * as texts; lists stay whole.
 */
#ifndef FLAT_H
#define FLAT_H

#include "libspool/json.h"
#include "libspool/scan.h"

struct flat_one {
	char *name, *value; /* the value as JSON; a text without its quotes */
	bool text;
};

struct flat {
	struct flat_one *one; /* in the order of the object */
	size_t n, cap;
	bool failed; /* no memory */
};

/* Add all members of `object`, their names after `prefix`; those named in
 * `but` (NULL at the end) are left out, at the top. */
void flat_add(struct flat *flat, const char *prefix,
    const struct json_t *object, const char *const *but);
/* NULL: there is none of that name. */
const struct flat_one *flat_get(const struct flat *flat, const char *name);
/* Sorted by name. */
void flat_sort(struct flat *flat);
void flat_clear(struct flat *flat);

#endif
