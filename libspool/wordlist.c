/*
 * wordlist.c - the sentences that libraries, runtimes and the C library die
 * with.  One row a sentence, taken from real ends of jobs; tests/unit/
 * test_words.c has those.  Pure.
 *
 * bad-host is for what another host may well do better; what may be the
 * script's own doing as well ("unspecified launch failure", "Illegal
 * instruction", a module that is missing) is not there.
 */
#include <string.h>

#include "libspool/wordlist.h"

enum when {
	ALWAYS,
	WHOLE,  /* as the end of a word */
	GIVEN,  /* if the job was given a GPU: else it is right that none is
	           seen */
	DEVICE, /* of the host or of a GPU: the line says, or whether it has
	           one */
	FILES,  /* if it is no matter of watches (inotify says so, too) */
	LIBRARY /* if it is not a path of the script's own */
};

static const struct {
	const char *words;
	enum sp_cause cause;
	enum when when;
} list[] = {
	/* Before those of the host's memory, which they may contain. */
	{ "CUDA out of memory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "CUDA error: out of memory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "CUDA_ERROR_OUT_OF_MEMORY", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "cudaErrorMemoryAllocation", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "out_of_memory: CUDA error", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "[CUDA] out of memory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "torch.OutOfMemoryError", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "torch.cuda.OutOfMemoryError", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "cupy.cuda.memory.OutOfMemoryError", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "CUBLAS_STATUS_ALLOC_FAILED", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "CUDNN_STATUS_ALLOC_FAILED", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "HIP out of memory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "hipErrorOutOfMemory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "MPS backend out of memory", SP_CAUSE_CUDA_OOM, ALWAYS },
	{ "OOM when allocating tensor", SP_CAUSE_CUDA_OOM, DEVICE },
	{ "ResourceExhaustedError", SP_CAUSE_CUDA_OOM, DEVICE },
	{ "RESOURCE_EXHAUSTED: Out of memory", SP_CAUSE_CUDA_OOM, DEVICE },
	{ "RESOURCE_EXHAUSTED: Failed to allocate", SP_CAUSE_CUDA_OOM, DEVICE },

	{ "MemoryError", SP_CAUSE_OOM, WHOLE },
	{ "OutOfMemoryError", SP_CAUSE_OOM, WHOLE },
	{ "iB for an array with shape", SP_CAUSE_OOM, ALWAYS },
	{ "std::bad_alloc", SP_CAUSE_OOM, ALWAYS },
	{ "Cannot allocate memory", SP_CAUSE_OOM, ALWAYS },
	{ "cannot allocate vector of size", SP_CAUSE_OOM, ALWAYS },
	{ "DefaultCPUAllocator: ", SP_CAUSE_OOM, ALWAYS },
	{ "heap out of memory", SP_CAUSE_OOM, ALWAYS },
	{ "runtime: out of memory", SP_CAUSE_OOM, ALWAYS },
	{ "memory allocation of ", SP_CAUSE_OOM, ALWAYS },
	{ ": memory exhausted", SP_CAUSE_OOM, ALWAYS },
	{ "virtual memory exhausted", SP_CAUSE_OOM, ALWAYS },
	{ "oom_kill event", SP_CAUSE_OOM, ALWAYS },
	{ "is killed by signal: Killed", SP_CAUSE_OOM, ALWAYS },

	{ "No space left on device", SP_CAUSE_DISK_FULL, FILES },
	{ "Disk quota exceeded", SP_CAUSE_DISK_FULL, ALWAYS },
	{ "[Errno 28]", SP_CAUSE_DISK_FULL, FILES },
	{ "[Errno 122]", SP_CAUSE_DISK_FULL, ALWAYS },
	{ "ENOSPC", SP_CAUSE_DISK_FULL, FILES },
	{ "database or disk is full", SP_CAUSE_DISK_FULL, ALWAYS },

	{ "no kernel image is available for execution", SP_CAUSE_BAD_HOST,
	    ALWAYS },
	{ "NVIDIA driver on your system is too old", SP_CAUSE_BAD_HOST,
	    ALWAYS },
	{ "CUDA driver version is insufficient", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "Driver/library version mismatch", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "Failed to initialize NVML", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "unsupported display driver / cuda driver", SP_CAUSE_BAD_HOST,
	    ALWAYS },
	{ "system not yet initialized", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "CUDA unknown error - this may be due to", SP_CAUSE_BAD_HOST,
	    ALWAYS },
	{ "busy or unavailable", SP_CAUSE_BAD_HOST, GIVEN },
	{ "Found no NVIDIA driver", SP_CAUSE_BAD_HOST, GIVEN },
	{ "No CUDA GPUs are available", SP_CAUSE_BAD_HOST, GIVEN },
	{ "no CUDA-capable device is detected", SP_CAUSE_BAD_HOST, GIVEN },
	{ "uncorrectable ECC error", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "uncorrectable NVLink error", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "fallen off the bus", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "GPU is lost", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "NVRM: Xid", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "Unable to determine the device handle", SP_CAUSE_BAD_HOST, ALWAYS },
	{ ": cannot open shared object file", SP_CAUSE_BAD_HOST, LIBRARY },
	{ ": version `GLIBC", SP_CAUSE_BAD_HOST, ALWAYS },
	{ ": version `CXXABI", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "cannot execute binary file", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "Stale file handle", SP_CAUSE_BAD_HOST, ALWAYS },
	{ "Input/output error", SP_CAUSE_BAD_HOST, ALWAYS },
};

static bool
contains(const char *line, const char *words)
{
	return strstr(line, words) != NULL;
}

static bool
word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

/* "libcudnn.so.8: cannot open", but not "./mine.so: cannot open". */
static bool
library_is(const char *line, const char *at)
{
	while (at > line && at[-1] != ' ' && at[-1] != '\'') {
		at--;
		if (*at == '/')
			return false;
	}
	return true;
}

static bool
applies(size_t i, const char *line, const char *at, bool gpu)
{
	switch (list[i].when) {
	case ALWAYS:
	case DEVICE:
		return true;
	case WHOLE:
		return !word_char(at[strlen(list[i].words)]);
	case GIVEN:
		return gpu;
	case FILES:
		return !contains(line, "watch");
	case LIBRARY:
		return library_is(line, at);
	}
	return false;
}

/* Which memory?  TensorFlow names the device, JAX does not. */
static enum sp_cause
device(const char *line, bool gpu)
{
	if (contains(line, "GPU"))
		return SP_CAUSE_CUDA_OOM;
	if (contains(line, "CPU") || contains(line, "cpu"))
		return SP_CAUSE_OOM;
	return gpu ? SP_CAUSE_CUDA_OOM : SP_CAUSE_OOM;
}

bool
sp_wordlist_cause(const char *line, bool gpu, enum sp_cause *cause_out)
{
	const char *at;
	size_t i;

	for (i = 0; i < sizeof list / sizeof *list; i++) {
		if ((at = strstr(line, list[i].words)) == NULL ||
		    !applies(i, line, at, gpu))
			continue;
		*cause_out =
		    list[i].when == DEVICE ? device(line, gpu) : list[i].cause;
		return true;
	}
	return false;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
sp_wordlist_tame_is(const char *line)
{
	static const char *const tame[] = { "WARN", "Warn", "warn", "INFO",
		"DEBUG", ": W ", ": I ", "retry", "Retry", "retries", "reduc",
		"Caught", " caught", "recovered", "recovering", "handled",
		"kipping", "alling back", "Could not load dynamic library",
		"torch.distributed.elastic" };
	size_t i;

	/* Google's logs: "W1123 19:02:12.345 ...". */
	if ((*line == 'W' || *line == 'I') && digit(line[1]) &&
	    digit(line[2]) && digit(line[3]) && digit(line[4]))
		return true;
	for (i = 0; i < sizeof tame / sizeof *tame; i++)
		if (contains(line, tame[i]))
			return true;
	return false;
}

/* "ValueError: x", "foo.BarException", of whatever language. */
static bool
exception_is(const char *line)
{
	static const char *const ends[] = { "Error", "Exception", "Interrupt",
		"Exit" };
	size_t n = 0, i;

	while (word_char(line[n]) || line[n] == '.')
		n++;
	if (line[n] != '\0' && line[n] != ':')
		return false;
	for (i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n >= strlen(ends[i]) &&
		    memcmp(line + n - strlen(ends[i]), ends[i],
			strlen(ends[i])) == 0)
			return true;
	return false;
}

bool
sp_wordlist_error_is(const char *line)
{
	static const char *const begin[] = { "Error", "error:", "ERROR",
		"Fatal", "fatal:", "FATAL", "CRITICAL",
		"panic:", "usage:", "Usage:", "Exception in thread",
		"thread '" };
	static const char *const inside[] = { " error: ", ": error: ",
		" ERROR ", "ERROR:", " FATAL ", "command not found",
		"No such file or directory", "Permission denied",
		"Segmentation fault", "Assertion `", "terminate called" };
	size_t i;

	line += strspn(line, " \t");
	for (i = 0; i < sizeof begin / sizeof *begin; i++)
		if (strncmp(line, begin[i], strlen(begin[i])) == 0)
			return true;
	for (i = 0; i < sizeof inside / sizeof *inside; i++)
		if (contains(line, inside[i]))
			return true;
	return exception_is(line);
}

bool
sp_wordlist_passed_is(const char *line)
{
	static const char *const passed[] = { "ChildFailedError",
		"CalledProcessError", "ProcessExitedException", "SystemExit",
		"RemoteTraceback" };
	size_t i, n = strcspn(line, ":");

	for (i = 0; i < sizeof passed / sizeof *passed; i++)
		if (memmem(line, n, passed[i], strlen(passed[i])) != NULL)
			return true;
	return false;
}
