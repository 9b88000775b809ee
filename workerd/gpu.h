/*
 * gpu.h - the GPUs that a worker hands out: what it knows of each (gpuread.c
 * asks, gpuseen.c judges), and which job has which.  One that a stranger uses,
 * or that the driver is not happy with, is not handed out.
 */
#ifndef WORKER_GPU_H
#define WORKER_GPU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/beat.h"
#include "libspool/buf.h"
#include "libspool/gputext.h"
#include "libspool/outcome.h"
#include "workerd/verdict.h"

struct gpu {
	struct sp_gpu is; /* as last seen */
	bool seen;        /* in the last answer */
	int jobs;         /* of ours on it */
	int lock;         /* of this host (gpulock.c), -1: not ours */
	bool elsewhere;   /* another worker of this host has it */
	struct sp_beat_block blocked;
};

struct gpus {
	bool on;         /* there may be any */
	bool host;       /* we are in the host's own pid name space */
	bool known;      /* an answer has come, or none will */
	const char *ask; /* "auto", "none", or which */
	struct gpu at[SP_GPU_MOST];
	int n;
	int pending[SP_GPU_MOST]; /* taken for the claim being made */
	int pending_n;

	bool wanted;    /* an order waits for a fresh answer */
	int64_t hungry; /* one waits for what others have: until then, 0: no */

	/* the process that is asked */
	pid_t pid; /* 0: none */
	bool killed;
	int in, out; /* questions, answers; -1 */
	struct sp_buf text;
	int64_t asked;    /* a question is open since, 0: none is */
	int64_t answered; /* the last time, 0: never */
	int64_t cost;     /* what that took */
	int64_t again;    /* no new process before */
	bool silent;      /* no answer in good time */
	char word[128];   /* what was said last that is no fact */
};

/* What a job has. */
struct slot_gpus {
	unsigned char at[SP_GPU_MOST]; /* in struct gpus */
	int n;
	bool held; /* else it had them */
};

struct worker;
struct slot;

/* gpu.c: the GPUs that we hand out, and who has which. */
void gpu_open(struct worker *w);
int64_t gpu_tick(struct worker *w, int64_t now);
/* SIGHUP: ask anew, also where there was no driver. */
void gpu_again(struct worker *w);
/* -j auto: a slot for each share of a GPU, else for each CPU.  Waits for the
 * first answer, some seconds at most. */
int gpu_slots(struct worker *w);
int gpu_all(const struct worker *w);
int gpu_free(const struct worker *w);
/* Before the claim: set so many aside, each for nobody else on this host. */
bool gpu_reserve(struct worker *w, int n);
void gpu_unreserve(struct worker *w);            /* the claim came to nothing */
void gpu_bind(struct worker *w, struct slot *s); /* they are this one's */
void gpu_drop(struct worker *w, struct slot *s); /* it is over */
/* Something is free that was not, or not known to be. */
void gpu_changed(struct worker *w);
/* "GPU-...,GPU-...": for CUDA_VISIBLE_DEVICES. */
void
gpu_words(const struct worker *w, const struct slot *s, char *out, size_t size);
/* What it has or had, for its outcome; how many. */
int gpu_run(const struct worker *w, const struct slot *s,
    struct sp_run_gpu out[SP_GPU_MOST]);
/* May a job have so many GPUs now?  Asks for a fresh answer where what
 * is known is old. */
enum verdict gpu_judge(struct worker *w, int n, char why[128]);
void gpu_beat(const struct worker *w, struct sp_beat *beat);
void gpu_close(struct worker *w);

/* gpuseen.c: what the driver's answer means. */
void gpu_take(struct worker *w, const char *text, size_t len);

/* gpuread.c: ask the driver, in another process. */
void gpuread_open(struct worker *w, int64_t now);
int64_t gpuread_tick(struct worker *w, int64_t now);
void gpuread_take(struct worker *w); /* w->gpus.out is readable */
void gpuread_reaped(struct worker *w, pid_t pid);
void gpuread_close(struct worker *w);

/* gpuprobe.c: that process.  Their exit codes. */
#define GPUPROBE_ARG "--gpu-serve"
#define GPUPROBE_END "--end--\n"
#define GPUPROBE_MAX (512 * 1024)
int gpuprobe_once(void); /* print what is known, once: --gpu-facts */
int gpuprobe_serve(void);

/* gpulock.c: one worker of a host at a time.  A descriptor, or */
#define GPULOCK_NONE  (-1) /* there can be no lock: go without */
#define GPULOCK_TAKEN (-2) /* another worker has it */
int gpulock_take(const struct sp_gpu *gpu);
void gpulock_drop(int lock);

#endif
