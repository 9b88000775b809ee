/*
 * unsaid.c - which of these files are no outcome: not one JSON object whose
 * `status` is a number.  For tests/promises, which asks that often; it knows
 * jansson and nothing of libspool, so that one does not vouch for the other.
 *
 *	unsaid FILE...
 */
#include <jansson.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		json_t *text = json_load_file(argv[i], 0, NULL);

		if (!json_is_number(json_object_get(text, "status")))
			(void)puts(argv[i]);
		json_decref(text);
	}
	return 0;
}
