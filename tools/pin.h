/*
 * pin.h - jobs on their way in get the content of their script, of the modules
 * that it imports, and of their data: put into the blobs, named in the order.
 *
 *	pin.c		one job: what is missing in its order
 *	pinfind.c	where its files are, and hashing them
 *	pinplan.c	their hashes, remembered from job to job
 */
#ifndef PIN_H
#define PIN_H

#include <sys/stat.h>

#include "libspool/blob.h"
#include "tools/amend.h"

/* A directory that files are looked for in. */
struct pin_place {
	int dir; /* -1: not to be opened */
	bool links;
	char path[4096];  /* absolute, links resolved */
	char words[4096]; /* as people say it, no / behind it */
};

/* A file that was hashed, as it was then. */
struct pin_file {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	char hex[SP_SHA_LEN + 1];
};

/* What the same script, or data file, of the same place gets. */
struct pin_plan {
	char *key;
	int64_t until;     /* looked at again after that (monotonic ms) */
	enum sp_status st; /* SP_OK; SP_GONE, SP_LOST: nothing to pin, then */
	char hex[SP_SHA_LEN + 1];
	char code[SP_SHA_LEN + 1]; /* "" when nothing goes with it */
	char *git;                 /* JSON, or NULL */
};

struct pin {
	struct tool *tool;
	struct pin_place beside; /* the job's directory */
	struct pin_place scripts, data;

	struct pin_file *file;
	size_t file_n, file_cap;
	struct pin_plan *plan;
	size_t plan_n, plan_cap;

	struct sp_names said; /* warnings */
	struct sp_names tops; /* work trees, each followed by its JSON */
};

void pin_init(struct pin *pin, struct tool *tool);
void pin_clear(struct pin *pin);

/* The jobs that follow stand in this file; "-": in the working directory. */
void pin_from(struct pin *pin, const char *file);

/* Pin a job: its text is byte for byte the same but for members of `order`.
 * What its order pins already stays.  A text that is no job goes through.
 * SP_BAD: it cannot be pinned, with words; SP_RETRY: the disk. */
enum sp_status pin_apply(struct pin *pin, const char *where,
    struct amended *one, struct sp_err *err);
/* Look again for what was not there. */
void pin_forget(struct pin *pin);

/* ---- pinfind.c ---- */

/* Warn, the same words once. */
void pin_warn(struct pin *pin, const char *where, const char *fmt, ...)
    SP_PRINTF(3, 4);

/* Open a file beside the job, else in `there` of the spool, and say where it
 * was found.  SP_GONE: in neither.  SP_LOST: the spool has a directory. */
enum sp_status pin_find(struct pin *pin, const struct pin_place *there,
    const char *name, const struct pin_place **place_out, int *fd_out,
    struct stat *st_out, struct sp_err *err);
/* Put an open file, unless it was put and has not changed since. */
enum sp_status pin_put(void *pin, int fd, const struct stat *st,
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err);
/* Warn when the spool has another file of this name. */
void pin_compare(struct pin *pin, const char *where,
    const struct pin_place *found, const struct pin_place *there,
    const char *name, const struct stat *st, const char *hex);

/* ---- pinplan.c ---- */

/* What code is asked for. */
struct pin_wish {
	const char *script;
	const char *code; /* the directory that order.code names, or NULL */
	const char *data; /* comes by itself, wherever else it lies, or NULL */
};

/* The hashes of a script and of what goes with it.  SP_GONE: there is no such
 * script (yet). */
enum sp_status
pin_plan(struct pin *pin, const char *where, const struct pin_wish *wish,
    const struct pin_plan **plan_out, struct sp_err *err);
/* The same of a data file: its hash alone.  SP_LOST: it is a directory, which a
 * worker pins when it takes the job. */
enum sp_status pin_plan_data(struct pin *pin, const char *where,
    const char *data, const struct pin_plan **plan_out, struct sp_err *err);

#endif
