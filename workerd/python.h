/*
 * python.h - which Python runs a script, and what that Python is: order.python
 * names a virtual environment, a conda prefix or an interpreter.  We never make
 * one and change nothing there.
 */
#ifndef WORKER_PYTHON_H
#define WORKER_PYTHON_H

#include <limits.h>
#include <stdbool.h>

#include "libspool/sha256.h"

enum python_kind {
	PYTHON_PLAIN,
	PYTHON_VENV, /* pyvenv.cfg */
	PYTHON_CONDA /* conda-meta/ */
};

struct python {
	char program[PATH_MAX];
	char prefix[PATH_MAX]; /* of a venv or of conda: bin/ is below it */
	enum python_kind kind;
};

/* python.c: a program's name, its path, or a directory with bin/python.
 * false: there is none, why_out says what to do; said names who asked. */
bool python_find(const char *name, const char *said, struct python *python_out,
    char why_out[256]);

/* What ran, for the outcome; "" where it is not known. */
struct python_facts {
	char path[512]; /* as the interpreter says */
	char version[64];
	char environment[SP_SHA_LEN + 1]; /* a blob: what is installed */
};

#endif
