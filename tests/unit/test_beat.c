/*
 * test_beat.c - beats as text and back, and the question whether the process
 * behind one is gone, asked of real processes.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "tests/unit/suites.h"

#define ID "20261122T190212345-9f3c21ab"

static enum sp_status
parse(const char *text, struct sp_beat *beat_out, struct sp_err *err)
{
	return sp_beat_parse(text, strlen(text), beat_out, err);
}

static const char full[] =
    "{\"worker\":\"gpu07-3fa9c2\",\"role\":\"worker\",\"state\":\"busy\","
    "\"host\":\"gpu07\",\"boot\":\"b1\",\"pidns\":4026531836,\"pid\":4711,"
    "\"pidStart\":123456,\"started\":\"2026-11-22T19:02:12.345Z\",\"slots\":2,"
    "\"cpus\":8.0,\"memory\":68719476736,\"gpus\":4,\"beat\":77,\"running\":["
    "\"50." ID ".t1a0@gpu07-3fa9c2.wine.json\",\"07." ID
    ".t2a1@gpu07-3fa9c2.json\"],\"tags\":[\"a100\",\"big\"],"
    "\"free\":{\"slots\":1,\"cpus\":2.5,\"memory\":1024,\"gpus\":3},"
    "\"gpu\":[{\"index\":0,\"uuid\":\"GPU-5d5b\",\"name\":\"NVIDIA A100\","
    "\"memory\":40960,\"used\":4,\"jobs\":1,\"share\":2,\"blocked\":null},"
    "{\"index\":null,\"uuid\":\"\",\"name\":\"\",\"memory\":null,\"used\":null,"
    "\"jobs\":0,\"share\":2,\"blocked\":{\"pid\":4711,\"user\":\"anna\","
    "\"mib\":20312,\"why\":\"in use by others\"}},"
    "{\"index\":2,\"uuid\":\"\",\"name\":\"\",\"memory\":1,\"used\":0,"
    "\"jobs\":0,\"share\":2,\"blocked\":{\"why\":\"GPU is lost\"}}],"
    "\"good\":9,\"bad\":2,\"scripts\":[{\"script\":\"nn.py\",\"good\":7,"
    "\"bad\":1},{\"script\":\"a.sh@0123456789ab\",\"good\":0,\"bad\":1}],"
    "\"looked\":{\"when\":\"2026-11-22T19:03:00.000Z\",\"orders\":120,"
    "\"declined\":[{\"id\":\"" ID "\",\"why\":\"needs 9 GPUs, has 4\"}]},"
    "\"note\":\"disk \\\"full\\\"\"}\n";

START_TEST(round_trip)
{
	struct sp_buf b = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_err err = { "" };
	struct sp_beat beat;

	ck_assert_msg(parse(full, &beat, &err) == SP_OK, "%s", err.text);
	ck_assert_str_eq(beat.worker, "gpu07-3fa9c2");
	ck_assert_str_eq(beat.role, "worker");
	ck_assert_str_eq(beat.state, "busy");
	ck_assert_str_eq(beat.host, "gpu07");
	ck_assert_str_eq(beat.boot, "b1");
	ck_assert_uint_eq(beat.pidns, 4026531836);
	ck_assert_int_eq(beat.pid, 4711);
	ck_assert_uint_eq(beat.pid_start, 123456);
	ck_assert_int_eq(beat.started, 1795374132345);
	ck_assert_int_eq(beat.slots, 2);
	ck_assert_double_eq(beat.cpus, 8);
	ck_assert_int_eq(beat.memory, 68719476736);
	ck_assert_int_eq(beat.gpus, 4);
	ck_assert_int_eq(beat.count, 77);
	ck_assert_uint_eq(beat.running_n, 2);
	ck_assert_str_eq(beat.running[1], "07." ID ".t2a1@gpu07-3fa9c2.json");
	ck_assert_uint_eq(beat.tags_n, 2);
	ck_assert_str_eq(beat.tags[1], "big");
	ck_assert(beat.free_said);
	ck_assert_int_eq(beat.free.slots, 1);
	ck_assert_double_eq(beat.free.cpus, 2.5);
	ck_assert_int_eq(beat.free.memory, 1024);
	ck_assert_int_eq(beat.free.gpus, 3);
	ck_assert_uint_eq(beat.gpu_n, 3);
	ck_assert_str_eq(beat.gpu[0].uuid, "GPU-5d5b");
	ck_assert_int_eq(beat.gpu[0].memory, 40960);
	ck_assert_int_eq(beat.gpu[0].jobs, 1);
	ck_assert_str_eq(beat.gpu[0].blocked.why, "");
	ck_assert_int_eq(beat.gpu[1].index, -1);
	ck_assert_int_eq(beat.gpu[1].blocked.pid, 4711);
	ck_assert_str_eq(beat.gpu[1].blocked.user, "anna");
	ck_assert_int_eq(beat.gpu[1].blocked.mib, 20312);
	ck_assert_str_eq(beat.gpu[2].blocked.why, "GPU is lost");
	ck_assert_int_eq(beat.gpu[2].blocked.pid, 0);
	ck_assert_int_eq(beat.gpu[2].blocked.mib, -1);
	ck_assert_int_eq(beat.looked.when, 1795374180000);
	ck_assert_int_eq(beat.looked.orders, 120);
	ck_assert_uint_eq(beat.looked.n, 1);
	ck_assert_str_eq(beat.looked.declined[0].id.text, ID);
	ck_assert_str_eq(beat.looked.declined[0].why, "needs 9 GPUs, has 4");
	ck_assert_str_eq(beat.note, "disk \"full\"");
	sp_beat_print(&beat, &b);
	ck_assert_str_eq(sp_buf_text(&b), full);
	sp_beat_clear(&beat);
	sp_beat_clear(&beat); /* harmless */
	sp_buf_clear(&b);
}
END_TEST

START_TEST(knows_little)
{
	struct sp_beat beat;

	ck_assert_int_eq(
	    parse("{\"worker\":\"w-000001\",\"beat\":0,\"colour\":\"red\","
		  "\"pid\":-1,\"slots\":\"x\",\"gpus\":1e300,\"cpus\":-2,"
		  "\"host\":7,\"started\":\"x\",\"running\":{\"a\":1},"
		  "\"tags\":7,\"gpu\":[7,{\"index\":-3,\"uuid\":[],"
		  "\"used\":1e99,\"blocked\":{}},{\"blocked\":\"x\"}],"
		  "\"free\":{\"cpus\":-1,\"gpus\":\"x\"},\"good\":-1,"
		  "\"bad\":1e300,\"scripts\":[7,{\"script\":\"\"},"
		  "{\"script\":\"a\",\"good\":9223372036854775807,"
		  "\"bad\":[]}],"
		  "\"looked\":{\"when\":\"2026-11-22T19:03:00Z\","
		  "\"declined\":[7,{\"id\":\"x\",\"why\":\"y\"},{}]}}",
		&beat, NULL),
	    SP_OK);
	ck_assert_int_eq(beat.tally.good + beat.tally.bad, 0);
	ck_assert_uint_eq(beat.tally.n, 1);
	ck_assert_str_eq(beat.tally.row[0].script, "a");
	ck_assert_int_eq(beat.tally.row[0].good + beat.tally.row[0].bad, 0);
	ck_assert_uint_eq(beat.tags_n, 0);
	ck_assert_uint_eq(beat.gpu_n, 2);
	ck_assert_int_eq(beat.gpu[0].index, -1);
	ck_assert_int_eq(beat.gpu[0].used, -1);
	ck_assert_str_eq(beat.gpu[0].blocked.why, "no reason given");
	ck_assert_str_eq(beat.gpu[1].blocked.why, "");
	ck_assert(beat.free_said && beat.free.cpus == 0);
	ck_assert_int_eq(beat.free.gpus, 0);
	ck_assert_int_eq(beat.count, 0);
	ck_assert_int_eq(beat.pid, 0);
	ck_assert_int_eq(beat.slots, 0);
	ck_assert_int_eq(beat.gpus, 0);
	ck_assert_double_eq(beat.cpus, 0);
	ck_assert_str_eq(beat.host, "");
	ck_assert_int_eq(beat.started, 0);
	ck_assert_uint_eq(beat.running_n, 0);
	sp_beat_clear(&beat);
}
END_TEST

START_TEST(cuts_and_skips)
{
	struct sp_beat beat;

	ck_assert_int_eq(
	    parse("{\"worker\":\"w-000001\",\"beat\":1,\"role\":"
		  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"running\":[\"x\",7,"
		  "\"50." ID ".t1a0@w-000001.json\",\"../50." ID
		  ".t1a0@w-000001.json\"]}",
		&beat, NULL),
	    SP_OK);
	ck_assert_uint_eq(strlen(beat.role), sizeof beat.role - 1);
	ck_assert_uint_eq(beat.running_n, 1);
	ck_assert_str_eq(beat.running[0], "50." ID ".t1a0@w-000001.json");
	sp_beat_clear(&beat);
}
END_TEST

static const char *const bad[] = {
	"",
	"[]",
	"{}",
	"{\"beat\":1}",
	"{\"worker\":\"w-000001\"}",
	"{\"worker\":\"w-000001\",\"beat\":-1}",
	"{\"worker\":\"w-000001\",\"beat\":\"1\"}",
	"{\"worker\":\"w-000001\",\"beat\":1.5}",
	"{\"worker\":\"../x-000001\",\"beat\":1}",
	"{\"worker\":7,\"beat\":1}",
	"{\"worker\":\"w-000001\",\"beat\":1",
};

START_TEST(refuses)
{
	struct sp_err err = { "" };
	struct sp_beat beat;

	ck_assert_int_eq(parse(bad[_i], &beat, &err), SP_BAD);
	ck_assert_str_ne(err.text, "");
	sp_beat_clear(&beat);
}
END_TEST

/* ---- processes ---- */

/* The beat that a child, alive until it is killed, gives of itself. */
static pid_t
child_beat(struct sp_beat *beat)
{
	int fd[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct sp_beat self = { 0 };

		sp_beat_self(&self);
		if (write(fd[1], &self, sizeof self) != sizeof self)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(fd[0], beat, sizeof *beat), sizeof *beat);
	(void)close(fd[0]);
	(void)close(fd[1]);
	ck_assert_int_eq(beat->pid, pid);
	return pid;
}

START_TEST(self)
{
	struct sp_beat beat = { 0 };

	sp_beat_self(&beat);
	ck_assert_str_ne(beat.host, "");
	ck_assert_uint_eq(strlen(beat.boot), 36);
	ck_assert_uint_ne(beat.pidns, 0);
	ck_assert_int_eq(beat.pid, getpid());
	ck_assert_uint_ne(beat.pid_start, 0);
	ck_assert_int_gt(beat.started, 1500000000000);
	ck_assert(!sp_beat_gone_is(&beat));
}
END_TEST

START_TEST(gone)
{
	struct sp_beat beat;
	siginfo_t info;
	pid_t pid = child_beat(&beat);

	ck_assert(!sp_beat_gone_is(&beat));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	/* dead, but nobody has waited for it yet */
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert(sp_beat_gone_is(&beat));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(sp_beat_gone_is(&beat));
}
END_TEST

/* The number lives on in another process. */
START_TEST(pid_reused)
{
	struct sp_beat beat = { 0 };

	sp_beat_self(&beat);
	beat.pid_start--;
	ck_assert(sp_beat_gone_is(&beat));
}
END_TEST

/* Each doubt alone keeps a dead worker's orders with it until the lease ends.
 */
START_TEST(in_doubt)
{
	struct sp_beat beat, dead;
	pid_t pid = child_beat(&dead);

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(sp_beat_gone_is(&dead));
	beat = dead;
	(void)strcpy(beat.host, "elsewhere");
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.boot[0] ^= 1;
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.boot[0] = '\0';
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.pidns++;
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.pidns = 0;
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.pid = 0;
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.pid = -pid;
	ck_assert(!sp_beat_gone_is(&beat));
	beat = dead;
	beat.pid_start = 0;
	ck_assert(!sp_beat_gone_is(&beat));
}
END_TEST

Suite *
beat_suite(void)
{
	Suite *s = suite_create("beat");
	TCase *text = tcase_create("text"), *proc = tcase_create("process");

	tcase_add_test(text, round_trip);
	tcase_add_test(text, knows_little);
	tcase_add_test(text, cuts_and_skips);
	ADD_TABLE(text, refuses, bad);
	tcase_add_test(proc, self);
	tcase_add_test(proc, gone);
	tcase_add_test(proc, pid_reused);
	tcase_add_test(proc, in_doubt);
	suite_add_tcase(s, text);
	suite_add_tcase(s, proc);
	return s;
}
