/*
 * optiontake.c - what may stand behind a word that workerd is started with: a
 * number, a size, a time, a list; read, checked, and explained when it is
 * wrong.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/gputext.h"
#include "libspool/streak.h"
#include "libspool/job.h"
#include "workerd/optiontake.h"
#include "workerd/python.h"

#define GRACE_MOST 3600
#define SHARE_MOST 64

#define WARM_MOST 64 /* modules */

bool
option_wrong(const char *fmt, const char *what)
{
	(void)fprintf(stderr, "workerd: ");
	(void)fprintf(stderr, fmt, what);
	(void)fprintf(stderr, "\n%s", options_usage);
	return false;
}

bool
option_slots(char *text, struct options *opt)
{
	char *end;
	long n;

	if (strcmp(text, "auto") == 0) {
		opt->slots = 0;
		return true;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 ||
	    n > SLOTS_MOST)
		return option_wrong(
		    "-j %s: a whole number from 1 to 1024, or auto", text);
	opt->slots = (int)n;
	return true;
}

bool
option_bad_host(char *text, struct options *opt)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 ||
	    n > SP_STREAK_MOST)
		return option_wrong(
		    "--bad-host %s: a whole number from 0 to 100", text);
	opt->bad_host = (int)n;
	return true;
}

bool
option_gpus(char *text, struct options *opt)
{
	char why[128];

	if (!sp_gpu_list_ok(text, why))
		return option_wrong("--gpus: %s", why);
	opt->gpus = text;
	return true;
}

bool
option_share(char *text, struct options *opt)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 ||
	    n > SHARE_MOST)
		return option_wrong(
		    "--gpu-share %s: a whole number from 1 to 64", text);
	opt->gpu_share = (int)n;
	return true;
}

bool
option_python(char *program, struct options *opt)
{
	struct python python;
	char why[256];

	/* Said by name, so it must be there. */
	if (!python_find(program, "--python", &python, why))
		return option_wrong("%s", why);
	(void)strcpy(opt->python, python.program);
	return true;
}

/* "numpy,sklearn.svm"; "" or "none": nothing but Python itself. */
bool
option_warm(char *list, struct options *opt)
{
	char *name, *rest = NULL, *c;
	char **more;

	opt->warm_all = true;
	opt->warm_n = 0;
	if (strcmp(list, "none") == 0)
		return true;
	for (name = strtok_r(list, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest)) {
		for (c = name; isalnum((unsigned char)*c) || *c == '_' ||
		     (*c == '.' && c > name && c[-1] != '.');
		     c++)
			;
		if (*c != '\0' || isdigit((unsigned char)*name) ||
		    c[-1] == '.' || opt->warm_n == WARM_MOST)
			return option_wrong(
			    "--warm %s: modules with commas between "
			    "them, as numpy,sklearn.svm",
			    name);
		more = realloc(opt->warm, (opt->warm_n + 1) * sizeof *more);
		if (more == NULL)
			return option_wrong("%s", strerror(errno));
		opt->warm = more;
		opt->warm[opt->warm_n++] = name;
	}
	return true;
}

bool
option_tag(char *tag, struct options *opt)
{
	const char **tags =
	    realloc(opt->tags, (opt->tags_n + 1) * sizeof *tags);

	if (tags == NULL)
		return option_wrong("%s", strerror(errno));
	opt->tags = tags;
	opt->tags[opt->tags_n++] = tag;
	return true;
}

bool
option_log_max(char *text, struct options *opt)
{
	int64_t n;

	if (!sp_bytes_parse(text, &n) || n < 1)
		return option_wrong("--log-max %s: a size, as 64M or 1G", text);
	opt->log_max = (uint64_t)n;
	return true;
}

bool
option_floor(char *text, struct options *opt)
{
	char *end;
	double p;

	opt->floor_percent = 0;
	if (sp_bytes_parse(text, &opt->floor_bytes))
		return true;
	p = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(p >= 0 && p < 100))
		return option_wrong(
		    "--disk-floor %s: a size, as 10G, or a share, as 2%%",
		    text);
	opt->floor_percent = p;
	opt->floor_bytes = p > 0 ? -1 : 0;
	return true;
}

bool
option_cgroup(char *text, struct options *opt)
{
	opt->no_cgroup = strcmp(text, "none") == 0;
	if (!opt->no_cgroup && strcmp(text, "auto") != 0)
		return option_wrong("--cgroup %s: auto or none", text);
	return true;
}

bool
option_cache_size(char *text, struct options *opt)
{
	if (!sp_bytes_parse(text, &opt->cache_size) || opt->cache_size < 0)
		return option_wrong(
		    "--cache-size %s: bytes, or a size as 500M, 20G", text);
	return true;
}

bool
option_grace(char *text, struct options *opt)
{
	if (!sp_seconds_parse(text, &opt->grace) || opt->grace > GRACE_MOST)
		return option_wrong(
		    "--grace %s: a time as 30, 30s or 2m, at most 1h", text);
	return true;
}

bool
option_hash_time(char *text, struct options *opt)
{
	if (!sp_seconds_parse(text, &opt->hash_time))
		return option_wrong(
		    "--hash-time %s: a time, as 90s or 10m", text);
	return true;
}

bool
option_patience(char *text, struct options *opt)
{
	if (!sp_seconds_parse(text, &opt->patience))
		return option_wrong(
		    "--patience %s: a time, as 90s or 10m", text);
	return true;
}
