/*
 * fit.c - does an order fit a worker?  Pure.  Nothing is reserved here: the
 * worker says each time what it still has to give.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/fit.h"

static bool
tag_has(const struct sp_offer *offer, const char *tag)
{
	for (size_t i = 0; i < offer->tags_n; i++) {
		if (strcmp(offer->tags[i], tag) == 0)
			return true;
	}
	return false;
}

/* "1.5 GiB" */
static void
bytes_print(int64_t bytes, char text_out[32])
{
	static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB",
		"TiB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i < sizeof unit / sizeof unit[0] - 1) {
		value /= 1024;
		i++;
	}
	(void)snprintf(text_out, 32, "%.4g %s", value, unit[i]);
}

bool
sp_fit_ok(
    const struct sp_job *job, const struct sp_offer *offer, char why_out[128])
{
	char need[32], has[32];

	why_out[0] = '\0';
	if (job->gpus > offer->gpus) {
		(void)snprintf(why_out, 128, "needs %d GPU%s, has %d",
		    job->gpus, job->gpus == 1 ? "" : "s", offer->gpus);
		return false;
	}
	if (job->cpus > offer->cpus) {
		(void)snprintf(why_out, 128, "needs %.4g CPU%s, has %.4g",
		    job->cpus, job->cpus == 1 ? "" : "s", offer->cpus);
		return false;
	}
	if (offer->memory > 0 && job->memory > offer->memory) {
		bytes_print(job->memory, need);
		bytes_print(offer->memory, has);
		(void)snprintf(
		    why_out, 128, "needs %s of memory, has %s", need, has);
		return false;
	}
	for (size_t i = 0; i < job->requires_n; i++) {
		if (!tag_has(offer, job->requires[i])) {
			(void)snprintf(why_out, 128,
			    "needs a worker with the tag \"%.64s\"",
			    job->requires[i]);
			return false;
		}
	}
	return true;
}
