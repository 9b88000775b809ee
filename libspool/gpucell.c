/*
 * gpucell.c - one cell of a table about GPUs: which column it heads, which
 * number, uuid or word it holds.  Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/gpucell.h"
#include "libspool/gputext.h"
#include "libspool/json.h"

static const struct {
	const char *name;
	enum sp_gpu_col col;
} columns[] = {
	{ "index", SP_COL_INDEX },
	{ "uuid", SP_COL_UUID },
	{ "gpu_uuid", SP_COL_GPU },
	{ "name", SP_COL_NAME },
	{ "gpu_name", SP_COL_NAME },
	{ "memory.total", SP_COL_TOTAL },
	{ "memory.used", SP_COL_USED },
	{ "mig.mode.current", SP_COL_MIG },
	{ "parent_uuid", SP_COL_PARENT },
	{ "pid", SP_COL_PID },
	{ "used_gpu_memory", SP_COL_MIB },
	{ "used_memory", SP_COL_MIB },
	{ "user", SP_COL_USER },
	{ "process_name", SP_COL_OTHER },
	{ "pci.bus_id", SP_COL_OTHER },
};

size_t
sp_gpu_cells(char *line, size_t most, char *cell_out[SP_GPU_CELLS])
{
	size_t n = 0;
	char *comma;

	for (;;) {
		line += strspn(line, " \t");
		cell_out[n++] = line;
		if (n == most || (comma = strchr(line, ',')) == NULL)
			break;
		*comma = '\0';
		line = comma + 1;
	}
	return n;
}

enum sp_gpu_col
sp_gpu_column(const char *cell, bool *known)
{
	size_t len = strcspn(cell, " "), i; /* "memory.used [MiB]" */

	for (i = 0; i < sizeof columns / sizeof *columns; i++)
		if (strlen(columns[i].name) == len &&
		    strncmp(columns[i].name, cell, len) == 0) {
			*known = true;
			return columns[i].col;
		}
	*known = false;
	return SP_COL_OTHER;
}

int64_t
sp_gpu_number(const char *cell, bool *harmless)
{
	static const char *const soft[] = { "", "[N/A]", "N/A",
		"[Not Supported]", "[Insufficient Permissions]",
		"[Not Available]", "[Not Found]" };
	char *end;
	long long v;
	size_t i;

	*harmless = true;
	if (*cell >= '0' && *cell <= '9') {
		v = strtoll(cell, &end, 10);
		if ((*end == '\0' || *end == ' ') && v < INT64_MAX)
			return v;
	}
	for (i = 0; i < sizeof soft / sizeof *soft; i++)
		if (strcasecmp(cell, soft[i]) == 0)
			return -1;
	*harmless = false;
	return -1;
}

void
sp_gpu_word(char *out, size_t size, const char *cell)
{
	char *end;

	if (*out != '\0')
		return;
	sp_text_cut(out, size, *cell == '[' ? cell + 1 : cell);
	end = out + strlen(out);
	if (end > out && end[-1] == ']')
		end[-1] = '\0';
	if (*out == '\0')
		sp_text_cut(out, size, "unknown error");
}

bool
sp_gpu_uuid_ok(const char *text)
{
	size_t len = strlen(text);

	return len > 4 && len <= SP_UUID_MAX &&
	    (strncmp(text, "GPU-", 4) == 0 || strncmp(text, "MIG-", 4) == 0) &&
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-/") == len;
}
