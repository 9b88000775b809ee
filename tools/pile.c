/*
 * pile.c - texts that are kept until they can be sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/pile.h"

static size_t
keep(struct pile *pile, const char *text, size_t len)
{
	size_t room = pile->room == 0 ? 65536 : pile->room, at = pile->used;
	char *more;

	while (room - pile->used < len)
		room *= 2;
	if (room != pile->room) {
		if ((more = realloc(pile->text, room)) == NULL) {
			pile->failed = true;
			return 0;
		}
		pile->text = more;
		pile->room = room;
	}
	if (len > 0)
		memcpy(pile->text + at, text, len);
	pile->used += len;
	return at;
}

void
pile_put(
    struct pile *pile, const struct sp_value *key, const char *text, size_t len)
{
	size_t cap = pile->cap == 0 ? 256 : pile->cap * 2;
	struct pile_one *one;

	if (pile->n == pile->cap) {
		if ((one = realloc(pile->one, cap * sizeof *one)) == NULL) {
			pile->failed = true;
			return;
		}
		pile->one = one;
		pile->cap = cap;
	}
	one = &pile->one[pile->n];
	one->key = *key;
	one->nth = pile->n;
	if (key->kind == SP_VALUE_TEXT)
		one->word = keep(pile, key->text, strlen(key->text) + 1);
	one->at = keep(pile, text, len);
	one->len = len;
	if (!pile->failed)
		pile->n++;
}

static int
compare(const struct pile_one *a, const struct pile_one *b, bool down)
{
	bool none_a = a->key.kind == SP_VALUE_NONE,
	     none_b = b->key.kind == SP_VALUE_NONE;
	int c = sp_value_cmp(&a->key, &b->key);

	if (none_a || none_b)
		c = none_a - none_b;
	else if (down)
		c = -c;
	return c != 0 ? c : (a->nth > b->nth) - (a->nth < b->nth);
}

static int
up(const void *a, const void *b)
{
	return compare(a, b, false);
}

static int
down_is(const void *a, const void *b)
{
	return compare(a, b, true);
}

void
pile_sort(struct pile *pile, bool down)
{
	size_t i;

	for (i = 0; i < pile->n; i++)
		if (pile->one[i].key.kind == SP_VALUE_TEXT)
			pile->one[i].key.text = pile->text + pile->one[i].word;
	if (pile->n > 0)
		qsort(
		    pile->one, pile->n, sizeof *pile->one, down ? down_is : up);
}

void
pile_clear(struct pile *pile)
{
	free(pile->one);
	free(pile->text);
	memset(pile, 0, sizeof *pile);
}
