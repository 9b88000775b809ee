/*
 * nvml.h - the one door to NVIDIA's management library, which is loaded when
 * it is there.  Its calls may take seconds, or hang for ever in the kernel: for
 * gpuprobe.c's process only.
 */
#ifndef WORKER_NVML_H
#define WORKER_NVML_H

#include <stdbool.h>

#include "libspool/buf.h"

/* Can it be loaded at all?  Does not ask the driver. */
bool nvml_there(void);
/* What it says of all GPUs, as libspool/gputext.h reads it.  false: there is no
 * such library, or one that is too old. */
bool nvml_print(struct sp_buf *text_out);

#endif
