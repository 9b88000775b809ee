/*
 * warmrun.c - the loader that Python's main program asks for (warm.py has the
 * plan): it forks, and in a fork it becomes the process of a job and runs its
 * script, if that is known, or lets warm.py do so.  In C for the frames, none
 * of ours lies under the script, and for the pages that it does not touch.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/warmin.h"

#define KNOWN  128   /* scripts */
#define MOST   65536 /* bytes of one */
#define TAUGHT 1     /* of run->ours */

SHOWN void *spool_warm_loader(struct warm_run *run);
SHOWN int spool_warm_know(const char *text, size_t len, void *code);

static struct known {
	const char *text;
	size_t len;
	void *code;
} known[KNOWN];
static size_t known_n;

static struct warm_run *the_run;   /* there is one */
static uint64_t files[WARM_FILES]; /* that a script finds open */

/* warm.py holds both for as long as we know them.  NULL: forget all.  False:
 * these are enough. */
int
spool_warm_know(const char *text, size_t len, void *code)
{
	if (text == NULL)
		known_n = 0;
	else if (known_n == KNOWN)
		return false;
	else
		known[known_n++] = (struct known){ text, len, code };
	return true;
}

/* ---- the script ---- */

/* Its code, if it is a file of its own with a text that is known. */
static void *
code_of(const char *script)
{
	static char text[MOST];
	ssize_t n = 0, got;
	struct stat st;
	size_t i;
	int fd;

	if (lstat(script, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > MOST)
		return NULL;
	for (i = 0; i < known_n; i++)
		if (known[i].len == (size_t)st.st_size)
			break;
	if (i == known_n || (fd = open(script, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	while (n < MOST && (got = read(fd, text + n, (size_t)(MOST - n))) > 0)
		n += got;
	(void)close(fd);
	for (; i < known_n; i++)
		if (known[i].len == (size_t)n &&
		    memcmp(known[i].text, text, (size_t)n) == 0)
			return known[i].code;
	return NULL;
}

/* sys.argv and sys.orig_argv */
static bool
set_arguments(const struct warm_run *run, const char *script, const char *arg)
{
	unsigned long n = strtoul(arg, NULL, 10), i, k;
	void *argv = PyList_New((ssize_t)n + 1);
	void *orig = run->orig ? PyList_New((ssize_t)n + 3) : NULL;
	void *one;

	if (argv == NULL || (run->orig && orig == NULL))
		return false;
	if (orig != NULL &&
	    (PyList_SetItem(orig, 0,
		 PyUnicode_DecodeFSDefault(run->place->program)) != 0 ||
		PyList_SetItem(orig, 1, PyUnicode_DecodeFSDefault("-u")) != 0))
		return false;
	for (i = 0, k = 2; i <= n; i++, k++) {
		one = PyUnicode_DecodeFSDefault(i == 0 ? script : arg);
		if (one == NULL || PyList_SetItem(argv, (ssize_t)i, one) != 0)
			return false;
		if (orig != NULL) {
			Py_IncRef(one);
			if (PyList_SetItem(orig, (ssize_t)k, one) != 0)
				return false;
		}
		arg = warm_after(arg);
	}
	return PySys_SetObject("argv", argv) == 0 &&
	    (orig == NULL || PySys_SetObject("orig_argv", orig) == 0);
}

/* What Python's main program has set for the name that it was started with, and
 * what else is this job's own. */
static bool
set_names(const struct warm_run *run, const char *script, void *code)
{
	char full[8192];
	size_t n = 0;
	void *name, *here;

	if (getcwd(full, sizeof full / 2) == NULL)
		return false;
	here = PyUnicode_DecodeFSDefault(full);
	if (run->whole) {
		n = strlen(full);
		full[n++] = '/';
	}
	if (here == NULL || strlen(script) >= sizeof full - n)
		return false;
	(void)strcpy(full + n, script);
	name = PyUnicode_DecodeFSDefault(full);
	return name != NULL &&
	    PyObject_CallFunctionObjArgs(run->rename, code, name, NULL) !=
	    NULL &&
	    PyDict_SetItemString(run->state, "path", name) == 0 &&
	    PyDict_SetItemString(run->main, "__file__", name) == 0 &&
	    PyDict_SetItemString(run->main, "__loader__", run->loader) == 0 &&
	    PyDict_SetItem(run->importers, name, run->none) == 0 &&
	    warm_seed(run, here) &&
	    (!run->here || PyList_SetItem(run->path, 0, here) == 0);
}

/* ---- its end ---- */

static long
number(void *callable)
{
	void *n = PyObject_CallFunctionObjArgs(callable, NULL);

	return n == NULL ? -1 : PyLong_AsLong(n);
}

static bool
flush(const char *name)
{
	void *file = PySys_GetObject(name);

	return file != NULL && PyObject_CallMethod(file, "flush", NULL) != NULL;
}

static void *
newest(void *modules)
{
	void *key = NULL, *value;
	ssize_t at = 0;

	while (PyDict_Next(modules, &at, &key, &value))
		;
	return key;
}

/* As Python's main program clears up after a script, in which we are called: it
 * does not hear of us again, so what it holds of the module is ours to let go.
 */
static void
forget_names(const struct warm_run *run)
{
	if (PyDict_DelItemString(run->main, "__file__") != 0)
		PyErr_Clear();
	if (PyDict_DelItemString(run->main, "__cached__") != 0)
		PyErr_Clear();
}

/* How it ended, for warm.py's own end. */
static void
tell_end(const struct warm_run *run, void *type, void *value, void *trace)
{
	if (PyObject_CallFunctionObjArgs(run->over,
		type == NULL ? run->none : type,
		value == NULL ? run->none : value,
		trace == NULL ? run->none : trace, NULL) == NULL)
		PyErr_Clear();
}

/* With an exception. */
static _Noreturn void
fail(const struct warm_run *run)
{
	bool interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	void *type, *value, *trace;

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	tell_end(run, type, value, trace);
	if (!flush("stderr") || !flush("stdout"))
		PyErr_Clear();
	Py_DecRef(run->module);
	PyErr_Restore(type, value, trace);
	PyErr_Print(); /* which ends us, if it is SystemExit */
	forget_names(run);
	if (!interrupted || !run->signals)
		Py_Exit(1);
	(void)Py_FinalizeEx();
	(void)signal(SIGINT, SIG_DFL);
	(void)kill(getpid(), SIGINT);
	_exit(128 + SIGINT);
}

static _Noreturn void
run_script(const struct warm_run *run, void *code)
{
	ssize_t n = PyDict_Size(run->modules);
	void *last = newest(run->modules);
	long registered = number(run->registered);
	void *result;

	/* We were called, the script is not to be. */
	if (Py_LeaveRecursiveCall != NULL)
		Py_LeaveRecursiveCall();
	if ((result = PyEval_EvalCode(code, run->main, run->main)) == NULL)
		fail(run);
	Py_DecRef(result);
	if (PyDict_Size(run->modules) == n && newest(run->modules) == last &&
	    number(run->registered) == registered &&
	    number(run->threads) == 0 && warm_plain(run) && flush("stderr") &&
	    flush("stdout") && warm_nothing_left(files))
		exit(0);
	PyErr_Clear();
	tell_end(run, NULL, NULL, NULL);
	if (!flush("stderr") || !flush("stdout"))
		PyErr_Clear();
	forget_names(run);
	Py_DecRef(run->module);
	Py_Exit(0);
}

/* ---- the loader ---- */

static void *
become(const struct warm_run *run, long len)
{
	const char *dir = run->place->text, *script = warm_after(dir);
	void *code = NULL, *text;
	size_t i;

	if (run->over != NULL && run->place->told)
		code = code_of(script);
	if (code != NULL &&
	    set_arguments(run, script, warm_after(warm_after(script))) &&
	    set_names(run, script, code)) {
		for (i = 0; i < sizeof run->ours / sizeof run->ours[0]; i++)
			(void)close(run->ours[i]);
		run_script(run, code);
	}
	PyErr_Clear();
	text = PyBytes_FromStringAndSize(dir, (ssize_t)len);
	return text == NULL
	    ? NULL
	    : PyObject_CallFunctionObjArgs(run->take, text, NULL);
}

/* What is asked of the server; nothing of Python's is touched (warm_forked).
 * Forks, or it ends. */
static void
hear(const struct warm_run *run, struct warm_asked *asked)
{
	bool taught;
	struct stat st;
	char c;

	if (!warm_hear(run->place, asked))
		_exit(0);
	if (stat("/proc/self/task", &st) == -1 || st.st_nlink > 3)
		(void)PyObject_CallFunctionObjArgs(run->stop, NULL);
	if (!spool_warm_same(run->place)) {
		/* What was imported has changed: another one is to be started.
		 */
		(void)send(run->place->control, "\1O", 2, MSG_NOSIGNAL);
		_exit(0);
	}
	taught = recv(run->ours[TAUGHT], &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
	if (taught)
		(void)PyObject_CallFunctionObjArgs(run->learn, NULL);
	warm_pack_again(taught);
}

/* What is open here and will be in a job that has closed what is ours; asked
 * once, for a look at all handles is long. */
static void
know_files(const struct warm_run *run)
{
	size_t i;

	warm_files(files);
	warm_files_without(files, run->place->control);
	for (i = 0; i < sizeof run->ours / sizeof run->ours[0]; i++)
		warm_files_without(files, run->ours[i]);
}

/* Called by Python's main program with the script's name; returns in the
 * process of a job, if at all. */
static void *
loader(void *self, void *args)
{
	struct warm_asked asked;
	long len;

	(void)self;
	(void)args;
	if (number(the_run->begin) == -1)
		_exit(1); /* they do not raise anything */
	know_files(the_run);
	do {
		hear(the_run, &asked);
		len = warm_fork(the_run->place, &asked);
	} while (len == 0);
	return become(the_run, len);
}

void *
spool_warm_loader(struct warm_run *run)
{
	/* PyMethodDef */
	static struct {
		const char *name;
		void *(*call)(void *self, void *args);
		int flags;
		const char *words;
	} method = { "loader", loader, 1 /* METH_VARARGS */, NULL };

	the_run = run;
	return PyCFunction_NewEx(&method, NULL, NULL);
}
