/*
 * facts.h - by what people tell runs apart: the parameters of a job, flat, and
 * what `order` says of it to them.  Pure.
 */
#ifndef SP_FACTS_H
#define SP_FACTS_H

#include <stddef.h>

#include "libspool/buf.h"

#define SP_FACTS_MAX  16384 /* bytes of them */
#define SP_FACTS_MOST 64    /* parameters; more are left out */
#define SP_FACTS_TEXT 200   /* bytes of a name, and of a value that is a text */

/*
 * One JSON object, compact, in the order of the job's text:
 *
 *	{"params":{"learningRate":0.05,"hiddenLayers.0.dropout":0.2},
 *	 "tags":["a"],"group":"g","git":"4f0c5a6b7d8e+","cut":true}
 *
 * params: all that is not scriptName, dataFileName, projectName or order;
 * objects and lists as their members, with dots; null is left out.  Those of
 * the other members that the job has.  git: the commit, and a plus if it was
 * not clean.  cut: there is more than fits.  What is no JSON object has {}.
 */
void sp_facts_print(const char *text, size_t len, struct sp_buf *text_out);

#endif
