/*
 * owner.h - whose an order is: the member `order.owner`, which nobody but the
 * intake of incoming/ sets (incoming.h), and when it may be believed.
 *
 * It is part of the text of the order, and what stands in a text anybody could
 * have written.  So it is believed only of a file that the spool's owner wrote:
 * whose st_uid is that of the spool's directory, or root's, with one link, and
 * that nobody else may write to.  All doors by which texts of others become
 * files of the spool's owner refuse the member: sp_submit, the admission of
 * drops, the opening of bundles, and the copy that sp_move_apart makes.
 */
#ifndef SP_OWNER_H
#define SP_OWNER_H

#include <stdint.h>
#include <sys/stat.h>

#include "libspool/job.h"
#include "libspool/spool.h"

/* What those doors say. */
#define SP_OWNER_WORDS                                                         \
	"order.owner: only the spool itself says whose an order is, of what "  \
	"comes in by incoming/; leave it out"

/* The value of the member, as JSON.  user: "" where nobody knows it. */
void sp_owner_print(uint32_t uid, const char *user, struct sp_buf *json_out);

/* A user's name that is written down and compared: letters, digits and
 * "._@+$-", none of these in front but "_". */
bool sp_owner_name_ok(const char *user);

/* May what stands in a file of this kind be believed? */
bool sp_owner_trusted(const struct sp_spool *spool, const struct stat *st);

/* Does a text that comes from elsewhere, a job or (lines) many, speak of it, or
 * cannot be read?  Most are known not to without being parsed. */
bool sp_owner_said(const char *text, size_t len, bool lines);

/* The order as it stands there, read once more with what the file is: SP_OK and
 * whose; SP_BAD: nobody says so whom we believe, err has the words; SP_GONE,
 * SP_RETRY.  Near only: far nobody knows whose a file is. */
enum sp_status sp_owner_of(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, uint32_t *uid_out,
    char user_out[SP_OWNER_MAX + 1], struct sp_err *err);

/* For who submits the job of an order anew, as sp_job_edit takes it: it stays
 * whose it was if that was to be believed, else it is nobody's. */
#define SP_OWNER_SET (SP_OWNER_MAX + 64)
void sp_owner_again(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, char set_out[SP_OWNER_SET]);

#endif
