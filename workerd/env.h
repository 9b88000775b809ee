/*
 * env.h - what a script is told.
 */
#ifndef WORKER_ENV_H
#define WORKER_ENV_H

#include <limits.h>
#include <stdbool.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/scan.h"

struct slot;
struct worker;

struct call {
	char program[PATH_MAX];
	char script[PATH_MAX];
	const char *argv[6];
	char **envp;
	struct sp_names strings; /* that envp points into */
};
/* SP_OK; SP_BAD: no such interpreter, s->why; SP_RETRY: no memory. */
enum sp_status env_make(struct worker *w, struct slot *s,
    const struct sp_buf *dressed, struct call *call_out);
void env_clear(struct call *call);
/* The path of a program, as a shell would find it. */
bool env_find(const char *program, char path_out[PATH_MAX]);

#endif
