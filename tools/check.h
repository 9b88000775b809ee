/*
 * check.h - what the files of `spool check` share.
 *
 *	check.c		the verb: rounds, second looks, printing
 *	checksetup.c	spool.json and the directories, before it is opened
 *	checklook.c	goes through the directories: what stands where
 *	checkrule.c	what follows from it between the directories
 *	checkrest.c	the same for what lies beside: runs/, marks, tmp/, ...
 *	checkblob.c	and for what orders pin
 *	checkfix.c	mends, a function for each kind
 *	checkover.c	the mends of how orders end
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/spool.h"

enum check_kind {
	CHECK_SETUP,   /* spool.json or a directory */
	CHECK_NAME,    /* a name that is none, or not of this place */
	CHECK_PLAIN,   /* no plain file */
	CHECK_PLACE,   /* an order in the wrong DAY */
	CHECK_LINKS,   /* a rename that died between link and unlink */
	CHECK_TWICE,   /* a second entry of an order */
	CHECK_COUNT,   /* more attempts than tickets */
	CHECK_TEXT,    /* not a job's text */
	CHECK_OWNER,   /* assigned to nobody */
	CHECK_OUTCOME, /* over, without an outcome */
	CHECK_TORN,    /* an outcome that cannot be read */
	CHECK_VERDICT, /* an outcome that says the opposite of the state */
	CHECK_ORPHAN,  /* an outcome without an order that is over */
	CHECK_WHY,     /* bad/X without its .why */
	CHECK_MARK,    /* a request for nothing */
	CHECK_TMP,     /* left in tmp/ */
	CHECK_RUNS,    /* of no order */
	CHECK_STRAY,   /* does not belong here */
	CHECK_BLOB,    /* pinned, but missing or damaged */
	CHECK_KINDS
};

/* A breach of the protocol. */
struct finding {
	enum check_kind kind;
	enum sp_dir dir;
	char sub[64]; /* the DAY, or "" */
	char file[256];
	struct sp_name name; /* of the order or attempt; id "" when unknown */
	int status;          /* an outcome's, for CHECK_VERDICT */
	bool mine;           /* VERDICT: the outcome is of this commit */
	char words[256];
	bool mended;
	char how[240]; /* what was done, or why nothing could be */
};

/* An order's entry in a state directory. */
struct entry {
	struct sp_name name;
	enum sp_state state;
	char day[SP_DAY_LEN + 1]; /* the directory it lies in, or "" */
	bool odd; /* reported already; only tells that the id is known */
	dev_t dev;
	ino_t ino;
	nlink_t links;
	int64_t changed; /* ctime, ms of the server */
};

struct check {
	const struct sp_spool *spool;
	bool blobs;  /* read all of them */
	int64_t now; /* the server's clock */

	struct entry *entry; /* by id, the one to believe in first */
	size_t n, cap;
	struct sp_names outcomes; /* names in outcomes/, sorted */
	struct sp_names workers;  /* in workers/ */
	struct sp_names alive;    /* those whose process is not known gone */

	struct finding *found;
	size_t found_n, found_cap;
	bool failed; /* no memory */
};

struct checking {
	struct tool *tool;
	bool repair, json, blobs;
	size_t mended, left;
};

/* ---- check.c ---- */

void check_print(const struct finding *finding, bool json);

/* "done/20261122/FILE". */
void check_path(const struct finding *finding, char path_out[400]);
/* Write down a breach; the name may be NULL. */
struct finding *check_say(struct check *check, enum check_kind kind,
    enum sp_dir dir, const char *sub, const char *file,
    const struct sp_name *name, const char *fmt, ...) SP_PRINTF(7, 8);
int64_t check_ctime(const struct stat *st);
/* A handle on the directory of a finding or entry: the caller closes it. */
enum sp_status check_open(const struct check *check, enum sp_dir dir,
    const char *sub, int *fd_out, struct sp_err *err);

/* ---- checksetup.c ---- */

/* Look at, mend if asked to, and open: ANSWER_YES when it is open. */
int check_open_up(struct checking *c);

/* ---- checklook.c ---- */

enum sp_status check_look(struct check *check, struct sp_err *err);
void check_forget(struct check *check);
/* Entries of an id: the first and how many; NULL when there is none. */
const struct entry *
check_entries(const struct check *check, const struct sp_id *id, size_t *n_out);
/* The one to believe in, not odd; NULL. */
const struct entry *
check_order(const struct check *check, const struct sp_id *id);

/* ---- checkrule.c, checkrest.c ---- */

void check_rules(struct check *check);
enum sp_status check_rest(struct check *check, struct sp_err *err);

/* ---- checkblob.c ---- */

enum sp_status check_blobs(struct check *check, struct sp_err *err);

/* ---- checkfix.c ---- */

/* Mend one; fills mended and how. */
void check_fix(struct check *check, struct finding *finding);

/* Says in finding->how what it did. */
typedef enum sp_status
fix_fn(struct check *check, struct finding *finding, struct sp_err *err);

/* Into repair/. */
fix_fn check_fix_aside;
fix_fn check_fix_blob; /* checkblob.c */
/* To another name, in the state's own directory; aside if that is taken. */
enum sp_status check_fix_rename(struct check *check, struct finding *finding,
    enum sp_state to, const struct sp_name *name, struct sp_err *err);

/* ---- checkover.c ---- */

fix_fn check_fix_owner, check_fix_outcome, check_fix_verdict, check_fix_orphan;

#endif
