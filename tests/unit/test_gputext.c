/*
 * test_gputext.c - what is known of GPUs, from what was recorded or is known to
 * be printed (tests/gpu/), and lists of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/gputext.h"
#include "tests/unit/suites.h"

#define G(n) "GPU-" n

static struct sp_gpus gpus;

/* tests/gpu/NAME, from $TOP or from where this file was compiled. */
static void
sample(const char *name)
{
	static char text[65536];
	const char *top = getenv("TOP");
	char path[4096];
	size_t n;
	FILE *f;

	if (top != NULL)
		(void)snprintf(path, sizeof path, "%s/tests/gpu/%s", top, name);
	else
		(void)snprintf(path, sizeof path, "%.*s/../gpu/%s",
		    (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "no sample %s", path);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	sp_gpus_parse(text, n, &gpus);
}

/* All that was understood, a line each. */
static void
say(char *out, size_t size)
{
	const struct sp_gpu_proc *p;
	const struct sp_gpu *g;
	size_t i, n = 0;

	*out = '\0';
	for (i = 0; i < gpus.n && n < size; i++) {
		g = &gpus.gpu[i];
		n += (size_t)snprintf(out + n, size - n,
		    "%d|%.8s|%s|%lld|%lld|%.8s|%s%s|%s\n", g->index, g->uuid,
		    g->name, (long long)g->memory, (long long)g->used,
		    g->parent, g->split ? "split" : "",
		    g->hidden ? "hidden" : "", g->word);
	}
	for (i = 0; i < gpus.proc_n && n < size; i++) {
		p = &gpus.proc[i];
		n += (size_t)snprintf(out + n, size - n, "+%.8s|%lld|%lld|%s\n",
		    p->gpu, (long long)p->pid, (long long)p->mib, p->user);
	}
	if (gpus.source[0] != '\0' && n < size)
		n +=
		    (size_t)snprintf(out + n, size - n, "by %s\n", gpus.source);
	if (gpus.word[0] != '\0' && n < size)
		(void)snprintf(out + n, size - n, "? %s\n", gpus.word);
}

static const struct {
	const char *name, *want;
} samples[] = {
	{ "a100",
	    "0|GPU-5d5b|NVIDIA A100-SXM4-40GB|40960|31024|||\n"
	    "1|GPU-8f6f|NVIDIA A100-SXM4-40GB|40960|20316|||\n"
	    "2|GPU-0c1d|NVIDIA A100-SXM4-40GB|40960|4|||\n"
	    "+GPU-5d5b|21977|31012|bert\n"
	    "+GPU-8f6f|4711|20312|anna\n" },
	{ "h100-names",
	    "0|GPU-1f0e|NVIDIA H100 80GB HBM3|81559|78012|||\n"
	    "1|GPU-2a9d|NVIDIA H100 80GB HBM3|81559|1|||\n"
	    "+GPU-1f0e|913405|40120|\n"
	    "+GPU-1f0e|913406|37880|\n" },
	{ "consumer",
	    "0|GPU-67a5|NVIDIA GeForce GTX 1080|8192|411|||\n"
	    "1|GPU-3e34|NVIDIA GeForce GT 710|-1|-1||hidden|\n"
	    "+GPU-67a5|2201|-1|\n" },
	{ "permissions",
	    "0|GPU-67a5|NVIDIA RTX A6000|49140|12033||hidden|\n"
	    "1|GPU-3e34|NVIDIA RTX A6000|49140|-1|||\n" },
	{ "mig",
	    "0|GPU-5d5b|NVIDIA A100-SXM4-40GB|40960|48||split|\n"
	    "1|GPU-8f6f|NVIDIA A100-SXM4-40GB|40960|0|||MIG is on and no "
	    "instance was made\n"
	    "2|GPU-0c1d|NVIDIA A100-SXM4-40GB|40960|4|||\n"
	    "0|MIG-c6d4|NVIDIA A100-SXM4-40GB MIG 3g.20gb|20480|-1|GPU-5d5b||\n"
	    "0|MIG-cba6|NVIDIA A100-SXM4-40GB MIG 1g.5gb+me|5120|-1|GPU-5d5b||\n"
	    "+GPU-5d5b|4711|1204|\n" },
	{ "mig-old",
	    "0|GPU-5d5b|A100-SXM4-40GB|-1|-1||split|\n"
	    "0|MIG-GPU-|A100-SXM4-40GB MIG 3g.20gb|20480|-1|GPU-5d5b||\n" },
	{ "mig-nvml",
	    "0|GPU-5d5b|NVIDIA A100-SXM4-40GB|40960|48||split|\n"
	    "0|MIG-c6d4|NVIDIA A100-SXM4-40GB MIG "
	    "3g.20gb|19968|1241|GPU-5d5b||\n"
	    "+MIG-c6d4|4711|1204|\n"
	    "by NVML of driver 550.54.15\n" },
	{ "none", "? No devices were found\n" },
	{ "no-driver",
	    "? NVIDIA-SMI has failed because it couldn't communicate with the "
	    "NVIDIA driver. Make sure that the latest NVIDIA driver is instal\n" },
	{ "mismatch",
	    "? Failed to initialize NVML: Driver/library version mismatch\n" },
	{ "lost",
	    "0|GPU-67a5|NVIDIA GeForce RTX 2080 Ti|11264|1|||\n"
	    "1|||-1|-1|||GPU is lost\n"
	    "2|GPU-2d54|NVIDIA GeForce RTX 2080 Ti|11264|-1|||Unknown Error\n"
	    "3|GPU-80be|NVIDIA GeForce RTX 2080 Ti|11264|-1|||ERR!\n"
	    "4|GPU-91cf|NVIDIA GeForce RTX 2080 Ti|11264|-1|||GPU requires "
	    "reset\n" },
	{ "off-the-bus",
	    "? Unable to determine the device handle for GPU 0000:0B:00.0: GPU "
	    "is lost.  Reboot the system to recover this GPU\n" },
	{ "among-rows",
	    "0|GPU-67a5|NVIDIA GeForce RTX 2080 Ti|11264|1||hidden|\n"
	    "? Unable to determine the device handle for GPU 0000:0B:00.0: "
	    "Unknown Error, really\n" },
	{ "hostile",
	    "0||A|-1|-1|||GPU-67a5;rm -rf\n"
	    "1||B|-1|-1|||GPU-\n"
	    "-1|||-1|-1|||-1\n"
	    "? 7,\n" },
	{ "windows", "0|GPU-67a5|NVIDIA GeForce RTX 3090|24576|900|||\n" },
	{ "own-parent", "0|GPU-5d5b|A100|-1|-1|||ERR!\n" },
	{ "empty", "" },
};

START_TEST(from_text)
{
	char got[4096];

	sample(samples[_i].name);
	say(got, sizeof got);
	ck_assert_msg(strcmp(got, samples[_i].want) == 0,
	    "%s: got\n%swanted\n%s", samples[_i].name, got, samples[_i].want);
}
END_TEST

/* More of everything than there is room for. */
START_TEST(too_many)
{
	static char text[200000];
	size_t i, n;

	n = (size_t)snprintf(text, sizeof text, "index, uuid\n");
	for (i = 0; i < 2 * SP_GPUS_SEEN; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "%zu, GPU-%zu\n", i, i + 1000);
	n += (size_t)snprintf(text + n, sizeof text - n, "gpu_uuid, pid\n");
	for (i = 1; i < 2 * SP_GPU_PROCS; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "GPU-1000, %zu\n", i);
	sp_gpus_parse(text, n, &gpus);
	ck_assert_uint_eq(gpus.n, SP_GPUS_SEEN);
	ck_assert_uint_eq(gpus.proc_n, SP_GPU_PROCS);
	/* Who else is there is not known, so it is not called free. */
	ck_assert(gpus.gpu[0].hidden && !gpus.gpu[1].hidden);
	memset(text, 'x', sizeof text);
	sp_gpus_parse(text, sizeof text, &gpus);
	ck_assert_uint_eq(gpus.n, 0);
}
END_TEST

static const struct {
	const char *list, *wrong; /* NULL: it is right */
} lists[] = {
	{ "auto", NULL },
	{ "none", NULL },
	{ "0", NULL },
	{ "0,1,11", NULL },
	{ G("5d5ba0d6") ",1", NULL },
	{ "MIG-GPU-5d5ba0d6-d33d/1/0", NULL },
	{ "", "\"\" is none of auto, none" },
	{ "0,", "\"\" is none" },
	{ ",0", "\"\" is none" },
	{ "all", "\"all\" is none of" },
	{ "-1", "\"-1\" is none of" },
	{ "0, 1", "\" 1\" is none of" },
	{ "0,auto", "\"auto\" is none of" },
	{ "GPU-", "\"GPU-\" is none of" },
	{ "GPU-x;y", "is none of" },
	{ "12345", "is none of" },
	{ "0,1,0", "0 stands there twice" },
	{ "GPU-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "is none of" },
};

START_TEST(list)
{
	char why[128];
	bool ok = sp_gpu_list_ok(lists[_i].list, why);

	ck_assert_int_eq(ok, lists[_i].wrong == NULL);
	if (!ok)
		ck_assert_msg(strstr(why, lists[_i].wrong) != NULL, "%s", why);
}
END_TEST

static const struct {
	const char *list;
	int n;
} picks[] = {
	{ "auto", 5 },
	{ "none", 0 },
	{ "2", 1 },
	{ "0", 3 }, /* with its two MIG devices */
	{ "1,2", 2 },
	{ G("0c1d2e3f"), 1 },
	{ G("5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"), 3 },
	{ "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb", 1 },
	{ G("ffff") ",7", 0 },
};

START_TEST(pick)
{
	int n = 0;
	size_t i;

	sample("mig");
	for (i = 0; i < gpus.n; i++)
		n += sp_gpu_listed(picks[_i].list, &gpus.gpu[i]);
	ck_assert_int_eq(n, picks[_i].n);
}
END_TEST

Suite *
gputext_suite(void)
{
	Suite *suite = suite_create("gputext");
	TCase *tcase = tcase_create("gputext");

	ADD_TABLE(tcase, from_text, samples);
	tcase_add_test(tcase, too_many);
	ADD_TABLE(tcase, list, lists);
	ADD_TABLE(tcase, pick, picks);
	suite_add_tcase(suite, tcase);
	return suite;
}
