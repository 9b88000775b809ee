/*
 * fuzz_files.c - files of a spool that somebody else keeps, as they come from
 * over there: the head of the queue, a tree's manifest, an order's pins.  The
 * first byte says which of them the rest is.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libspool/manifest.h"
#include "libspool/pins.h"
#include "libspool/readyin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ready(const char *text, size_t len, bool bare)
{
	struct sp_names names = { 0 };
	struct sp_name name;
	size_t i, lines;

	if (hint_parse(text, len, bare, &names, &lines) == SP_OK) {
		assert(names.n <= (bare ? SP_READY_NAMES : SP_READY_HEAD) &&
		    names.n <= lines);
		for (i = 0; i < names.n; i++) {
			assert(sp_name_parse(sp_names_at(&names, i), &name) ==
			    SP_OK);
			assert(name.worker[0] == '\0' && !name.bundle);
			assert(i == 0 ||
			    strcmp(sp_names_at(&names, i - 1),
				sp_names_at(&names, i)) <= 0);
		}
	}
	sp_names_clear(&names);
}

/* One spelling: what was read prints to what is read the same. */
static void
manifest(const char *text, size_t len)
{
	struct sp_buf b = SP_BUF_INIT(SP_MANIFEST_MAX);
	struct sp_manifest m = { 0 }, again = { 0 };
	size_t i;

	if (sp_manifest_parse(text, len, &m, NULL) == SP_OK) {
		for (i = 0; i < m.paths.n; i++) {
			assert(sp_manifest_path_ok(sp_names_at(&m.paths, i)));
			assert(sp_sha_ok(m.hex[i]));
		}
		sp_manifest_print(&m, &b);
		assert(!b.failed);
		assert(sp_manifest_parse(b.data, b.len, &again, NULL) == SP_OK);
		assert(again.paths.n == m.paths.n);
	}
	sp_manifest_clear(&again);
	sp_manifest_clear(&m);
	sp_buf_clear(&b);
}

static void
pin(const char *hex)
{
	assert(hex[0] == '\0' || sp_sha_ok(hex));
}

static void
pins(const char *text, size_t len)
{
	struct sp_pins p = { "", "", "" };

	if (!sp_pins_parse(text, len, &p))
		return;
	pin(p.script);
	pin(p.data);
	pin(p.code);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'r':
		ready(text, size - 1, false);
		break;
	case 'n':
		ready(text, size - 1, true);
		break;
	case 'm':
		manifest(text, size - 1);
		break;
	case 'p':
		pins(text, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
