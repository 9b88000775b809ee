/*
 * imports.h - which modules a Python text imports.  Pure.
 */
#ifndef SP_IMPORTS_H
#define SP_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/err.h"
#include "libspool/scan.h"

/* The modules of every `import` and `from ... import` in the text, wherever it
 * stands: "a", "a.b", and with the dots in front where it is relative: ".x",
 * "..y.z".  In the order of the text, and as often.  What is imported in other
 * ways (importlib, exec) is not seen; a text that is not Python does no harm.
 * SP_RETRY: no memory. */
enum sp_status
sp_imports(const char *text, size_t len, struct sp_names *modules_out);

/* Is a file of this name one of Python's: NAME.py? */
bool sp_python_is(const char *file);

#endif
