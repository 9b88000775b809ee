/*
 * name.h - ids, and the file names that are the state of an order.
 * Pure: no system call, no allocation.
 *
 *   new/ waiting/            PP.ID.tTaA[.LABEL].json
 *   assigned/ done/ failed/  PP.ID.tTaA@W[.LABEL].json
 *
 * Fixed widths make byte order the dispatch order.  A bundle (many jobs, one
 * a line) ends in .jsonl and is named likewise once it was admitted.
 */
#ifndef SP_NAME_H
#define SP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"

#define SP_ID_LEN     27 /* YYYYMMDDThhmmssmmm-xxxxxxxx */
#define SP_DAY_LEN    8  /* YYYYMMDD */
#define SP_LABEL_MAX  64
#define SP_BASE_MAX   40  /* a worker's own name */
#define SP_WORKER_MAX 47  /* NAME-nnnnnn */
#define SP_NAME_MAX   200 /* any canonical name, with its NUL */
#define SP_COUNT_MAX  999999
#define SP_PRIO_MAX   99
#define SP_PRIO_USUAL 50
#define SP_FILE_MAX   200 /* a script or data file */
#define SP_SHA_LEN    64  /* a SHA-256 in lower-case hexadecimal digits */

/* What labels and workers' names are made of. */
#define SP_WORD                                                                \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

struct sp_id {
	char text[SP_ID_LEN + 1];
};

struct sp_name {
	int prio; /* 0 first .. 99 last */
	struct sp_id id;
	unsigned ticket;                /* from 1: how often it was published */
	unsigned attempt;               /* from 0: attempts spent */
	char worker[SP_WORKER_MAX + 1]; /* "" while nobody's */
	char label[SP_LABEL_MAX + 1];   /* "" when none */
	bool bundle;                    /* .jsonl */
};

/* ---- ids ---- */

/* An id from UTC milliseconds since 1970 and 32 bits.  The caller brings the
 * clock and the dice.  ms outside years 1970..9999 is clamped. */
void sp_id_make(int64_t ms, uint32_t bits, struct sp_id *id_out);
/* SP_BAD unless text is exactly one id (a real date, lower-case hex). */
enum sp_status sp_id_parse(const char *text, struct sp_id *id_out);
/* UTC milliseconds since 1970 that the id was made with. */
int64_t sp_id_ms(const struct sp_id *id);
/* The 32 bits that it was made with. */
uint32_t sp_id_bits(const struct sp_id *id);
/* "YYYYMMDD": the name of its directory in done/, failed/ and runs/. */
void sp_id_day(const struct sp_id *id, char day_out[SP_DAY_LEN + 1]);
bool sp_day_ok(const char *text);

/* ---- workers ---- */

/* W = NAME-nnnnnn from any text (a host name, say): characters outside
 * [A-Za-z0-9_-] become '-', the length is cut; an empty one becomes "x". */
void sp_worker_make(
    const char *base, uint32_t nonce, char worker_out[SP_WORKER_MAX + 1]);
bool sp_worker_ok(const char *worker);
/* Same NAME, any nonce? */
bool sp_worker_kin(const char *a, const char *b);

/* ---- orders ---- */

/* SP_BAD unless text is a canonical name, with or without @W. */
enum sp_status sp_name_parse(const char *text, struct sp_name *name_out);
/* The one spelling of a name; parse(print(n)) == n. */
void sp_name_print(const struct sp_name *name, char text_out[SP_NAME_MAX]);
/* Dispatch order: <0, 0, >0. */
int sp_name_cmp(const struct sp_name *a, const struct sp_name *b);

/* "ID.tTaA@W": an attempt's name, used for its outcome, log and metrics. */
void sp_attempt_print(const struct sp_name *name, char text_out[SP_NAME_MAX]);
/* The other way; prio and label stay at their usual values. */
enum sp_status sp_attempt_parse(const char *text, struct sp_name *name_out);
/* Same id, ticket, attempt and worker? */
bool sp_attempt_same(const struct sp_name *a, const struct sp_name *b);

/* ---- what people drop ---- */

enum sp_drop {
	SP_DROP_IGNORE, /* dotfile, ~, .tmp .part .swp .filepart .why */
	SP_DROP_ORDER,  /* a canonical name without @W */
	SP_DROP_JOB,    /* anything else */
	SP_DROP_BUNDLE  /* .jsonl */
};

/* What a name found in new/ is, by its form alone; name_out is filled for
 * SP_DROP_ORDER only and may be NULL. */
enum sp_drop sp_drop_kind(const char *text, struct sp_name *name_out);
/* A label from a dropped file's name: its last ending goes, characters outside
 * [A-Za-z0-9_-] become '_', the length is cut.  May come out as "". */
void sp_label_make(const char *file, char label_out[SP_LABEL_MAX + 1]);
bool sp_label_ok(const char *label);

/* One path component that may be a script or data file: [A-Za-z0-9._-],
 * no leading '.' or '-', 1..200 bytes. */
bool sp_file_ok(const char *file);

#endif
