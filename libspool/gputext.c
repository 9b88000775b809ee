/*
 * gputext.c - what is known of a host's GPUs, from text.  Pure.  What one cell
 * says is in gpucell.c; asking for the text is workerd's business, and so is
 * what follows from it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/gpucell.h"
#include "libspool/gputext.h"
#include "libspool/json.h"

#define LINE_MAX 1024

struct table {
	enum sp_gpu_col col[SP_GPU_CELLS];
	size_t n; /* 0: we are in none */
};

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
gpu_cell(struct sp_gpu *gpu, enum sp_gpu_col col, const char *cell)
{
	bool harmless = true;
	int64_t n;

	switch (col) {
	case SP_COL_INDEX:
		n = sp_gpu_number(cell, &harmless);
		if (n >= 0 && n <= 100000)
			gpu->index = (int)n;
		break;
	case SP_COL_UUID:
		if (sp_gpu_uuid_ok(cell))
			(void)strcpy(gpu->uuid, cell);
		else
			(void)sp_gpu_number(cell, &harmless);
		break;
	case SP_COL_PARENT:
		if (sp_gpu_uuid_ok(cell))
			(void)strcpy(gpu->parent, cell);
		break;
	case SP_COL_NAME:
		if (cell[0] == '[' || strcmp(cell, "ERR!") == 0)
			(void)sp_gpu_number(cell, &harmless);
		else
			sp_text_cut(gpu->name, sizeof gpu->name, cell);
		break;
	case SP_COL_TOTAL:
		gpu->memory = sp_gpu_number(cell, &harmless);
		break;
	case SP_COL_USED:
		gpu->used = sp_gpu_number(cell, &harmless);
		break;
	case SP_COL_MIG:
		gpu->split = strcasecmp(cell, "Enabled") == 0;
		break;
	case SP_COL_OTHER:
	case SP_COL_GPU:
	case SP_COL_PID:
	case SP_COL_MIB:
	case SP_COL_USER:
		break;
	}
	if (!harmless)
		sp_gpu_word(gpu->word, sizeof gpu->word, cell);
}

static void
take_gpu(struct sp_gpus *g, const struct table *t,
    char *const cell[SP_GPU_CELLS], size_t n)
{
	struct sp_gpu *gpu = NULL;
	size_t i;

	for (i = 0; i < n && gpu == NULL; i++)
		if (t->col[i] == SP_COL_UUID)
			gpu = gpu_by_uuid(g, cell[i]);
	if (gpu == NULL && (gpu = gpu_new(g)) == NULL)
		return;
	for (i = 0; i < n; i++)
		gpu_cell(gpu, t->col[i], cell[i]);
}

static void
take_proc(struct sp_gpus *g, const struct table *t,
    char *const cell[SP_GPU_CELLS], size_t n)
{
	struct sp_gpu_proc p = { .mib = -1 };
	struct sp_gpu *gpu;
	bool harmless;
	size_t i;

	for (i = 0; i < n; i++) {
		if (t->col[i] == SP_COL_GPU && sp_gpu_uuid_ok(cell[i]))
			(void)strcpy(p.gpu, cell[i]);
		else if (t->col[i] == SP_COL_PID)
			p.pid = sp_gpu_number(cell[i], &harmless);
		else if (t->col[i] == SP_COL_MIB)
			p.mib = sp_gpu_number(cell[i], &harmless);
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
take_user(struct sp_gpus *g, const struct table *t,
    char *const cell[SP_GPU_CELLS], size_t n)
{
	const char *user = "";
	bool harmless;
	int64_t pid = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (t->col[i] == SP_COL_PID)
			pid = sp_gpu_number(cell[i], &harmless);
		else if (t->col[i] == SP_COL_USER)
			user = cell[i];
	}
	for (i = 0; i < g->proc_n; i++)
		if (g->proc[i].pid == pid)
			sp_text_cut(
			    g->proc[i].user, sizeof g->proc[i].user, user);
}

/* ---- lines ---- */

static bool
has(const struct table *t, enum sp_gpu_col col)
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
	char copy[LINE_MAX], *cell[SP_GPU_CELLS];
	bool known = true;
	size_t i, n;

	(void)strcpy(copy, line);
	n = sp_gpu_cells(copy, SP_GPU_CELLS, cell);
	for (i = 0; i < n && known; i++)
		new.col[i] = sp_gpu_column(cell[i], &known);
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
	char *cell[SP_GPU_CELLS], whole[LINE_MAX];
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
	n = t->n > 0 ? sp_gpu_cells(line, t->n, cell) : 0;
	if (n > 1 && n == t->n) {
		if (has(t, SP_COL_GPU))
			take_proc(g, t, cell, n);
		else if (has(t, SP_COL_USER))
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
		sp_gpu_word(g->gpu[i].word, sizeof g->gpu[i].word,
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
