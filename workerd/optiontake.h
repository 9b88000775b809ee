/*
 * optiontake.h - what stands behind the words of workerd's command line.  Each
 * takes a text, which must live as long as the options; false: it makes no
 * sense, which was said on stderr.
 */
#ifndef WORKER_OPTIONTAKE_H
#define WORKER_OPTIONTAKE_H

#include <stdbool.h>

#include "workerd/options.h"

extern const char options_usage[];

/* Say that it is wrong, and how it is used: false. */
bool option_wrong(const char *fmt, const char *what);

bool option_slots(char *text, struct options *opt);
bool option_bad_host(char *text, struct options *opt);
bool option_gpus(char *text, struct options *opt);
bool option_share(char *text, struct options *opt);
bool option_python(char *text, struct options *opt);
bool option_warm(char *text, struct options *opt);
bool option_tag(char *text, struct options *opt);
bool option_log_max(char *text, struct options *opt);
bool option_floor(char *text, struct options *opt);
bool option_cgroup(char *text, struct options *opt);
bool option_cache_size(char *text, struct options *opt);
bool option_grace(char *text, struct options *opt);
bool option_hash_time(char *text, struct options *opt);
bool option_patience(char *text, struct options *opt);

#endif
