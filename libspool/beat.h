/*
 * beat.h - workers/W.json: what a worker is, what it runs, and a counter that
 * each beat increments.  Printing and reading are pure.
 */
#ifndef SP_BEAT_H
#define SP_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"
#include "libspool/tally.h"

#define SP_BEAT_MAX  (384 * 1024)
#define SP_GPU_MOST  64 /* that one worker hands out */
#define SP_UUID_MAX  96
#define SP_TAGS_MOST 64
#define SP_TAG_MAX   128
#define SP_DECLINES  32

/* Why a GPU is not handed out. */
struct sp_beat_block {
	int64_t pid;   /* whose process is on it, 0: not known */
	char user[33]; /* whose that is, "" when not known */
	int64_t mib;   /* what it has taken there, -1: not known */
	char why[96];  /* in words, "": it is handed out */
};

struct sp_beat_gpu {
	int index;                  /* as nvidia-smi counts, -1: not known */
	char uuid[SP_UUID_MAX + 1]; /* "" when not known */
	char name[65];
	int64_t memory, used; /* MiB, -1: not known */
	int jobs, share;      /* of the worker's on it; how many may be */
	struct sp_beat_block blocked;
};

/* An order that the worker looked at and left to others. */
struct sp_beat_decline {
	struct sp_id id;
	char why[128];
};

struct sp_beat {
	char worker[SP_WORKER_MAX + 1];
	char role[16];  /* "worker" or "spoold" */
	char state[16]; /* "idle", "busy", "draining", "bad-host" */
	char host[65];
	char boot[40];  /* the kernel's boot id */
	uint64_t pidns; /* its pid name space: pids mean nothing elsewhere */
	int64_t pid;
	uint64_t pid_start; /* clock ticks since boot */
	int64_t started;    /* ms since 1970 */
	int slots;
	double cpus;
	int64_t memory;
	int gpus; /* that it hands out */
	struct sp_beat_gpu *gpu;
	size_t gpu_n; /* may be more: those that are lost */
	char (*tags)[SP_TAG_MAX + 1];
	size_t tags_n;
	bool free_said; /* what nothing has been claimed of */
	struct {
		int slots;
		double cpus;
		int64_t memory;
		int gpus;
	} free;
	int64_t count;                /* the beat */
	char (*running)[SP_NAME_MAX]; /* canonical names */
	size_t running_n;
	struct sp_tally tally;
	struct {
		int64_t when;   /* ms since 1970, 0: never */
		int64_t orders; /* looked at in the minute before */
		struct sp_beat_decline *declined;
		size_t n;
	} looked;
	char note[128]; /* in words, "" when all is well */
};

/* One line with its newline. */
void sp_beat_print(const struct sp_beat *beat, struct sp_buf *text_out);
/* Parts of it, for others that print what a worker has: members "tags",
 * "free", "gpu"; one item of "gpu". */
struct sp_jw;
struct json_t;
void sp_beat_means_print(struct sp_jw *w, const struct sp_beat *beat);
void sp_beat_gpu_print(struct sp_jw *w, const struct sp_beat_gpu *gpu);
/* beatlook.c: the member "looked", and back. */
void sp_beat_looked_print(struct sp_jw *w, const struct sp_beat *beat);
enum sp_status sp_beat_looked_take(
    const struct json_t *looked, struct sp_beat *beat, struct sp_err *err);
/* Unknown members are ignored, but `worker` and `beat` must be there.  Clear
 * with sp_beat_clear. */
enum sp_status sp_beat_parse(
    const char *text, size_t len, struct sp_beat *beat_out, struct sp_err *err);
void sp_beat_clear(struct sp_beat *beat);

/* ---- this process (reads /proc and the host's name) ---- */

/* Fill host, boot, pidns, pid, pid_start, started. */
void sp_beat_self(struct sp_beat *beat);
/* Same host, boot and pid name space as we, and no such process any more?
 * False whenever that is in doubt. */
bool sp_beat_gone_is(const struct sp_beat *beat);

#endif
