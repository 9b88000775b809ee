/*
 * options.h - the words that workerd is started with.
 */
#ifndef WORKER_OPTIONS_H
#define WORKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS_MOST 1024

struct options {
	const char *url;
	const char *origin; /* an original Boss's URL, NULL: none */
	char name[65];
	char python[4096];
	const char *cache;  /* NULL: below work */
	int64_t cache_size; /* -1: not said */
	const char *work;
	char **warm; /* modules, for all scripts in Python */
	size_t warm_n;
	bool warm_all;
	bool cold;
	const char **tags;
	size_t tags_n;
	int slots;            /* 0: as many as there are GPUs, or CPUs */
	const char *gpus;     /* which to hand out; NULL: "auto" */
	int gpu_share;        /* jobs on one GPU */
	uint64_t log_max;     /* bytes of one attempt's log */
	int bad_host;         /* failures in a row, 0: never mind */
	int64_t floor_bytes;  /* -1: not said, 0: no floor */
	double floor_percent; /* 0: not said */
	bool no_cgroup;
	int verbose;
	bool drain;
	bool once;
	bool preempt;     /* the first SIGTERM stops what runs */
	double hash_time; /* seconds for the artifacts of a job */
	double patience;  /* seconds with a file that is written to */
	double grace;     /* seconds between SIGTERM and SIGKILL of a job */
	bool allow_root;
	bool as_owner;
};

/* false: they make no sense, which was said on stderr.  Ends the process
 * after --help and --version. */
bool options_parse(int argc, char **argv, struct options *opt_out);
void options_clear(struct options *opt);

#endif
