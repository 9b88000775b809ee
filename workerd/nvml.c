/*
 * nvml.c - the one door to NVIDIA's management library.  No header of theirs is
 * needed: what we call is declared here, as their ABI has it since driver 418
 * or so, and newer entries are used where they are there.
 *
 * What a call answers goes into the text as nvidia-smi would print it, errors
 * too, so that there is one place that understands both.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "workerd/nvml.h"

#define LIBRARY "libnvidia-ml.so.1"

/* Their return codes that mean something to us. */
enum {
	NV_OK = 0,
	NV_NOT_SUPPORTED = 3,
	NV_NO_PERMISSION = 4,
	NV_GPU_IS_LOST = 15,
	NV_RESET_REQUIRED = 16
};

struct memory {
	unsigned long long total, free, used;
};

/* `used` of this one is without what the driver keeps for itself. */
struct memory2 {
	unsigned version;
	unsigned long long total, reserved, free, used;
};
#define MEMORY2_VERSION (sizeof(struct memory2) | 2U << 24)

/* An item of the process list, as far as all versions agree: the first has 16
 * bytes, later ones 24 (two more numbers), and that of some drivers 535 has 32,
 * though it goes by the same name. */
struct process {
	unsigned pid;
	unsigned long long used;
};
#define PROCESSES 256
#define ITEM_MOST 32
#define UNTOUCHED 0xa5

static struct {
	void *lib;
	bool up;    /* initialized */
	bool first; /* the process list is of the first version */
	int (*init)(void);
	int (*shutdown)(void);
	const char *(*error)(int);
	int (*driver)(char *, unsigned);
	int (*count)(unsigned *);
	int (*handle)(unsigned, void **);
	int (*uuid)(void *, char *, unsigned);
	int (*name)(void *, char *, unsigned);
	int (*memory)(void *, void *);
	int (*memory2)(void *, void *);
	int (*processes)(void *, unsigned *, void *);
	int (*mig_mode)(void *, unsigned *, unsigned *);
	int (*mig_most)(void *, unsigned *);
	int (*mig_handle)(void *, unsigned, void **);
} nv;

/* The first of these names that is there. */
static bool
find(void *entry, const char *const names[])
{
	void *at = NULL;
	size_t i;

	for (i = 0; names[i] != NULL && at == NULL; i++)
		at = dlsym(nv.lib, names[i]);
	(void)memcpy(entry, &at, sizeof at);
	return at != NULL;
}

#define FIND(entry, ...)                                                       \
	find(&nv.entry, (const char *const[]){ __VA_ARGS__, NULL })

static bool
load(void)
{
	if (nv.lib != NULL)
		return true;
	if ((nv.lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return false;
	if (FIND(init, "nvmlInit_v2", "nvmlInit") &&
	    FIND(shutdown, "nvmlShutdown") &&
	    FIND(count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount") &&
	    FIND(handle, "nvmlDeviceGetHandleByIndex_v2",
		"nvmlDeviceGetHandleByIndex") &&
	    FIND(uuid, "nvmlDeviceGetUUID") &&
	    FIND(name, "nvmlDeviceGetName") &&
	    FIND(memory, "nvmlDeviceGetMemoryInfo")) {
		(void)FIND(error, "nvmlErrorString");
		(void)FIND(driver, "nvmlSystemGetDriverVersion");
		(void)FIND(memory2, "nvmlDeviceGetMemoryInfo_v2");
		nv.first =
		    !FIND(processes, "nvmlDeviceGetComputeRunningProcesses_v3",
			"nvmlDeviceGetComputeRunningProcesses_v2");
		if (nv.first)
			(void)FIND(
			    processes, "nvmlDeviceGetComputeRunningProcesses");
		(void)FIND(mig_mode, "nvmlDeviceGetMigMode");
		(void)FIND(mig_most, "nvmlDeviceGetMaxMigDeviceCount");
		(void)FIND(mig_handle, "nvmlDeviceGetMigDeviceHandleByIndex");
		return true;
	}
	(void)dlclose(nv.lib);
	nv.lib = NULL;
	return false;
}

bool
nvml_there(void)
{
	void *lib = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);

	if (lib == NULL)
		return false;
	(void)dlclose(lib);
	return true;
}

/* ---- cells ---- */

static const char *
words(int rc)
{
	switch (rc) {
	case NV_NOT_SUPPORTED:
		return "[N/A]";
	case NV_NO_PERMISSION:
		return "[Insufficient Permissions]";
	case NV_GPU_IS_LOST:
		return "[GPU is lost]";
	case NV_RESET_REQUIRED:
		return "[GPU requires reset]";
	default:
		return "[Unknown Error]";
	}
}

/* A text of theirs must not end the line or the cell. */
static void
put_text(struct sp_buf *out, int rc, char *text, size_t size)
{
	char *at;

	text[size - 1] = '\0';
	for (at = text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == ',')
			*at = ' ';
	sp_buf_printf(out, ", %s", rc == NV_OK ? text : words(rc));
}

static void
put_memory(struct sp_buf *out, void *dev)
{
	struct memory2 m2 = { .version = MEMORY2_VERSION };
	struct memory m = { 0 };
	int rc = -1;

	if (nv.memory2 != NULL && (rc = nv.memory2(dev, &m2)) == NV_OK) {
		m.total = m2.total;
		m.used = m2.used;
	} else
		rc = nv.memory(dev, &m);
	if (rc == NV_OK)
		sp_buf_printf(out, ", %llu, %llu", m.total >> 20, m.used >> 20);
	else
		sp_buf_printf(out, ", %s, %s", words(rc), words(rc));
}

static void
put_processes(struct sp_buf *out, void *dev, const char *uuid)
{
	static unsigned char list[PROCESSES * ITEM_MOST];
	size_t item = nv.first ? 16 : 24, at;
	unsigned n = PROCESSES, i;
	struct process p;
	int rc;

	(void)memset(list, UNTOUCHED, sizeof list);
	rc = nv.processes == NULL ? NV_NOT_SUPPORTED
				  : nv.processes(dev, &n, list);
	if (rc != NV_OK || n > PROCESSES) {
		/* Who is there is not known. */
		sp_buf_printf(out, "%s, %s, [N/A]\n", uuid, words(rc));
		return;
	}
	for (at = n * item; !nv.first && at < n * (size_t)ITEM_MOST; at++)
		if (list[at] != UNTOUCHED)
			item = ITEM_MOST;
	for (i = 0; i < n; i++) {
		(void)memcpy(&p, list + i * item, sizeof p);
		sp_buf_printf(out, "%s, %u, ", uuid, p.pid);
		if (p.used == ~0ULL)
			sp_buf_puts(out, "[N/A]\n");
		else
			sp_buf_printf(out, "%llu\n", p.used >> 20);
	}
}

/* ---- devices ---- */

/* A row of each table, and rows for its MIG devices. */
static void
put_device(struct sp_buf *out, struct sp_buf *procs, void *dev, unsigned index,
    const char *parent)
{
	char uuid[97] = "", name[97] = "";
	unsigned on = 0, next = 0, most = 0, i, parts = 0;
	void *mig;
	int rc;

	rc = nv.uuid(dev, uuid, sizeof uuid);
	sp_buf_printf(out, "%u", index);
	put_text(out, rc, uuid, sizeof uuid);
	if (rc != NV_OK)
		uuid[0] = '\0';
	rc = nv.name(dev, name, sizeof name);
	put_text(out, rc, name, sizeof name);
	put_memory(out, dev);
	if (parent[0] == '\0' && nv.mig_mode != NULL && nv.mig_most != NULL &&
	    nv.mig_handle != NULL && nv.mig_mode(dev, &on, &next) != NV_OK)
		on = 0;
	sp_buf_printf(out, ", %s, %s\n", on == 1 ? "Enabled" : "Disabled",
	    parent[0] == '\0' ? "[N/A]" : parent);
	if (on == 1 && nv.mig_most(dev, &most) == NV_OK)
		for (i = 0; i < most; i++)
			if (nv.mig_handle(dev, i, &mig) == NV_OK) {
				put_device(out, procs, mig, index, uuid);
				parts++;
			}
	if (parts == 0 && uuid[0] != '\0')
		put_processes(procs, dev, uuid);
}

static void
cannot(struct sp_buf *out, int rc)
{
	sp_buf_printf(out, "NVML: %s\n",
	    nv.error != NULL ? nv.error(rc) : "it cannot be initialized");
}

static void
put_source(struct sp_buf *out)
{
	char version[81] = "";

	if (nv.driver != NULL && nv.driver(version, sizeof version) == NV_OK)
		sp_buf_printf(out, "# by NVML of driver %.40s\n", version);
	else
		sp_buf_puts(out, "# by NVML\n");
}

bool
nvml_print(struct sp_buf *out)
{
	struct sp_buf procs = SP_BUF_INIT(256 * 1024);
	unsigned n = 0, i;
	void *dev;
	int rc;

	if (!load())
		return false;
	/* Once, for it keeps the driver awake; anew when it was reloaded. */
	if (nv.up && nv.count(&n) != NV_OK) {
		(void)nv.shutdown();
		nv.up = false;
	}
	if (!nv.up && (rc = nv.init()) != NV_OK) {
		cannot(out, rc);
		return true;
	}
	nv.up = true;
	if ((rc = nv.count(&n)) != NV_OK) {
		cannot(out, rc);
		return true;
	}
	put_source(out);
	if (n == 0)
		sp_buf_puts(out, "No devices were found\n");
	sp_buf_puts(out,
	    "index, uuid, name, memory.total [MiB], memory.used [MiB], "
	    "mig.mode.current, parent_uuid\n");
	for (i = 0; i < n; i++) {
		if ((rc = nv.handle(i, &dev)) == NV_OK)
			put_device(out, &procs, dev, i, "");
		else
			sp_buf_printf(out,
			    "%u, %s, %s, [N/A], [N/A], "
			    "[N/A], [N/A]\n",
			    i, words(rc), words(rc));
	}
	sp_buf_puts(out, "gpu_uuid, pid, used_gpu_memory [MiB]\n");
	sp_buf_puts(out, sp_buf_text(&procs));
	sp_buf_clear(&procs);
	return true;
}
