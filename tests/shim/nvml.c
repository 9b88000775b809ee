/*
 * nvml.c - stands in for libnvidia-ml.so.1: what it says of GPUs and of the
 * processes on them it reads each time from the file that $FAKE_GPUS names.
 * A line each:
 *
 *	gpu INDEX UUID TOTAL USED NAME      MiB; USED may be "lost" or "err"
 *	mig INDEX UUID TOTAL USED NAME      a part of that GPU
 *	proc UUID PID MIB                   MIB may be "?"
 *	hidden UUID                         its processes are not for us to see
 *	hang                                any call that asks hangs
 *	down                                the driver is not there
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 32

struct dev {
	int index;
	bool mig, lost, err, hidden;
	char uuid[80], name[80];
	unsigned long long total, used;
};
struct memory {
	unsigned long long total, free, used;
};
struct memory2 {
	unsigned version;
	unsigned long long total, reserved, free, used;
};
struct process {
	unsigned pid;
	unsigned long long used;
	unsigned gi, ci;
};

static struct dev devs[MOST];
static struct {
	char uuid[80];
	struct process p;
} procs[MOST];
static int devs_n, procs_n;
static bool down;

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int rc);
int nvmlSystemGetDriverVersion(char *out, unsigned size);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **dev_out);
int nvmlDeviceGetUUID(void *dev, char *out, unsigned size);
int nvmlDeviceGetName(void *dev, char *out, unsigned size);
int nvmlDeviceGetMemoryInfo(void *dev, struct memory *m);
int nvmlDeviceGetMemoryInfo_v2(void *dev, struct memory2 *m);
int nvmlDeviceGetComputeRunningProcesses_v3(
    void *dev, unsigned *n, struct process *out);
int nvmlDeviceGetMigMode(void *dev, unsigned *now, unsigned *next);
int nvmlDeviceGetMaxMigDeviceCount(void *dev, unsigned *n);
int nvmlDeviceGetMigDeviceHandleByIndex(void *dev, unsigned i, void **dev_out);

static void
take(const char *line)
{
	struct dev *d = &devs[devs_n];
	char used[32], uuid[80];
	int i;

	if (strncmp(line, "hang", 4) == 0)
		for (;;)
			(void)pause();
	if (strncmp(line, "down", 4) == 0)
		down = true;
	(void)memset(d, 0, sizeof *d);
	if (devs_n < MOST - 1 &&
	    (sscanf(line, "gpu %d %79s %llu %31s %79[^\n]", &d->index, d->uuid,
		 &d->total, used, d->name) == 5 ||
		(d->mig = sscanf(line, "mig %d %79s %llu %31s %79[^\n]",
			      &d->index, d->uuid, &d->total, used,
			      d->name) == 5))) {
		d->lost = strcmp(used, "lost") == 0;
		d->err = strcmp(used, "err") == 0;
		d->used = strtoull(used, NULL, 10);
		devs_n++;
	} else if (procs_n < MOST &&
	    sscanf(line, "proc %79s %u %31s", procs[procs_n].uuid,
		&procs[procs_n].p.pid, used) == 3) {
		procs[procs_n].p.used =
		    *used == '?' ? ~0ULL : strtoull(used, NULL, 10) << 20;
		procs_n++;
	} else if (sscanf(line, "hidden %79s", uuid) == 1)
		for (i = 0; i < devs_n; i++)
			if (strcmp(devs[i].uuid, uuid) == 0)
				devs[i].hidden = true;
}

static bool
facts(void)
{
	const char *path = getenv("FAKE_GPUS");
	char line[256];
	FILE *f = path == NULL ? NULL : fopen(path, "re");

	devs_n = procs_n = 0;
	down = f == NULL;
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		take(line);
	if (f != NULL)
		(void)fclose(f);
	return !down;
}

int
nvmlInit_v2(void)
{
	return facts() ? 0 : 9;
}

int
nvmlShutdown(void)
{
	return 0;
}

const char *
nvmlErrorString(int rc)
{
	return rc == 9 ? "Driver Not Loaded" : "Unknown Error";
}

int
nvmlSystemGetDriverVersion(char *out, unsigned size)
{
	(void)snprintf(out, size, "550.54.15");
	return 0;
}

int
nvmlDeviceGetCount_v2(unsigned *n)
{
	int i;

	if (!facts())
		return 9;
	*n = 0;
	for (i = 0; i < devs_n; i++)
		*n += !devs[i].mig;
	return 0;
}

static int
nth(unsigned n, bool mig, int index, void **dev_out)
{
	int i;

	for (i = 0; i < devs_n; i++)
		if (devs[i].mig == mig && (!mig || devs[i].index == index) &&
		    n-- == 0) {
			*dev_out = &devs[i];
			return devs[i].lost ? 15 : 0;
		}
	return 6;
}

int
nvmlDeviceGetHandleByIndex_v2(unsigned i, void **dev_out)
{
	return nth(i, false, 0, dev_out);
}

int
nvmlDeviceGetUUID(void *dev, char *out, unsigned size)
{
	(void)snprintf(out, size, "%s", ((struct dev *)dev)->uuid);
	return 0;
}

int
nvmlDeviceGetName(void *dev, char *out, unsigned size)
{
	(void)snprintf(out, size, "%s", ((struct dev *)dev)->name);
	return 0;
}

int
nvmlDeviceGetMemoryInfo_v2(void *dev, struct memory2 *m)
{
	struct dev *d = dev;

	if (m->version != (sizeof *m | 2U << 24))
		return 25;
	m->total = d->total << 20;
	m->used = d->used << 20;
	return d->err ? 999 : 0;
}

int
nvmlDeviceGetMemoryInfo(void *dev, struct memory *m)
{
	struct dev *d = dev;

	m->total = d->total << 20;
	m->used = d->used << 20;
	return d->err ? 999 : 0;
}

int
nvmlDeviceGetComputeRunningProcesses_v3(
    void *dev, unsigned *n, struct process *out)
{
	/* Some drivers 535 have longer items under the same name. */
	size_t item = getenv("FAKE_535") != NULL ? 32 : sizeof *out;
	char *at = (char *)out;
	struct dev *d = dev;
	unsigned room = *n;
	int i;

	*n = 0;
	if (d->hidden)
		return 4;
	for (i = 0; i < procs_n && *n < room; i++) {
		if (strcmp(procs[i].uuid, d->uuid) != 0)
			continue;
		(void)memset(at, 0, item);
		(void)memcpy(at, &procs[i].p, sizeof procs[i].p);
		at += item;
		++*n;
	}
	return 0;
}

int
nvmlDeviceGetMigMode(void *dev, unsigned *now, unsigned *next)
{
	void *part;

	*now = *next = nth(0, true, ((struct dev *)dev)->index, &part) == 0;
	return 0;
}

int
nvmlDeviceGetMaxMigDeviceCount(void *dev, unsigned *n)
{
	(void)dev;
	*n = 7;
	return 0;
}

int
nvmlDeviceGetMigDeviceHandleByIndex(void *dev, unsigned i, void **dev_out)
{
	return nth(i, true, ((struct dev *)dev)->index, dev_out);
}
