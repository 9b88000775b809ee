/*
 * warmin.h - within the shared object that warm.py loads into Python: its
 * files, and what they use of Python.  No header of Python's is included, for
 * one object serves all versions: these functions are of its stable ABI, and an
 * object is known by its address.
 */
#ifndef WORKER_WARMIN_H
#define WORKER_WARMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SHOWN __attribute__((visibility("default")))

/* Given once, by warm.py.  Lists are strings, one after the other, that end
 * with an empty one. */
struct warm_place {
	int control, pid; /* workerd */
	char *text;       /* where a job is put: what workerd says, warmjob.c */
	size_t room;
	const char *program;
	char *args; /* what others see of us: /proc/PID/cmdline, */
	size_t args_room;
	char *id;             /* and SPOOL_ID of environ; NULL: nowhere */
	const char *watched;  /* files: as they were when they were imported? */
	const char *shadowed; /* names: a file of that name would be imported */
	const char *extra;    /* "NAME="s in environ that a job need not have */
	void *environ[2];     /* the same in Python, dicts; NULL: not by us */
	/* What came of it, in a job's process. */
	int stale; /* what was imported is not what it would import */
	int told;  /* its environment is in place */
};

/* warmfork.c */
SHOWN int spool_warm_same(const struct warm_place *at);
#define WARM_MOST 16 /* at once */
struct warm_asked {
	int many; /* spares */
	int groups;
	struct warm_group {
		int fd;     /* the control group that one is to be born in */
		int number; /* what workerd knows it by */
	} group[WARM_MOST];
};
/* The next that workerd asks for; false: it is gone. */
bool warm_hear(const struct warm_place *at, struct warm_asked *asked_out);
/* 0: in the server, it is done or cannot be done now.  Else in a process that
 * is a job's: how long that part of at->text is that is not about the
 * environment, where that is in place. */
long warm_fork(struct warm_place *at, const struct warm_asked *asked);
void warm_forked(void);
const char *warm_after(const char *text); /* the next of a list */

/* warmchild.c: processes that are children of our parent. */
struct warm_child {
	int pair[2]; /* of sockets: its end, and workerd's */
	pid_t pid;
	int group; /* the number of the one it was born in; 0: of none */
};
/* As many as have a pair.  In such a process: its end, all else of this is
 * closed.  In the server -1, and how many there are, from the first on. */
int warm_children(
    const struct warm_asked *asked, struct warm_child *child, int *many);

/* warmpack.c */
SHOWN void spool_warm_pack(void);
/* Before a fork: was there written to since? */
void warm_pack_again(bool changed);
SHOWN unsigned long long spool_warm_loaded(void);

/* warmlay.c */
void warm_lay(void);
/* Whole large pages, of noughts; NULL: none can be had. */
char *warm_large(size_t size);

/* numpy's mt19937_state. */
struct warm_dice {
	uint32_t word[624];
	int at; /* the next to be used; 624: none is left */
};

/* Objects of Python's, or NULL; warm.py holds them. */
struct warm_run {
	struct warm_place *place;
	void *begin; /* () -> 0: we are about to fork */
	void *learn; /* () -> None: scripts that were taught */
	void *stop;  /* () -> never: there are threads */
	void *take;  /* (bytes) -> a loader: be the process of that job */
	/* For a job whose script is known; NULL: there is no such way. */
	void *over;           /* (type, value, traceback) as __exit__'s */
	void *module, *main;  /* __main__, and its __dict__ */
	void *loader, *state; /* its __loader__ and the __dict__ of that */
	void *modules, *path, *importers; /* of sys */
	void *rename;                     /* _imp._fix_co_filename */
	void *reseed;                     /* NULL: nothing to be done */
	void *threads;                    /* _thread._count */
	void *registered;                 /* atexit._ncallbacks */
	void *objects;                    /* gc.get_objects */
	void *none;
	/* warmseed.c; all NULL: by reseed. */
	void *freeze;           /* gc.freeze */
	struct warm_dice *dice; /* of numpy.random */
	void *logging;          /* its __dict__ */
	void *process;          /* of multiprocessing, the __dict__ */
	void *config, *secret; /* its process's _config, AuthenticationString */
	const void *const *plain; /* types: dict, list, tuple, ..., NULL */
	int ours[3];  /* handles that are no job's business: the script's, where
	               * we are taught, where we teach */
	int whole;    /* file names are absolute (3.9) */
	int here;     /* the script's directory is in sys.path */
	int orig;     /* there is sys.orig_argv (3.10) */
	int signals;  /* KeyboardInterrupt ends as SIGINT would (3.8) */
	int whole_ns; /* logging counts these (3.13) */
};

/* warmseed.c: what a job that began in the directory `here` (a str) has of its
 * own; false: an exception is set. */
bool warm_seed(const struct warm_run *run, void *here);

/* warmend.c */
#define WARM_FILES 4                           /* 64 handles each */
void warm_files(uint64_t set_out[WARM_FILES]); /* those that are open */
void warm_files_without(uint64_t set[WARM_FILES], int fd);
/* Nothing is there that would notice its end?  Of Python's objects, */
bool warm_plain(const struct warm_run *run);
/* and else, by the handles from before.  Then exit() is quick. */
bool warm_nothing_left(const uint64_t before[WARM_FILES]);

/* Python's: PyObject is void here. */
extern void *PyExc_KeyboardInterrupt;
void PyOS_AfterFork_Child(void) __attribute__((weak));
void PyOS_AfterFork(void) __attribute__((weak)); /* before 3.7 */
void PyOS_BeforeFork(void) __attribute__((weak));
void *PyBytes_FromStringAndSize(const char *data, ssize_t len);
void *PyCFunction_NewEx(void *def, void *self, void *module);
ssize_t PyDict_Size(void *dict);
int PyDict_DelItemString(void *dict, const char *key);
int PyDict_Next(void *dict, ssize_t *at, void **key_out, void **value_out);
int PyDict_SetItem(void *dict, void *key, void *value);
int PyDict_SetItemString(void *dict, const char *key, void *value);
void PyErr_Clear(void);
int PyErr_ExceptionMatches(void *type);
void PyErr_Fetch(void **type, void **value, void **trace);
void PyErr_NormalizeException(void **type, void **value, void **trace);
void PyErr_Print(void);
void PyErr_Restore(void *type, void *value, void *trace);
void *PyFloat_FromDouble(double value);
void PyObject_GC_Track(void *object);
void PyObject_GC_UnTrack(void *object);
void *PyEval_EvalCode(void *code, void *globals, void *locals);
void *PyList_GetItem(void *list, ssize_t i);
void *PyList_New(ssize_t n);
int PyList_SetItem(void *list, ssize_t i, void *value);
ssize_t PyList_Size(void *list);
long PyLong_AsLong(void *number);
void *PyLong_FromLongLong(long long value);
void *PyObject_CallFunctionObjArgs(void *callable, ...);
void *
PyObject_CallMethod(void *object, const char *name, const char *format, ...);
void *PySys_GetObject(const char *name);
int PySys_SetObject(const char *name, void *value);
void *PyTuple_GetItem(void *tuple, ssize_t i);
ssize_t PyTuple_Size(void *tuple);
void *PyUnicode_DecodeFSDefault(const char *text);
void Py_DecRef(void *object);
int Py_FinalizeEx(void);
_Noreturn void Py_Exit(int status);
void Py_IncRef(void *object);
void Py_LeaveRecursiveCall(void) __attribute__((weak)); /* from 3.9 */

#endif
