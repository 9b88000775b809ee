/*
 * yaml.h - YAML as JSON, with the line that each value stands in: the one door
 * to libyaml.  Of YAML what configuration files have: one document of mappings,
 * lists and scalars.  Aliases, tags and merge keys are refused, with words.
 */
#ifndef TOOLS_YAML_H
#define TOOLS_YAML_H

#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/scan.h"

#define YAML_NODES 20000 /* values in one file */

/* Where the values stand, by their dotted paths. */
struct yaml_places {
	struct sp_names path;
	size_t *line; /* from 1 */
	size_t n, cap;
};

/* The document as JSON, which sp_json_parse then reads.  JSON is YAML.  A plain
 * scalar is null (~, null, or nothing), true, false, a number as JSON has it or
 * nearly (1e-3, .5, +1), else a text.
 * SP_BAD: it is none, or has what we do not take; err: "line N: ...".  Clear
 * the places whatever came back. */
enum sp_status yaml_read(const char *text, size_t len, struct sp_buf *json_out,
    struct yaml_places *places_out, struct sp_err *err);
/* The line of a path, or of the nearest one that it begins with; 0: none. */
size_t yaml_line(const struct yaml_places *places, const char *path);
void yaml_clear(struct yaml_places *places);

#endif
