/*
 * sftppack.h - packets of the SSH File Transfer Protocol, version 3
 * (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions to it: written into
 * buffers, read out of hostile bytes.  Pure.
 *
 * A packet is: u32 length of what follows, u8 type, u32 id (not in INIT and
 * VERSION), body.  Numbers are big-endian; a string is u32 length and bytes.
 */
#ifndef TR_SFTPPACK_H
#define TR_SFTPPACK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "libspool/buf.h"

enum sftp_type {
	SFTP_INIT = 1,
	SFTP_VERSION = 2,
	SFTP_OPEN = 3,
	SFTP_CLOSE = 4,
	SFTP_READ = 5,
	SFTP_WRITE = 6,
	SFTP_LSTAT = 7,
	SFTP_FSTAT = 8,
	SFTP_SETSTAT = 9,
	SFTP_FSETSTAT = 10,
	SFTP_OPENDIR = 11,
	SFTP_READDIR = 12,
	SFTP_REMOVE = 13,
	SFTP_MKDIR = 14,
	SFTP_RMDIR = 15,
	SFTP_REALPATH = 16,
	SFTP_STAT = 17,
	SFTP_RENAME = 18,
	SFTP_STATUS = 101,
	SFTP_HANDLE = 102,
	SFTP_DATA = 103,
	SFTP_NAME = 104,
	SFTP_ATTRS = 105,
	SFTP_EXTENDED = 200,
	SFTP_EXTENDED_REPLY = 201
};

/* Codes of STATUS. */
enum sftp_code {
	SFTP_FX_OK = 0,
	SFTP_FX_EOF = 1,
	SFTP_FX_GONE = 2, /* also EBADF, ENOTDIR, ELOOP */
	SFTP_FX_DENIED = 3,
	SFTP_FX_FAILURE = 4, /* everything else */
	SFTP_FX_BAD = 5,
	SFTP_FX_UNSUPPORTED = 8
};

/* Flags of OPEN. */
#define SFTP_F_READ   0x01u
#define SFTP_F_WRITE  0x02u
#define SFTP_F_APPEND 0x04u
#define SFTP_F_CREAT  0x08u
#define SFTP_F_TRUNC  0x10u
#define SFTP_F_EXCL   0x20u

/* Members of attributes. */
#define SFTP_A_SIZE  0x01u
#define SFTP_A_OWNER 0x02u
#define SFTP_A_MODE  0x04u
#define SFTP_A_TIMES 0x08u
#define SFTP_A_MORE  0x80000000u

/* The longest packet that we take, without its length: OpenSSH's own limit. */
#define SFTP_PACKET_MAX (256u * 1024u)
#define SFTP_HANDLE_MAX 256u

/* ---- writing ---- */

/* Begin a packet at the end of buf; id 0 is filled in later.  Returns where it
 * begins. */
size_t sftp_pack(struct sp_buf *buf, enum sftp_type type);
void sftp_pack_u32(struct sp_buf *buf, uint32_t v);
void sftp_pack_u64(struct sp_buf *buf, uint64_t v);
void sftp_pack_str(struct sp_buf *buf, const void *data, size_t len);
void sftp_pack_text(struct sp_buf *buf, const char *text);
/* Its length, now that it is whole. */
void sftp_pack_end(struct sp_buf *buf, size_t begun);
void sftp_pack_id(char *packet, uint32_t id);

/* ---- reading ---- */

/* What is left to read; `bad` once it was too short or made no sense, and from
 * then on everything read is 0 or empty. */
struct sftp_in {
	const uint8_t *at;
	size_t left;
	bool bad;
};

uint8_t sftp_u8(struct sftp_in *in);
uint32_t sftp_u32(struct sftp_in *in);
uint64_t sftp_u64(struct sftp_in *in);
/* A string, which stays where it is. */
const uint8_t *sftp_str(struct sftp_in *in, size_t *len_out);

/* How long the packet is that begins here, with its four bytes: 0 when more
 * must be read to tell, -1: it is longer than we take, or empty. */
ssize_t sftp_packet_len(const uint8_t *data, size_t len);

/* Attributes, as far as they are given; the rest is 0. st_nlink is 0: they do
 * not say. */
void sftp_attrs(struct sftp_in *in, struct stat *st_out);

/* One entry of a NAME answer.  false: it is no name that a directory can have
 * (with a slash, too long, ...), or "." or "..".  Links come from the line that
 * is meant for people, where it looks as `ls -l` has it: 0, not known. */
bool sftp_entry(
    struct sftp_in *in, char name_out[NAME_MAX + 1], struct stat *st_out);

/* "-rw-r--r--    1 user ...": how many links; 0: it does not say.  Pure. */
unsigned sftp_links(const char *line, size_t len);

/* What VERSION announces. */
struct sftp_features {
	uint32_t version;
	bool posix_rename; /* posix-rename@openssh.com 1 */
	bool hardlink;     /* hardlink@openssh.com 1 */
	bool fsync;        /* fsync@openssh.com 1 */
	bool statvfs;      /* statvfs@openssh.com 2 */
	bool limits;       /* limits@openssh.com 1 */
};

void sftp_version(struct sftp_in *in, struct sftp_features *features_out);
void sftp_statvfs(struct sftp_in *in, struct statvfs *fs_out);

/* ---- where ---- */

struct ssh_site;

/* sftp://[USER@]HOST[:PORT]/PATH.  The path is absolute, %XX is undone. */
enum sp_status sftp_url(const char *url, struct ssh_site *site_out,
    char path_out[PATH_MAX], struct sp_err *err);

#endif
