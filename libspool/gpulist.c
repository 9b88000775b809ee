/*
 * gpulist.c - which GPUs a worker may hand out: "auto", "none", or a list of
 * indices and UUIDs.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/gputext.h"

static bool
index_is(const char *item, size_t len)
{
	return len > 0 && len <= 4 && strspn(item, "0123456789") >= len;
}

bool
sp_gpu_list_ok(const char *list, char why_out[128])
{
	const char *at = list, *other;
	char uuid[SP_UUID_MAX + 1];
	size_t len, n;

	why_out[0] = '\0';
	if (strcmp(list, "auto") == 0 || strcmp(list, "none") == 0)
		return true;
	for (;; at += len + 1) {
		len = strcspn(at, ",");
		(void)snprintf(uuid, sizeof uuid, "%.*s",
		    (int)(len < sizeof uuid ? len : 0), at);
		if (!index_is(at, len) && !sp_gpu_uuid_ok(uuid)) {
			(void)snprintf(why_out, 128,
			    "\"%.*s\" is none of auto, none, 0,1,... or "
			    "GPU-5d5ba0d6-...,... as nvidia-smi -L has them",
			    (int)(len < 40 ? len : 40), at);
			return false;
		}
		for (other = list; other < at; other += n + 1) {
			n = strcspn(other, ",");
			if (n == len && strncmp(other, at, len) == 0) {
				(void)snprintf(why_out, 128,
				    "%.*s stands there twice", (int)len, at);
				return false;
			}
		}
		if (at[len] == '\0')
			return true;
	}
}

bool
sp_gpu_listed(const char *list, const struct sp_gpu *gpu)
{
	const char *at = list;
	size_t len;

	if (strcmp(list, "auto") == 0)
		return true;
	if (strcmp(list, "none") == 0)
		return false;
	for (;; at += len + 1) {
		len = strcspn(at, ",");
		if (index_is(at, len)
			? gpu->index >= 0 && atoi(at) == gpu->index
			: (strncmp(gpu->uuid, at, len) == 0 ||
			      strncmp(gpu->parent, at, len) == 0))
			return true;
		if (at[len] == '\0')
			return false;
	}
}
