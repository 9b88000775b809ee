/*
 * mount.h - how a spool is mounted, as the kernel and an exports file say it,
 * and what that is worth.  Pure: who calls has read the texts.
 */
#ifndef SP_MOUNT_H
#define SP_MOUNT_H

#include <limits.h>
#include <stdbool.h>

#include "libspool/finding.h"

/* A line of /proc/PID/mountinfo (proc(5)). */
struct sp_mount {
	int id;
	char root[PATH_MAX];  /* what of it is mounted */
	char point[PATH_MAX]; /* where */
	char type[64];        /* "nfs4", "fuse.sshfs" */
	char source[512];     /* "fs:/export", "/dev/sda1" */
	char options[2048];   /* of the mount, then of the filesystem */
};

/* False: no such line.  Its escapes are undone. */
bool sp_mount_parse(const char *line, struct sp_mount *mount_out);

/* Does it come from another machine? */
bool sp_mount_net_is(const struct sp_mount *mount);
/* An option's value, "" if it has none, NULL: it is not set.  Until the next
 * call. */
const char *sp_mount_option(const struct sp_mount *mount, const char *name);

/* What type and options promise and do not: "filesystem", "option". */
void sp_mount_judge(const struct sp_mount *mount, struct sp_findings *found);

/* Is `path` exported by this text (exports(5), or /var/lib/nfs/etab) so that
 * the server says of writes that they are done before they are?  "export"; what
 * is not exported is passed over. */
void
sp_exports_judge(const char *text, const char *path, struct sp_findings *found);

#endif
