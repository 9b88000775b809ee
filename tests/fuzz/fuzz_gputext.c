/*
 * fuzz_gputext.c - whatever a driver prints: what is understood of it keeps to
 * its limits, and nothing goes into an environment that may not stand there.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libspool/gputext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_gpus g;
	char list[256], why[128];
	size_t i, n = size < sizeof list ? size : sizeof list - 1;

	sp_gpus_parse((const char *)data, size, &g);
	assert(g.n <= SP_GPUS_SEEN && g.proc_n <= SP_GPU_PROCS);
	memcpy(list, data, n);
	list[n] = '\0';
	for (i = 0; i < g.n; i++) {
		assert(
		    g.gpu[i].uuid[0] == '\0' || sp_gpu_uuid_ok(g.gpu[i].uuid));
		assert(g.gpu[i].parent[0] == '\0' ||
		    sp_gpu_uuid_ok(g.gpu[i].parent));
		assert(g.gpu[i].index >= -1 && g.gpu[i].memory >= -1 &&
		    g.gpu[i].used >= -1);
		assert(sp_gpu_listed("auto", &g.gpu[i]) &&
		    !sp_gpu_listed("none", &g.gpu[i]));
		if (sp_gpu_list_ok(list, why))
			(void)sp_gpu_listed(list, &g.gpu[i]);
		else
			assert(why[0] != '\0');
	}
	for (i = 0; i < g.proc_n; i++)
		assert(g.proc[i].pid > 0 && g.proc[i].mib >= -1);
	return 0;
}
