/*
 * sftpop.h - private to sftpop*.c: sftpop.c takes groups of operations through
 * their rounds and knows those on names, sftpopdir.c those on directories,
 * sftpopfile.c whole files.
 */
#ifndef TR_SFTPOP_H
#define TR_SFTPOP_H

#include "transport/sftpfs.h"

#define OP_CALLS 4 /* requests of one of them, in one round */

/* One operation under way. */
struct work {
	struct sftp_fs *fs;
	struct sp_fs_op *op;
	struct sftp_now now;
	/* The next step, when what was asked is answered. */
	void (*step)(struct work *w);
	struct sftp_call call[OP_CALLS];
	unsigned n; /* asked in this round */
	struct sftp_file file;
	bool open;     /* file is to be closed when it is over */
	unsigned left; /* of a listing, entries that are borne */
	bool over;
	int rc; /* then: 0, or minus an errno */
};

/* It is over, with 0 or minus an errno. */
void op_end(struct work *w, int rc);

/* Ask: begin, pack, go; or one of the usual ones. */
struct sftp_call *op_begin(struct work *w, enum sftp_type type);
struct sftp_call *op_begin_extended(struct work *w, const char *name);
void op_go(struct work *w, struct sftp_call *call, unsigned number);
void op_ask_path(struct work *w, enum sftp_type type, const char *path);
void op_ask_open(struct work *w, const char *path, uint32_t flags);
void op_ask_file(struct work *w, enum sftp_type type);
void op_ask_sync(struct work *w);

/* Steps.  The handle is here: w->file. */
bool op_opened(struct work *w);
/* A status, and that is all. */
void op_plain_said(struct work *w);
/* That of something that must not be there before. */
void op_made_said(struct work *w);

void op_sync_start(struct work *w);
void op_links_start(struct work *w);
void op_list_start(struct work *w);
void op_get_start(struct work *w);
void op_put_start(struct work *w);
void op_write_start(struct work *w);

#endif
