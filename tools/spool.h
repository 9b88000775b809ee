/*
 * spool.h - what the verbs of `spool` share: the row that a verb is, how to
 * complain, and the doors of pick.c, see.c, table.c and term.c.
 * One verb, one file, one row in main.c's table.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/beat.h"
#include "libspool/reason.h"
#include "libspool/row.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

enum answer {
	ANSWER_YES = 0,     /* done */
	ANSWER_NO = 1,      /* the answer is no */
	ANSWER_WRONG = 100, /* the request is wrong */
	ANSWER_LATER = 111  /* try again later */
};

struct verb;

struct tool {
	const struct verb *verb;
	const char *where; /* -s or $SPOOL_DIR, NULL: not said */
	bool open;
	struct sp_spool spool; /* open, except for a bare verb */
};

/* struct verb.files, as most have it. */
#define SPOOL_FILES "run it where they are, or with -s sftp://..."

struct verb {
	const char *name;
	const char *usage; /* what follows the name */
	const char *help;  /* one line */
	const char *page;  /* options and an example; at most a screen */
	bool bare;         /* opens the spool itself, or needs none */
	bool far;          /* stands on a library that only far/spool has */
	const char
	    *files; /* NULL, or a server does not do: who has its files */
	int (*run)(struct tool *tool, int argc, char **argv);
};

extern const struct verb verb_init, verb_submit, verb_sweep, verb_ask,
    verb_tell, verb_ls, verb_show, verb_wait, verb_log, verb_cancel, verb_hold,
    verb_unhold, verb_retry, verb_workers, verb_compare, verb_diff, verb_export,
    verb_plot, verb_notify, verb_top, verb_rerun, verb_prio, verb_drain,
    verb_resume, verb_why, verb_check, verb_prove, verb_doctor, verb_complete,
    verb_reindex, verb_token, verb_page;

/* ---- main.c ---- */

/* The table of verbs; NULL behind its end, or for a name that is none. */
const struct verb *verb_at(size_t i);
const struct verb *verb_named(const char *name);

/* "spool VERB: words" to stderr, control characters escaped. */
void complain(const char *fmt, ...) SP_PRINTF(1, 2);
/* The same for a status: what, then err's words.  Returns the exit code. */
int
complain_of(enum sp_status status, const struct sp_err *err, const char *what);
/* For a verb that waits anyway: is a spool on another machine only away?  Says
 * so once, and forgets it. */
bool
waits_out(const struct sp_spool *spool, enum sp_status st, struct sp_err *err);
/* Hint at --help; returns ANSWER_WRONG. */
int usage_wrong(void);
int answer_of(enum sp_status status);
/* Open tool->spool where `where`, $SPOOL_DIR or ./spool say. */
int tool_open(struct tool *tool);
/* A whole decimal number within bounds? */
bool number_parse(const char *text, long low, long high, long *value_out);

/* ---- see.c: looking at orders ---- */

/* Where every order stands: sorted by id, one entry an id. */
struct see_entry {
	struct sp_name name;
	enum sp_state state;
};

struct see_list {
	struct see_entry *entry;
	size_t n, cap;
};

#define SEE_STATE(state) (1u << (state))
#define SEE_ALL          (SEE_STATE(SP_STATES) - 1)
#define SEE_METRICS      (1u << 30) /* rows have their metrics with them */

/* From the directories, even while orders move. */
enum sp_status see_list(const struct sp_spool *spool, struct see_list *list_out,
    struct sp_err *err);
void see_list_clear(struct see_list *list);
/* The entry of this id, NULL when there is none. */
const struct see_entry *
see_entry(const struct see_list *list, const struct sp_id *id);

typedef int see_fn(void *arg, const struct sp_row *row);

/* Rows of the states asked for, by id, only the `last` newest when not 0: from
 * the index when it is there and fresh, else from the directories. */
enum sp_status see_rows(const struct sp_spool *spool, unsigned states,
    size_t last, see_fn *fn, void *arg, struct sp_err *err);
/* One row, from the directories. */
enum sp_status see_row(const struct sp_spool *spool, const struct sp_id *id,
    struct sp_row *row_out, struct sp_err *err);

/* sp_find, in as few questions as it takes. */
enum sp_status see_find(const struct sp_spool *spool, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err);

/* ---- pick.c: an order given by any unique part ---- */

/* Any unique part of the id or of the name.  Says on stderr what is wrong and
 * returns the exit code: 0, 1 none such, 100 ambiguous. */
int pick_one(struct tool *tool, const char *text, struct sp_id *id_out);
/* All of argv, "-": the words of stdin.  Goes on after a bad one; the ids found
 * are in ids_out (free it), the worst answer comes back. */
int pick_all(struct tool *tool, int argc, char **argv, struct sp_id **ids_out,
    size_t *n_out);
/* The whole of a verb that does the same to each ID and has no options of its
 * own but --where and --group, which mean those of these states
 * (SEE_STATE bits); the worst answer comes back. */
#define SEE_OVER (SEE_STATE(SP_DONE) | SEE_STATE(SP_FAILED))
#define SEE_LIVE (SEE_ALL & ~SEE_OVER)
int pick_each(struct tool *tool, int argc, char **argv, unsigned states,
    int (*one)(struct tool *tool, const struct sp_id *id));

/* ---- drain.c ---- */

/* Names to stderr that are drained though no such worker is here. */
void drain_absent(struct tool *tool);

/* ---- wait.c ---- */

/* Until all are over, or `seconds` (< 0: for ever) have passed. */
int
wait_for(struct tool *tool, const struct sp_id *ids, size_t n, double seconds);

/* ---- tries.c: what the attempts of an order left in runs/DAY/ID/ ---- */

struct
try {
	struct sp_name name;         /* id, ticket, attempt, worker */
	char log[SP_NAME_MAX + 16];  /* names of files, "" when there is none */
	char note[SP_NAME_MAX + 16]; /* how it ended without a commit */
	char metrics[SP_NAME_MAX + 16];
};

struct tries {
	int dir;         /* runs/DAY/ID, -1 when there is none */
	struct try *try; /* by ticket */
	size_t n;
	bool out; /* artifacts in out/ */
};

/* SP_OK also when there is nothing.  Clear with tries_clear. */
enum sp_status tries_read(const struct sp_spool *spool, const struct sp_id *id,
    struct tries *tries_out, struct sp_err *err);
void tries_clear(struct tries *tries);

/* ---- metrics.c ---- */

/* Lines to stdout: how far an order has come, and its metrics. */
void metrics_say(const struct sp_row *row, const struct sp_metrics *m);

/* ---- why.c ---- */

/* Lines to stdout: why an order that is not over stands where it stands. */
void why_print(
    struct tool *tool, const struct sp_row *row, const struct sp_buf *job);

/* ---- fleet.c: the workers, as their beats tell ---- */

struct fleet_one {
	struct sp_beat beat;
	double silent; /* seconds since its last beat */
};

struct fleet {
	struct fleet_one *one;
	size_t n;
	int64_t now; /* of the file server, ms since 1970 */
	double lease;
};

/* All that have a file in workers/, spoold too; what is no beat is passed over.
 * Clear with fleet_clear, whatever came back. */
enum sp_status
fleet_read(struct tool *tool, struct fleet *fleet_out, struct sp_err *err);
void fleet_clear(struct fleet *fleet);
/* A worker, and heard of within the lease? */
bool fleet_works_is(const struct fleet *fleet, const struct fleet_one *one);
/* Can none of them ever run it?  Then why: the words of the one that comes
 * nearest.  False also when nobody is there. */
bool fleet_never_is(
    const struct fleet *fleet, const struct sp_job *job, char why_out[256]);
/* What an order in new/ meets at each of them. */
void fleet_reason(struct tool *tool, const struct fleet_one *one,
    const struct sp_job *job, struct sp_reason *reason_out);

/* ---- showpin.c ---- */

/* What a job pins, and its git commit, if it says so. */
void pins_print(const struct sp_buf *job);

/* ---- table.c: aligned columns that fit ---- */

struct table_column {
	const char *title;
	bool right;
	int least; /* may be cut to this many cells; 0: never cut */
	int rank;  /* the highest goes first when all is too wide; 0: stays */
	const char *(*colour)(const char *cell); /* SGR, or NULL */
};

#define TABLE_MAX 40

struct table {
	const struct table_column *column;
	size_t columns;
	struct sp_names cells;
	int wide[TABLE_MAX];
	bool begun;  /* some of it is printed */
	bool failed; /* no memory */
};

void table_init(
    struct table *table, const struct table_column *column, size_t columns);
/* The next cell; any text, escaped here; "" shows as "-". */
void table_put(struct table *table, const char *text);
/* A long table goes out as it comes, in pieces of so many rows; its columns are
 * as wide as the first ones need.  True: it cannot. */
#define TABLE_FLOW 1000
int table_flow(struct table *table);
/* The rest, to stdout.  Columns with nothing in them are left out on a
 * terminal, of a table that is not long. */
int table_print(struct table *table);
void table_clear(struct table *table);

/* ---- term.c ---- */

int term_width(int fd); /* 0: no terminal, no limit */
bool term_colour_ok(int fd);
/* Printable as it is, anything else as \n, \x1b, ... */
void term_escape(struct sp_buf *out, const char *text, size_t len);
/* Cells that an escaped text takes; and how many bytes of it fit. */
int term_cells(const char *text);
size_t term_fit(const char *text, int cells, int *used_out);
/* Print escaped. */
void term_put(FILE *to, const char *text);

/* Control sequences taken out of a stream, but \r \n \t. */
struct term_filter {
	int state;
};
void term_filter(struct term_filter *filter, const char *text, size_t len,
    struct sp_buf *out);

/* "0.3s", "42s", "3m05s", "2h10m", "4d03h" */
void term_span(double seconds, char text_out[24]);
/* "42%", and how long it will take still, from now: "42% 3m05s"; "" when
 * nobody knows. */
void term_progress(const struct sp_row *row, int64_t now, char text_out[40]);

struct term_bar {
	bool on; /* stderr is a terminal */
	bool drawn;
	double started; /* monotonic seconds */
	size_t before;  /* done when it began */
};

void term_bar_init(struct term_bar *bar, size_t done);
void
term_bar_show(struct term_bar *bar, size_t done, size_t failed, size_t total);
void term_bar_wipe(struct term_bar *bar);

#endif
