/*
 * test_imports.c - what a Python text imports, as a table.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/buf.h"
#include "libspool/imports.h"
#include "tests/unit/suites.h"

static const struct {
	const char *text, *modules;
} seen[] = {
	{ "", "" },
	{ "import a", "a" },
	{ "import a\n", "a" },
	{ "import a, b as c, d.e\nimport f", "a b d.e f" },
	{ "import a.b.c as d", "a.b.c" },
	{ "from a.b import c", "a.b" },
	{ "from a import *", "a" },
	{ "from a import (b, c)\nimport d", "a d" },
	{ "from a import (\n  b as x, # import q\n  c,\n)\nimport d", "a d" },
	{ "from a import b, \\\n    c\nimport d", "a d" },
	{ "import a, \\\n  b", "a b" },
	{ "import a, \\\r\n  b\r\nimport c\r\n", "a b c" },
	{ "from . import x, y as z, w", ".x .y .w" },
	{ "from . import (x,\n y)", ".x .y" },
	{ "from .x import y", ".x" },
	{ "from ..x.y import z", "..x.y" },
	{ "from ... import z", "...z" },
	{ "from .import x", ".x" },
	{ "from.x import y", ".x" },
	/* wherever it stands */
	{ "def f():\n\timport a\n", "a" },
	{ "try: import a\nexcept ImportError: import b\n", "a b" },
	{ "x = 1; import a; import b", "a b" },
	{ "if x:\n  from a import b\nelse:\n  from c import d", "a c" },
	{ "class A:\n  import a", "a" },
	{ "import a  # import b", "a" },
	{ "import a;from b import c", "a b" },
	{ "\xef\xbb\xbfimport a", "a" },
	{ "x = [1,\n 2]\nimport a", "a" },
	{ "f(\n'x')\nimport a\n", "a" },
	{ "x = ) ]\nimport a", "a" },
	{ "x = ((\nimport a\nimport b", "a b" }, /* never closed */
	{ "import \xc3\xa4pfel", "\xc3\xa4pfel" },
	{ "x = 1.5\nimport a", "a" },
	{ "x = 1if y else 2\nimport a", "a" },
	/* where it does not */
	{ "# import a", "" },
	{ "'import a'", "" },
	{ "x = 'a\\' import b'\nimport c", "c" },
	{ "\"\"\"\nimport a\n\"\"\"\nimport b", "b" },
	{ "'''it's\nimport a\n'''\nimport b", "b" },
	{ "r'\\'\nimport a\n", "a" },
	{ "rb'''\nimport a\n''' ; import b", "b" },
	{ "f'{x} import a'\nimport b", "b" },
	{ "\"\"\"never closed\nimport a", "" },
	{ "'never closed\nimport a", "a" },
	{ "'goes on \\\nimport a'\nimport b", "b" },
	{ "raise X from Y\nimport a", "a" },
	{ "yield from x\nfrom a import b", "a" },
	{ "important = 1\nimporter()\nx_import = 2", "" },
	{ "fromage = 2", "" },
	{ "importlib.import_module('a')", "" },
	{ "import", "" },
	{ "import 7", "" },
	{ "from", "" },
	{ "from import", "" },
	{ "from a", "" },
	{ "import a b", "a" },
	{ "import a,", "a" },
	{ "import a as", "a" },
	{ "from . import", "" },
	{ "\\", "" },
	{ "'\\", "" },
	{ "import a.", "a" },
};

START_TEST(table)
{
	struct sp_buf all = SP_BUF_INIT(4096);
	struct sp_names modules = { 0 };
	size_t i;

	ck_assert_int_eq(
	    sp_imports(seen[_i].text, strlen(seen[_i].text), &modules), SP_OK);
	for (i = 0; i < modules.n; i++)
		sp_buf_printf(
		    &all, "%s%s", i == 0 ? "" : " ", sp_names_at(&modules, i));
	ck_assert_msg(strcmp(sp_buf_text(&all), seen[_i].modules) == 0,
	    "%s: \"%s\", wanted \"%s\"", seen[_i].text, sp_buf_text(&all),
	    seen[_i].modules);
	sp_names_clear(&modules);
	sp_buf_clear(&all);
}
END_TEST

/* Longer than any module: passed over, with what is behind it seen. */
START_TEST(longest)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct sp_names modules = { 0 };
	int i;

	sp_buf_puts(&text, "import a");
	for (i = 0; i < 1000; i++)
		sp_buf_puts(&text, ".abc");
	sp_buf_puts(&text, "\nfrom ");
	for (i = 0; i < 1000; i++)
		sp_buf_puts(&text, ".");
	sp_buf_puts(&text, "x import y\nimport b");
	ck_assert_int_eq(
	    sp_imports(sp_buf_text(&text), text.len, &modules), SP_OK);
	ck_assert_str_eq(sp_names_at(&modules, modules.n - 1), "b");
	ck_assert_uint_le(modules.n, 2);
	sp_names_clear(&modules);
	sp_buf_clear(&text);
}
END_TEST

Suite *
imports_suite(void)
{
	Suite *suite = suite_create("imports");
	TCase *tcase = tcase_create("imports");

	ADD_TABLE(tcase, table, seen);
	tcase_add_test(tcase, longest);
	suite_add_tcase(suite, tcase);
	return suite;
}
