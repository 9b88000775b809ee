/*
 * bench.h - what the benchmarks share: a clock, how much to do, scratch
 * directories, processes, and the lines that tests/bench/run makes a table of.
 * Whatever goes wrong ends the program: half a measurement is none.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/name.h"
#include "libspool/outcome.h"
#include "libspool/spool.h"

/* A job of usual size (some 500 bytes) that runs scripts/true. */
extern const char bench_job[];
/* The same with scripts/true.py. */
extern const char bench_python[];

void bench_die(const char *fmt, ...) __attribute__((noreturn)) SP_PRINTF(1, 2);

/* Take our arguments, SCRATCH BINDIR, and go to SCRATCH.  All paths are
 * relative to it from here on. */
void bench_begin(int argc, char **argv);
/* A program of the build. */
void bench_program(const char *name, char path_out[]);

bool bench_quick(void);           /* $BENCH_QUICK: does it run at all? */
bool bench_round(size_t done);    /* another paired round? */
size_t bench_many(size_t usual);  /* how many, less when quick */
double bench_now(void);           /* seconds, monotonic */
void bench_pause(double seconds); /* to wait for something with a deadline */

/* The value below which the share p (0..1) of all lie; sorts them. */
double bench_percentile(double *value, size_t n, double p);

/* One round of one row: ours, and the floor just before and just after it.
 * `row` is "WHAT : FLOOR". */
void bench_row(const char *row, const char *unit, double ours, double before,
    double after);
/* A row that cannot be measured here. */
void bench_skip(const char *row, const char *why);

/* A path that nothing has used.  Nothing is deleted between measurements: ext4
 * passes over inodes deleted in the last minutes one by one, which makes
 * creates near them up to 30 times slower.  Where it puts a folder follows from
 * the folder's name, so that not even the last run's names come again. */
#define BENCH_PATH 64
void bench_fresh(const char *kind, char path_out[BENCH_PATH]);
/* Make a directory, its parent being there, and open it. */
int bench_dir(const char *fmt, ...) SP_PRINTF(1, 2);
/* Make and open a spool. */
void bench_spool(const char *path, struct sp_spool *spool_out);
/* The first names of n orders, as a submit would give them. */
void bench_names(struct sp_name *names_out, size_t n);
/* A spool with n orders in new/ that say `job`, and a copy of the program
 * `from` as scripts/SCRIPT; settled on the disk.  Returns their names, to be
 * freed. */
struct sp_name *bench_orders(const char *path, const char *from,
    const char *script, const char *job, size_t n);
/* What is the same in every run that ends well. */
struct sp_run bench_run(const struct sp_name *claimed);
/* Create a file and write it; write-back begins at once when it is to be
 * synced, so that a group's files are under way together.  Then the end of it:
 * fsync when `sync`, and close. */
int bench_create(
    int dirfd, const char *name, const void *text, size_t len, bool sync);
void bench_finish(int fd, bool sync);
/* Both. */
void bench_write(
    int dirfd, const char *name, const void *text, size_t len, bool sync);
void bench_rename(int fromfd, const char *from, int tofd, const char *to);
void bench_sync(int fd);
/* Let everything written so far reach the disk, so that the next fsync pays
 * for its own alone. */
void bench_settle(int fd);
/* Copy a program. */
void bench_copy(const char *from, const char *to);
/* How many files are there, dotfiles not counted. */
size_t bench_count(const char *path);

/* A spool with so many orders waiting and done, its name after `kind`; made by
 * helpers/lay, or before, in $BENCH_LAID, where that is said for a million. */
void bench_lay(
    const char *kind, size_t waiting, size_t done, char path_out[BENCH_PATH]);
/* CPU time that a process has taken, seconds. */
double bench_cpu(pid_t pid);

/* Start a program that ends with us. */
pid_t bench_start(const char *const argv[]);
/* The same; what it says goes to that file. */
pid_t bench_start_to(const char *const argv[], const char *file);
/* It must exit with 0. */
void bench_reap(pid_t pid, const char *what);
/* workerd -j SLOTS [more] SPOOL; more may be NULL. */
pid_t bench_worker(const char *spool, const char *slots, const char *more);
/* The same with any number of words, up to NULL. */
pid_t bench_worker_with(
    const char *spool, const char *slots, const char *const more[]);
pid_t bench_spoold(const char *spool);
/* Wait until the first beat of NAME is there; end it cleanly. */
void bench_await_beat(const char *spool, const char *name);
void bench_stop(pid_t pid, const char *what);

/* ---- floors ---- */

/* Programs a second, so many at once: posix_spawn and waitpid. */
double bench_floor_rate(const char *const argv[], size_t at_once, size_t n);
/* A process that posix_spawns that for each name that is moved into the
 * directory, which it makes, and waits for it; ends with us. */
pid_t bench_floor_server(const char *path, const char *const argv[]);

/* What the program `stamp` writes to the FIFO that its job names. */
struct bench_stamp {
	int64_t ns; /* CLOCK_MONOTONIC when its main began */
	char id[SP_ID_LEN + 1];
	char pad[4];
};

#endif
