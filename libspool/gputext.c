/*
 * gputext.c - what is known of a host's GPUs, from text.  Pure.  Asking for the
 * text is workerd's business, and so is what follows from it.
 *
 * A driver that is unwell prints words where numbers should be.  "[N/A]" and
 * the like say that this one number is not to be had; anything else in their
 * place, "[GPU is lost]", "ERR!", says that the GPU is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/gputext.h"
#include "libspool/json.h"

#define CELLS    16
#define LINE_MAX 1024

enum col {
	COL_OTHER,
	COL_INDEX,
	COL_UUID,
	COL_NAME,
	COL_TOTAL,
	COL_USED,
	COL_MIG,
	COL_PARENT,
	COL_GPU,
	COL_PID,
	COL_MIB,
	COL_USER
};

static const struct {
	const char *name;
	enum col col;
} columns[] = {
	{ "index", COL_INDEX },
	{ "uuid", COL_UUID },
	{ "gpu_uuid", COL_GPU },
	{ "name", COL_NAME },
	{ "gpu_name", COL_NAME },
	{ "memory.total", COL_TOTAL },
	{ "memory.used", COL_USED },
	{ "mig.mode.current", COL_MIG },
	{ "parent_uuid", COL_PARENT },
	{ "pid", COL_PID },
	{ "used_gpu_memory", COL_MIB },
	{ "used_memory", COL_MIB },
	{ "user", COL_USER },
	{ "process_name", COL_OTHER },
	{ "pci.bus_id", COL_OTHER },
};

struct table {
	enum col col[CELLS];
	size_t n; /* 0: we are in none */
};

/* ---- cells ---- */

/* Cut a line at ", ", in place; the last cell takes the rest. */
static size_t
cells_of(char *line, size_t most, char *cell_out[CELLS])
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

static enum col
column_of(const char *cell, bool *known)
{
	size_t len = strcspn(cell, " "), i; /* "memory.used [MiB]" */

	for (i = 0; i < sizeof columns / sizeof *columns; i++)
		if (strlen(columns[i].name) == len &&
		    strncmp(columns[i].name, cell, len) == 0) {
			*known = true;
			return columns[i].col;
		}
	*known = false;
	return COL_OTHER;
}

/* A number from 0; else -1, and whether the words in its place are harmless. */
static int64_t
number(const char *cell, bool *harmless)
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

/* "[GPU is lost]" without its brackets. */
static void
word_set(char *out, size_t size, const char *cell)
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

/* Only what may stand in CUDA_VISIBLE_DEVICES. */
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

/* ---- rows ---- */

static struct sp_gpu *
gpu_new(struct sp_gpus *g)
{
	struct sp_gpu *gpu;

	if (g->n == SP_GPUS_SEEN)
		return NULL;
	gpu = &g->gpu[g->n++];
	(void)memset(gpu, 0, sizeof *gpu);
	gpu->index = -1;
	gpu->memory = gpu->used = -1;
	return gpu;
}

static struct sp_gpu *
gpu_by_uuid(struct sp_gpus *g, const char *uuid)
{
	size_t i;

	for (i = 0; i < g->n && *uuid != '\0'; i++)
		if (strcmp(g->gpu[i].uuid, uuid) == 0)
			return &g->gpu[i];
	return NULL;
}

/* A cell of a row about a GPU. */
static void
gpu_cell(struct sp_gpu *gpu, enum col col, const char *cell)
{
	bool harmless = true;
	int64_t n;

	switch (col) {
	case COL_INDEX:
		n = number(cell, &harmless);
		if (n >= 0 && n <= 100000)
			gpu->index = (int)n;
		break;
	case COL_UUID:
		if (sp_gpu_uuid_ok(cell))
			(void)strcpy(gpu->uuid, cell);
		else
			(void)number(cell, &harmless);
		break;
	case COL_PARENT:
		if (sp_gpu_uuid_ok(cell))
			(void)strcpy(gpu->parent, cell);
		break;
	case COL_NAME:
		if (cell[0] == '[' || strcmp(cell, "ERR!") == 0)
			(void)number(cell, &harmless);
		else
			sp_text_cut(gpu->name, sizeof gpu->name, cell);
		break;
	case COL_TOTAL:
		gpu->memory = number(cell, &harmless);
		break;
	case COL_USED:
		gpu->used = number(cell, &harmless);
		break;
	case COL_MIG:
		gpu->split = strcasecmp(cell, "Enabled") == 0;
		break;
	case COL_OTHER:
	case COL_GPU:
	case COL_PID:
	case COL_MIB:
	case COL_USER:
		break;
	}
	if (!harmless)
		word_set(gpu->word, sizeof gpu->word, cell);
}

static void
take_gpu(
    struct sp_gpus *g, const struct table *t, char *const cell[CELLS], size_t n)
{
	struct sp_gpu *gpu = NULL;
	size_t i;

	for (i = 0; i < n && gpu == NULL; i++)
		if (t->col[i] == COL_UUID)
			gpu = gpu_by_uuid(g, cell[i]);
	if (gpu == NULL && (gpu = gpu_new(g)) == NULL)
		return;
	for (i = 0; i < n; i++)
		gpu_cell(gpu, t->col[i], cell[i]);
}

static void
take_proc(
    struct sp_gpus *g, const struct table *t, char *const cell[CELLS], size_t n)
{
	struct sp_gpu_proc p = { .mib = -1 };
	struct sp_gpu *gpu;
	bool harmless;
	size_t i;

	for (i = 0; i < n; i++) {
		if (t->col[i] == COL_GPU && sp_gpu_uuid_ok(cell[i]))
			(void)strcpy(p.gpu, cell[i]);
		else if (t->col[i] == COL_PID)
			p.pid = number(cell[i], &harmless);
		else if (t->col[i] == COL_MIB)
			p.mib = number(cell[i], &harmless);
	}
	if (p.pid > 0 && p.pid <= INT32_MAX && g->proc_n < SP_GPU_PROCS) {
		g->proc[g->proc_n++] = p;
		return;
	}
	/* Who is there is not for us to know, or is more than we can hold. */
	for (i = 0; i < g->n && p.gpu[0] == '\0'; i++)
		g->gpu[i].hidden = true;
	if ((gpu = gpu_by_uuid(g, p.gpu)) != NULL)
		gpu->hidden = true;
}

static void
take_user(
    struct sp_gpus *g, const struct table *t, char *const cell[CELLS], size_t n)
{
	const char *user = "";
	bool harmless;
	int64_t pid = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (t->col[i] == COL_PID)
			pid = number(cell[i], &harmless);
		else if (t->col[i] == COL_USER)
			user = cell[i];
	}
	for (i = 0; i < g->proc_n; i++)
		if (g->proc[i].pid == pid)
			sp_text_cut(
			    g->proc[i].user, sizeof g->proc[i].user, user);
}

/* ---- lines ---- */

static bool
has(const struct table *t, enum col col)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->col[i] == col)
			return true;
	return false;
}

/* A heading begins a table: at least two cells, all of them names we know. */
static bool
heading(char *line, struct table *t)
{
	struct table new = { .n = 0 };
	char copy[LINE_MAX], *cell[CELLS];
	bool known = true;
	size_t i, n;

	(void)strcpy(copy, line);
	n = cells_of(copy, CELLS, cell);
	for (i = 0; i < n && known; i++)
		new.col[i] = column_of(cell[i], &known);
	new.n = n;
	if (n < 2 || !known)
		return false;
	*t = new;
	return true;
}

/* "GPU 0: NVIDIA A100 (UUID: GPU-5d5b...)", "  MIG 3g.20gb     Device  0:
 * (UUID: MIG-c6d4...)"; the second belongs to the last of the first. */
static bool
listed(struct sp_gpus *g, char *line, char parent[SP_UUID_MAX + 1])
{
	char uuid[SP_UUID_MAX + 1], *at, *name, *end;
	bool mig = strncmp(line, "MIG ", 4) == 0;
	struct sp_gpu *gpu, *of;
	long n = -1;

	if ((!mig && strncmp(line, "GPU ", 4) != 0) ||
	    (at = strstr(line, "(UUID: ")) == NULL ||
	    (end = strchr(at, ')')) == NULL)
		return false;
	*end = '\0';
	if (!sp_gpu_uuid_ok(at + 7))
		return false;
	(void)strcpy(uuid, at + 7);
	*at = '\0';
	name = line + 4;
	if (!mig) {
		n = strtol(name, &end, 10);
		name = *end == ':' ? end + 1 + strspn(end + 1, " ") : name;
		(void)strcpy(parent, uuid);
	} else if ((at = strstr(name, " Device")) != NULL)
		*at = '\0';
	for (end = name + strlen(name); end > name && end[-1] == ' ';)
		*--end = '\0';
	if ((gpu = gpu_by_uuid(g, uuid)) == NULL && (gpu = gpu_new(g)) == NULL)
		return true;
	(void)strcpy(gpu->uuid, uuid);
	if (!mig) {
		if (gpu->index == -1 && n >= 0 && n <= 100000)
			gpu->index = (int)n;
		if (gpu->name[0] == '\0')
			sp_text_cut(gpu->name, sizeof gpu->name, name);
		return true;
	}
	(void)strcpy(gpu->parent, parent);
	if (gpu->name[0] == '\0') {
		of = gpu_by_uuid(g, parent);
		(void)snprintf(gpu->name, sizeof gpu->name, "%.40s MIG %.18s",
		    of == NULL ? "" : of->name, name);
	}
	/* "3g.20gb": all that this list says of its memory. */
	if (gpu->memory == -1 && (at = strrchr(name, '.')) != NULL &&
	    at[1] >= '0' && at[1] <= '9' &&
	    (n = strtol(at + 1, &end, 10)) < 100000 &&
	    strncmp(end, "gb", 2) == 0)
		gpu->memory = (int64_t)n * 1024;
	return true;
}

static void
take_line(struct sp_gpus *g, char *line, struct table *t,
    char parent[SP_UUID_MAX + 1])
{
	char *cell[CELLS], whole[LINE_MAX];
	size_t n;

	line += strspn(line, " \t");
	if (*line == '\0')
		return;
	(void)strcpy(whole, line);
	if (strncmp(line, "# by ", 5) == 0) {
		sp_text_cut(g->source, sizeof g->source, line + 5);
		return;
	}
	if (heading(line, t))
		return;
	if (listed(g, line, parent)) {
		t->n = 0;
		return;
	}
	/* A sentence among rows is one all the same. */
	n = t->n > 0 ? cells_of(line, t->n, cell) : 0;
	if (n > 1 && n == t->n) {
		if (has(t, COL_GPU))
			take_proc(g, t, cell, n);
		else if (has(t, COL_USER))
			take_user(g, t, cell, n);
		else
			take_gpu(g, t, cell, n);
		return;
	}
	if (g->word[0] == '\0')
		sp_text_cut(g->word, sizeof g->word, whole);
}

/* ---- all ---- */

/* What is divided has parts; parts are named and counted by their whole. */
static void
divide(struct sp_gpus *g)
{
	struct sp_gpu *of;
	size_t i, k;
	bool any;

	for (i = 0; i < g->n; i++) {
		if (strcmp(g->gpu[i].parent, g->gpu[i].uuid) == 0)
			g->gpu[i].parent[0] = '\0'; /* nobody's own */
		if (g->gpu[i].parent[0] == '\0' ||
		    (of = gpu_by_uuid(g, g->gpu[i].parent)) == NULL)
			continue;
		of->split = true;
		if (g->gpu[i].index == -1)
			g->gpu[i].index = of->index;
		if (g->gpu[i].word[0] == '\0')
			(void)strcpy(g->gpu[i].word, of->word);
		g->gpu[i].hidden = g->gpu[i].hidden || of->hidden;
	}
	for (i = 0; i < g->n; i++) {
		any = false;
		for (k = 0; k < g->n; k++)
			any = any ||
			    (g->gpu[i].uuid[0] != '\0' &&
				strcmp(g->gpu[k].parent, g->gpu[i].uuid) == 0);
		if (!g->gpu[i].split || any)
			continue;
		/* Nothing can run on it as it is. */
		g->gpu[i].split = false;
		word_set(g->gpu[i].word, sizeof g->gpu[i].word,
		    "MIG is on and no instance was made");
	}
}

void
sp_gpus_parse(const char *text, size_t len, struct sp_gpus *g)
{
	char line[LINE_MAX], parent[SP_UUID_MAX + 1] = "";
	const char *end = text + len, *nl;
	struct table t = { .n = 0 };
	size_t n;

	(void)memset(g, 0, sizeof *g);
	for (; text < end; text = nl == NULL ? end : nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		n = (size_t)((nl == NULL ? end : nl) - text);
		n = n < sizeof line ? n : sizeof line - 1;
		(void)memcpy(line, text, n);
		line[n] = '\0';
		while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
			line[--n] = '\0';
		take_line(g, line, &t, parent);
	}
	divide(g);
}
