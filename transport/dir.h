/*
 * dir.h - private to the transport over a local or shared directory: dir.c has
 * the verbs that claim and end, dirlive.c those of a worker's life, dirwatch.c
 * the wake handle, dirahead.c the texts of orders over there, dirstage.c
 * scripts, data and blobs, dirruns.c what lies in runs/, dirpeers.c what others
 * say.
 */
#ifndef TR_DIR_H
#define TR_DIR_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "libspool/fs.h"
#include "libspool/keep.h"
#include "libspool/ready.h"
#include "libspool/spool.h"
#include "transport/transport.h"

/* ---- the wake handle ---- */

struct dirwatch {
	int fd; /* -1: none */
	int wd[SP_DIRS];
};

/* Only for a spool whose every change inotify sees.  No handle is no error:
 * the clock does it then. */
void dirwatch_open(const struct sp_spool *spool, struct dirwatch *w);
void dirwatch_close(struct dirwatch *w);
/* Make the handle of a fresh watch readable: it has not seen what came before.
 */
void dirwatch_poke(const struct sp_spool *spool);
/* What has changed since: bits of SP_DIRTY. */
unsigned dirwatch_drain(struct dirwatch *w);

#define DIR_IDLE     64 /* so many may be committed at once */
#define DIR_RUN_PATH (SP_DAY_LEN + 1 + SP_ID_LEN + 1)

/* Run directories for the next orders (diridle.c).  Taken by the thread that
 * claims, put by the one that commits. */
struct dir_idle {
	pthread_mutex_t lock;
	bool known;  /* how they are made: */
	mode_t mode; /* and whose */
	uid_t uid;
	gid_t gid;
	unsigned number[DIR_IDLE]; /* in their names in tmp/ */
	unsigned last;
	int n;
};

#define DIR_AHEAD 32

/* What was read of new/ over there (dirahead.c), by the thread that claims. */
struct dir_ahead {
	struct sp_names listed;
	struct dir_ahead_row {
		char name[SP_NAME_MAX];
		struct sp_buf text;
	} row[DIR_AHEAD];
	unsigned next;
	size_t most;   /* to be read at once, */
	int64_t asked; /* for so it was then */
};

struct dir {
	struct sp_spool spool;
	struct dir_ahead ahead;
	char read_name[SP_NAME_MAX]; /* of new/ on a disk of ours: what was */
	struct sp_buf read_text;     /* read last, which is claimed next */
	struct stat read_is;
	struct dir_idle idle;
	struct dirwatch watch;
	unsigned dirty;          /* for the keeper */
	atomic_uint dirty_later; /* likewise, from the thread that commits */
	struct sp_keep *keep;
	int64_t kept;   /* when the keeper was last called */
	int64_t placed; /* when the directories were last compared */

	struct sp_ready ready;

	unsigned beating;   /* files in workers/, counted ... */
	int64_t beating_at; /* ... then; 0: never */
};

static inline struct dir *
dir_of(struct tr *tr)
{
	return (struct dir *)tr;
}

/* Does the server make things last when it says so?  If not, people hear: */
static inline bool
dir_durable_is(const struct sp_spool *spool)
{
	return (sp_fs_facts(spool->root) & SP_FS_DURABLE) != 0;
}
#define DIR_UNSURE                                                             \
	"durability unknown: the server has no fsync of files and directories"

extern const struct tr_ops dir_ops;

/* As dir_ops.open, on a handle (libspool/fs.h), which is taken over. */
enum sp_status dir_open_at(int root, const char *url, const char *base,
    struct tr **tr_out, struct sp_err *err);

/* dirlive.c: slots of the table, as transport.h has them. */
unsigned dir_workers(struct tr *tr);
enum sp_status
dir_beat(struct tr *tr, const struct sp_beat *b, struct sp_err *err);
enum sp_status dir_bye(struct tr *tr, struct sp_err *err);
enum sp_status
dir_held(struct tr *tr, struct sp_names *ours_out, struct sp_names *stale_out,
    struct sp_names *cancel_out, struct sp_err *err);
enum sp_status
dir_wishes(struct tr *tr, struct tr_wishes *out, struct sp_err *err);
int64_t dir_keep(struct tr *tr, bool idle, int64_t now);

enum sp_status dir_look_at(struct tr *tr, int which, const char *path,
    struct tr_version *version_out, struct sp_err *err);
enum sp_status dir_tree(struct tr *tr, int which, const char *name,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status dir_imported(struct tr *tr, const struct sp_buf *text,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status dir_fetch(struct tr *tr, int which, const char *path, int to,
    const atomic_bool *stop, struct tr_version *version_out,
    struct sp_err *err);
enum sp_status
dir_keep_blob(struct tr *tr, int fd, const char *hex, struct sp_err *err);

enum sp_status dir_out(struct tr *tr, const struct sp_id *id, char *path_out,
    size_t size, bool *old_out, struct sp_err *err);
enum sp_status dir_out_list(struct tr *tr, const struct sp_id *id,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status dir_out_get(struct tr *tr, const struct sp_id *id,
    const char *path, int to, const atomic_bool *stop, struct sp_err *err);
enum sp_status dir_out_put(struct tr *tr, const struct sp_name *claimed,
    const char *path, int fd, const atomic_bool *stop, struct sp_err *err);
enum sp_status
dir_append(struct tr *tr, const struct sp_name *claimed, enum tr_trace which,
    int64_t at, const void *data, size_t len, struct sp_err *err);
enum sp_status dir_pins(struct tr *tr, const struct sp_id *id,
    struct sp_buf *text_out, struct sp_err *err);
enum sp_status dir_pin(struct tr *tr, const struct sp_id *id,
    const struct sp_buf *text, struct sp_err *err);
/* Take away what an ended order left empty. */
void dir_tidy(const struct sp_spool *spool, const struct sp_id *id);
/* The same over there, of all that were committed. */
void dir_tidy_all(
    const struct sp_spool *spool, const struct sp_ended *group, size_t n);

/* dirahead.c.  What new/ has. */
void dir_ahead_listed(struct dir_ahead *a, const struct sp_names *names);
/* The text of an order in `dir`, and on the way those of some behind it in the
 * listing.  false: none could be had; the plain way says why. */
bool dir_ahead_read(
    struct dir_ahead *a, int dir, const char *name, struct sp_buf *text_out);
/* Without asking anybody. */
bool
dir_ahead_known(struct dir_ahead *a, const char *name, struct sp_buf *text_out);
void dir_ahead_forget(struct dir_ahead *a, const char *name);
void dir_ahead_clear(struct dir_ahead *a);

/* diridle.c.  So it is when dir_out has made it. */
void dir_idle_made(struct dir *d, int run);
/* Keep what that order left in place of dir_tidy; false: it is not as it was,
 * or there is no room. */
bool dir_idle_put(struct dir *d, const struct sp_name *name);
/* true: runs/DAY/ID is there, and an empty out/ in it. */
bool dir_idle_take(struct dir *d, const struct sp_id *id);
void dir_idle_clear(struct dir *d);

enum sp_status
dir_curve(struct tr *tr, const struct sp_id *id, const struct sp_prune *prune,
    int64_t most, struct sp_curve *curve, bool *more_out, struct sp_err *err);
enum sp_status dir_peers(
    struct tr *tr, struct sp_tally_row *rows, size_t n, struct sp_err *err);

#endif
