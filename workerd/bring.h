/*
 * bring.h - what an attempt is made of, brought into its work directory: the
 * script, the code beside it, the data; each by its content, through the cache.
 */
#ifndef WORKER_BRING_H
#define WORKER_BRING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "libspool/job.h"
#include "libspool/pins.h"
#include "libspool/sha256.h"
#include "transport/transport.h"
#include "workerd/cache.h"

#define BRING_KEPT  1024
#define BRING_ALONE 64

/* Of a whole worker: for all threads. */
struct bringing {
	const struct tr_ops *ops;
	struct tr *tr;
	struct cache cache;
	int event; /* readable when a thread is done */

	pthread_mutex_t lock;
	char kept[BRING_KEPT][SP_SHA_LEN + 1]; /* known to be in blobs/ */
	/* Python scripts known to import nothing of scripts/ as it was then. */
	struct {
		char script[SP_SHA_LEN + 1];
		char names[sizeof((struct tr_version *)0)->text];
	} alone[BRING_ALONE];
};

struct worker;

/* cacheopen.c: open and close it. */
enum sp_status bringing_open(struct worker *w, struct sp_err *err);
/* Let go of half of the cache, if that helps the work space. */
bool bringing_yield(struct worker *w);
void bringing_close(struct worker *w); /* no thread is at it any more */

enum bring_phase {
	BRING_IDLE,
	BRING_WORKS, /* a thread has it */
	BRING_DONE   /* it has not been joined */
};

/* Of an attempt. */
struct bring {
	struct bringing *all;
	const struct sp_job *job; /* does not change meanwhile */
	const char *dir;          /* the work directory, likewise */
	struct sp_pins pin;       /* what an earlier attempt was made of */

	struct outcopy *out; /* to be filled, NULL: nothing to fetch there */

	bool quick;       /* the main thread's */
	bool fresh;       /* nothing is in dir that may stand in our way */
	ino_t script_ino; /* but the script, as this file; 0: not.  What it is
	                     in the end, if it is a link to the cache's. */
	atomic_bool stop;
	atomic_int phase;
	pthread_t thread;

	/* what came of it */
	enum sp_status status;
	struct sp_pins is;
	bool loose; /* not all of it is in blobs/ */
	bool old;   /* earlier attempts have left something in out/ */
	bool busy;  /* SP_RETRY, for a file of it is being written to */
	enum sp_cause unfit;
	char why[256];

	/* private */
	struct tr_version *version; /* room for one */
	struct cache_patience how;
	unsigned rests; /* how often it waited for one file */
};

/* Bring it all.  Safe to repeat.  SP_OK; SP_LOST: quick, and it would take
 * long; SP_BAD: what the job names is not there, why and unfit say so;
 * SP_RETRY: this host or the spool has trouble, why says which. */
enum sp_status bring(struct bring *b);

/* bringtree.c: directories, and what lies beside the script. */
enum sp_status bring_code(struct bring *b);
enum sp_status bring_data_tree(struct bring *b);

/* bringfile.c: one file. */
struct bring_item {
	int which;        /* SP_DIR_SCRIPTS, SP_DIR_DATA; */
	const char *path; /* and the path below it, */
	const char *hex;  /* or what it must be; "": whatever stands there */
	const char *key;  /* words: the member that asks for it */
	const char *dst;  /* below the work directory */
	const char *was;  /* what it was at the first attempt; may be NULL */
	bool keep;        /* goes to blobs/ */
};
enum sp_status
bring_file(struct bring *b, const struct bring_item *item, char is_out[]);
/* What a hash stands for, small enough to be held: a manifest. */
enum sp_status bring_text(
    struct bring *b, const char *hex, const char *key, struct sp_buf *text_out);
/* An entry of the cache, or a text of ours, goes to blobs/. */
enum sp_status bring_keep(struct bring *b, const char *hex, bool exec);
enum sp_status
bring_keep_text(struct bring *b, const struct sp_buf *text, char hex_out[]);

/* bringwords.c.  Say why; for the job's own fault unfit as well.  Returns st.
 */
enum sp_status bring_wrong(
    struct bring *b, enum sp_status st, const char *fmt, ...) SP_PRINTF(3, 4);
/* Of what the transport said of a file, or of a blob: SP_OK stays that. */
enum sp_status bring_not_there(struct bring *b, const struct bring_item *item,
    enum sp_status st, const struct sp_err *err);
enum sp_status bring_blob_not_there(struct bring *b, const char *key,
    const char *hex, enum sp_status st, const struct sp_err *err);
/* It holds something else than its name says. */
enum sp_status bring_damaged(struct bring *b, const char *key, const char *hex);

/* porter.c: bring it on a thread of its own. */
bool porter_start(struct bring *b);
/* It is over, and the thread is gone. */
bool porter_done(struct bring *b);

#endif
