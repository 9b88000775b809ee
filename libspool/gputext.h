/*
 * gputext.h - what is known of a host's GPUs, from text: what nvidia-smi(1)
 * prints, and what workerd prints likewise of what NVML says.  Pure.
 *
 * The text is any number of tables, each with its heading, as
 *	nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.used
 *	nvidia-smi --query-gpu=uuid,mig.mode.current
 *	nvidia-smi --query-compute-apps=gpu_uuid,pid,used_memory
 * print them with --format=csv,nounits; the lines of nvidia-smi -L; a table
 * "pid, user", and a line "# by WHOM" of our own.
 */
#ifndef SP_GPUTEXT_H
#define SP_GPUTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/beat.h"

#define SP_GPUS_SEEN 128
#define SP_GPU_PROCS 512

struct sp_gpu {
	int index;                  /* -1: not known */
	char uuid[SP_UUID_MAX + 1]; /* "" when not known */
	char name[65];
	int64_t memory, used;         /* MiB, -1: not known */
	char parent[SP_UUID_MAX + 1]; /* of a MIG device: its GPU's uuid */
	bool split;    /* into MIG devices: not to be had as a whole */
	bool hidden;   /* the processes on it cannot be seen */
	char word[64]; /* why it cannot be used, "": it can */
};

struct sp_gpu_proc {
	char gpu[SP_UUID_MAX + 1]; /* or its MIG device's */
	int64_t pid;
	int64_t mib; /* -1: not known */
	char user[33];
};

struct sp_gpus {
	struct sp_gpu gpu[SP_GPUS_SEEN];
	size_t n;
	struct sp_gpu_proc proc[SP_GPU_PROCS];
	size_t proc_n;
	char source[64]; /* who says so */
	char word[128];  /* the first line that is none of these, "" if none */
};

/* Whatever is there: unknown lines and members are passed over. */
void sp_gpus_parse(const char *text, size_t len, struct sp_gpus *gpus_out);

/* "GPU-..." or "MIG-...", and nothing but what may stand in
 * CUDA_VISIBLE_DEVICES. */
bool sp_gpu_uuid_ok(const char *text);

/* ---- which of them: "auto", "none", or a list of indices and UUIDs ---- */

/* false: why_out says what is wrong with it. */
bool sp_gpu_list_ok(const char *list, char why_out[128]);
/* Is it on the list?  An index means the MIG devices of that GPU, too; a UUID
 * may be cut short. */
bool sp_gpu_listed(const char *list, const struct sp_gpu *gpu);

#endif
