/*
 * warmseed.c - what a job has of its own in modules that were imported before
 * it: dice, secrets, the moment and the directory of its start.  The same as
 * warm.py's reseed(), which says of each why, with a tenth of its memory
 * touched; for modules that are as we know them.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "workerd/warmin.h"

#define WORDS  624 /* of a Mersenne twister */
#define SECRET 32  /* bytes */

static bool
throw_dice(void *to, size_t len)
{
	char *at = to;
	ssize_t n;

	while (len > 0) {
		n = getrandom(at, len, 0);
		if (n == -1 && errno != EINTR)
			return false;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* The state of numpy.random, as numpy.random.seed() leaves it. */
static bool
seed_numpy(struct warm_dice *dice)
{
	if (!throw_dice(dice->word, sizeof dice->word))
		return false;
	dice->word[0] |= UINT32_C(1) << 31; /* all noughts would stay so */
	dice->at = WORDS;
	return true;
}

static bool
start_logging(const struct warm_run *run)
{
	struct timespec t;
	void *now;
	bool ok;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	now = run->whole_ns
	    ? PyLong_FromLongLong(t.tv_sec * 1000000000LL + t.tv_nsec)
	    : PyFloat_FromDouble((double)t.tv_sec + (double)t.tv_nsec / 1e9);
	ok = now != NULL &&
	    PyDict_SetItemString(run->logging, "_startTime", now) == 0;
	return ok;
}

static bool
share_secret(const struct warm_run *run)
{
	char secret[SECRET];
	void *bytes, *key;

	if (!throw_dice(secret, sizeof secret))
		return false;
	bytes = PyBytes_FromStringAndSize(secret, SECRET);
	key = bytes == NULL
	    ? NULL
	    : PyObject_CallFunctionObjArgs(run->secret, bytes, NULL);
	return key != NULL &&
	    PyDict_SetItemString(run->config, "authkey", key) == 0;
}

/* What this and the fork have made is not the script's, but its module is. */
static bool
freeze(const struct warm_run *run)
{
	void *own[] = { run->module, run->main };
	size_t i;

	if (PyObject_CallFunctionObjArgs(run->freeze, NULL) == NULL)
		return false;
	for (i = 0; i < sizeof own / sizeof *own; i++) {
		PyObject_GC_UnTrack(own[i]);
		PyObject_GC_Track(own[i]);
	}
	return true;
}

bool
warm_seed(const struct warm_run *run, void *here)
{
	if (run->freeze == NULL)
		return run->reseed == NULL ||
		    PyObject_CallFunctionObjArgs(run->reseed, NULL) != NULL;
	return (run->dice == NULL || seed_numpy(run->dice)) &&
	    (run->logging == NULL || start_logging(run)) &&
	    (run->process == NULL ||
		(share_secret(run) &&
		    PyDict_SetItemString(run->process, "ORIGINAL_DIR", here) ==
			0)) &&
	    freeze(run);
}
