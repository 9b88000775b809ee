/*
 * jsonget.c - looking at the values of a JSON text that was read (json.c).
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/jsonscan.h"

void
sp_json_free(struct json_t *json)
{
	json_decref(json);
}

/* ---- looking ---- */

/* A big integer is a text to jansson (jsonscan.h), and a number to all others.
 */
const char *
sp_json_digits(const struct json_t *json)
{
	return json_is_string(json) && json_string_length(json) > 1 &&
		*json_string_value(json) == '\0'
	    ? json_string_value(json) + 1
	    : NULL;
}

enum sp_json_kind
sp_json_kind(const struct json_t *json)
{
	if (json == NULL)
		return SP_JSON_NULL;
	if (sp_json_digits(json) != NULL)
		return SP_JSON_REAL;
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return SP_JSON_OBJECT;
	case JSON_ARRAY:
		return SP_JSON_LIST;
	case JSON_STRING:
		return SP_JSON_TEXT;
	case JSON_INTEGER:
		return SP_JSON_INT;
	case JSON_REAL:
		return SP_JSON_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return SP_JSON_BOOL;
	case JSON_NULL:
		break;
	}
	return SP_JSON_NULL;
}

const char *
sp_json_kind_text(const struct json_t *json)
{
	switch (sp_json_kind(json)) {
	case SP_JSON_BOOL:
		return json_is_true(json) ? "true" : "false";
	case SP_JSON_INT:
	case SP_JSON_REAL:
		return "a number";
	case SP_JSON_TEXT:
		return "a text";
	case SP_JSON_LIST:
		return "a list";
	case SP_JSON_OBJECT:
		return "an object";
	case SP_JSON_NULL:
		break;
	}
	return json == NULL ? "nothing" : "null";
}

struct json_t *
sp_json_get(const struct json_t *json, const char *key)
{
	return json == NULL ? NULL : json_object_get(json, key);
}

const char *
sp_json_text(const struct json_t *json)
{
	return sp_json_digits(json) != NULL ? NULL : json_string_value(json);
}

double
sp_json_real(const struct json_t *json, double otherwise)
{
	if (sp_json_digits(json) != NULL)
		return strtod(sp_json_digits(json), NULL);
	return json_is_number(json) ? json_number_value(json) : otherwise;
}

int64_t
sp_json_int(const struct json_t *json, int64_t otherwise)
{
	double v;

	if (json_is_integer(json))
		return json_integer_value(json);
	if (!json_is_real(json))
		return otherwise;
	v = json_real_value(json);
	if (v < -9007199254740992.0 || v > 9007199254740992.0 ||
	    v != (double)(int64_t)v)
		return otherwise;
	return (int64_t)v;
}

bool
sp_json_true(const struct json_t *json)
{
	return json_is_true(json);
}

size_t
sp_json_count(const struct json_t *json)
{
	return json_is_array(json) ? json_array_size(json)
				   : json_object_size(json);
}

struct json_t *
sp_json_at(const struct json_t *list, size_t i)
{
	return json_array_get(list, i);
}

/* jansson's iterators take a json_t * that they do not change. */
static json_t *
unconst(const json_t *json)
{
	union {
		const json_t *in;
		json_t *out;
	} u = { json };

	return u.out;
}

bool
sp_json_next(const struct json_t *object, void **iter, const char **key_out,
    struct json_t **value_out)
{
	json_t *o = unconst(object);

	*iter = *iter == NULL ? json_object_iter(o)
			      : json_object_iter_next(o, *iter);
	if (*iter == NULL)
		return false;
	*key_out = json_object_iter_key(*iter);
	*value_out = json_object_iter_value(*iter);
	return true;
}
