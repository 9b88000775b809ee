/*
 * python.c - find the interpreter that is meant.  What kind it is shows in the
 * directory above its bin/, also when it is named by its path.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/env.h"
#include "workerd/python.h"
#include "workerd/worker.h"

static bool
below_is(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s", dir, name);

	return n > 0 && n < (int)sizeof path && access(path, F_OK) == 0;
}

/* DIR/bin/python is one of a venv or of conda if DIR says so.  Not resolved: a
 * venv's python is a link to that which made it. */
static void
kind_tell(struct python *p)
{
	char *slash;

	p->kind = PYTHON_PLAIN;
	(void)snprintf(p->prefix, sizeof p->prefix, "%s", p->program);
	if ((slash = strrchr(p->prefix, '/')) != NULL)
		*slash = '\0';
	if ((slash = strrchr(p->prefix, '/')) != NULL &&
	    strcmp(slash, "/bin") == 0) {
		*slash = '\0';
		if (below_is(p->prefix, "pyvenv.cfg"))
			p->kind = PYTHON_VENV;
		else if (below_is(p->prefix, "conda-meta"))
			p->kind = PYTHON_CONDA;
	}
	if (p->kind == PYTHON_PLAIN)
		p->prefix[0] = '\0';
}

static bool
in_dir(const char *dir, struct python *p)
{
	static const char *const names[] = { "python", "python3" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (snprintf(path, sizeof path, "%s/bin/%s", dir, names[i]) <
			(int)sizeof path &&
		    env_find(path, p->program))
			return true;
	return false;
}

bool
python_find(
    const char *name, const char *said, struct python *p, char why_out[256])
{
	char dir[PATH_MAX];
	struct stat st;
	size_t n;

	n = (size_t)snprintf(dir, sizeof dir, "%s", name);
	while (n > 1 && n < sizeof dir && dir[n - 1] == '/')
		dir[--n] = '\0';
	/* A word is a program in PATH; what has a slash may be a directory. */
	if (strchr(name, '/') != NULL && stat(dir, &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		if (!in_dir(dir, p)) {
			(void)snprintf(why_out, 256,
			    "%s: %.100s has no bin/python: name a virtual "
			    "environment, a conda prefix or an interpreter "
			    "that is on this host",
			    said, dir);
			return false;
		}
	} else if (!env_find(name, p->program)) {
		(void)snprintf(why_out, 256,
		    "%s: there is no program \"%.100s\" on this host: install "
		    "it, or name another",
		    said, name);
		return false;
	}
	kind_tell(p);
	return true;
}
