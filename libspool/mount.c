/*
 * mount.c - what a mount's type and options are worth to a spool: two tables,
 * and the few options that are numbers.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/mount.h"

#define NFS     "nfs nfs4"
#define ATTR    60 /* seconds for which NFS believes a directory, by default */
#define ATTR_OK 10

/* ---- reading ---- */

/* \040 and its like. */
static void
unescape(char *text)
{
	char *to = text;
	int code;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			code = (text[1] - '0') * 64 + (text[2] - '0') * 8 +
			    (text[3] - '0');
			*to++ = (char)code;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

bool
sp_mount_parse(const char *line, struct sp_mount *m)
{
	const char *rest = strstr(line, " - ");
	char super[1024] = "";
	size_t used;

	memset(m, 0, sizeof *m);
	if (rest == NULL ||
	    sscanf(line, "%d %*d %*s %4095s %4095s %1000s", &m->id, m->root,
		m->point, m->options) != 4 ||
	    sscanf(rest, " - %63s %511s %1023s", m->type, m->source, super) < 2)
		return false;
	used = strlen(m->options);
	(void)snprintf(
	    m->options + used, sizeof m->options - used, ",%s", super);
	unescape(m->root);
	unescape(m->point);
	unescape(m->source);
	return true;
}

/* Is `word` in the list?  A pattern that ends in "*" takes what begins so. */
static bool
listed(const char *list, const char *word)
{
	char one[64];
	int used;

	while (sscanf(list, " %63s%n", one, &used) == 1) {
		if (fnmatch(one, word, 0) == 0)
			return true;
		list += used;
	}
	return false;
}

bool
sp_mount_net_is(const struct sp_mount *mount)
{
	return listed(NFS " cifs smb3 smbfs 9p virtiofs ceph lustre beegfs "
			  "gpfs afs ocfs2 gfs2 orangefs fuse fuse.*",
	    mount->type);
}

const char *
sp_mount_option(const struct sp_mount *mount, const char *name)
{
	static _Thread_local char value[256];
	size_t n = strlen(name), len;
	const char *at = mount->options;

	for (; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, n) != 0 || strchr(",=", at[n]) == NULL)
			continue;
		at += n;
		at += *at == '=';
		len = strcspn(at, ",");
		(void)snprintf(value, sizeof value, "%.*s", (int)len, at);
		return value;
	}
	return NULL;
}

/* ---- types ---- */

static const struct {
	const char *types;
	enum sp_level level;
	const char *words;
	const char *mend;
} types[] = {
	{ "ext4 ext3 xfs btrfs f2fs zfs bcachefs jfs reiserfs nilfs2",
	    SP_FOUND_OK, "a disk of this machine", NULL },
	{ "ext2", SP_FOUND_WARN,
	    "it has no journal: after a power cut fsck may put orders into "
	    "lost+found",
	    "put the spool on ext4 or xfs" },
	{ "tmpfs ramfs", SP_FOUND_BAD,
	    "memory: all orders are gone when the machine stops",
	    "put the spool on a disk" },
	{ "overlay aufs", SP_FOUND_WARN,
	    "a layer, as of a container: it may go with the container",
	    "mount a volume of its own for the spool" },
	{ "vfat msdos exfat ntfs ntfs3 fuseblk hfs hfsplus", SP_FOUND_BAD,
	    "of a foreign system: links, modes and times are not kept",
	    "put the spool on ext4 or xfs" },
	{ NFS, SP_FOUND_OK, "a server's", NULL },
	{ "ceph fuse.ceph* lustre gpfs beegfs ocfs2 gfs2 orangefs", SP_FOUND_OK,
	    "a cluster's", NULL },
	{ "fuse.sshfs", SP_FOUND_WARN,
	    "sshfs: it says of an fsync that it is done where the server "
	    "cannot do it, and others' changes show late",
	    "let workers have sftp://HOST/PATH in place of the mount" },
	{ "fuse.glusterfs", SP_FOUND_WARN,
	    "GlusterFS: a rename between bricks is a link and an unlink; keep "
	    "the clocks of the bricks together",
	    "use replica, run an NTP client on each brick, and prove from two "
	    "hosts: --join" },
	{ "cifs smb3 smbfs", SP_FOUND_WARN,
	    "SMB: renames and links are imitated",
	    "export the directory by NFS, or use sftp://HOST/PATH" },
	{ "9p virtiofs", SP_FOUND_WARN,
	    "shared with the machine that runs this one, by its caches' rules",
	    "prove from both sides: --join" },
	{ "afs", SP_FOUND_BAD,
	    "AFS: no links between directories, and files appear on close",
	    "export the directory by NFS" },
};

static void
judge_type(const struct sp_mount *m, struct sp_findings *found)
{
	const char *vers;
	char more[300] = "";
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++)
		if (listed(types[i].types, m->type))
			break;
	if (i == sizeof types / sizeof *types) {
		(void)sp_found(found, SP_FOUND_WARN, "filesystem",
		    "go by what is measured, from two hosts if it is shared: "
		    "--join",
		    "%s, which is not known here", m->type);
		return;
	}
	if (listed(NFS, m->type)) {
		vers = sp_mount_option(m, "vers");
		(void)snprintf(more, sizeof more, ", %.200s, version %.20s",
		    m->source, vers == NULL ? "?" : vers);
	}
	(void)sp_found(found, types[i].level, "filesystem", types[i].mend,
	    "%s: %s%s", m->type, types[i].words, more);
}

/* ---- options ---- */

#define HARD "mount it with -o hard"
#define WRITES                                                                 \
	"mount it without: what was fsynced may be gone after a power cut"

static const struct {
	const char *types;
	const char *option;
	const char *value; /* NULL: any */
	enum sp_level level;
	const char *words;
	const char *mend;
} options[] = {
	{ "*", "ro", NULL, SP_FOUND_BAD, "nothing can be written",
	    "mount it rw" },
	{ NFS, "soft", NULL, SP_FOUND_BAD,
	    "a slow answer becomes an error in the middle of a write", HARD },
	{ NFS, "softerr", NULL, SP_FOUND_BAD,
	    "a slow answer becomes an error in the middle of a write", HARD },
	{ NFS, "nocto", NULL, SP_FOUND_BAD,
	    "an open does not ask the server: what others did is not seen",
	    "mount it without nocto" },
	{ NFS, "vers", "2", SP_FOUND_BAD, "no fsync that can be trusted",
	    "mount it with -o vers=4.2" },
	{ NFS, "proto", "udp", SP_FOUND_WARN,
	    "datagrams may be put together wrongly",
	    "mount it with -o proto=tcp" },
	{ NFS, "lookupcache", "all", SP_FOUND_WARN,
	    "that a name is absent is believed for a while",
	    "mount it with -o lookupcache=positive" },
	{ NFS, "nosharecache", NULL, SP_FOUND_WARN,
	    "two mounts of this host do not see each other's changes at once",
	    "use the same mount for all workers of a host" },
	{ NFS, "local_lock", "all", SP_FOUND_WARN,
	    "locks hold on this host alone",
	    "run one spoold for the spool, or mount it without local_lock" },
	{ NFS, "local_lock", "flock", SP_FOUND_WARN,
	    "locks hold on this host alone",
	    "run one spoold for the spool, or mount it without local_lock" },
	{ NFS, "nolock", NULL, SP_FOUND_WARN, "locks hold on this host alone",
	    "run one spoold for the spool, or mount it without nolock" },
	{ NFS, "noac", NULL, SP_FOUND_WARN,
	    "safe, but each look is a question to the server",
	    "actimeo=1,lookupcache=positive costs less" },
	{ "cifs smb3 smbfs", "soft", NULL, SP_FOUND_BAD,
	    "a slow answer becomes an error in the middle of a write", HARD },
	{ "cifs smb3 smbfs", "cache", "loose", SP_FOUND_BAD,
	    "what others did is not seen", "mount it with -o cache=strict" },
	{ "9p", "cache", "loose", SP_FOUND_BAD, "what others did is not seen",
	    "mount it with -o cache=none" },
	{ "9p", "cache", "fscache", SP_FOUND_BAD, "what others did is not seen",
	    "mount it with -o cache=none" },
	{ "ext4 ext3 xfs btrfs reiserfs", "nobarrier", NULL, SP_FOUND_BAD,
	    "the disk may keep what was fsynced in its memory", WRITES },
	{ "ext4 ext3", "barrier", "0", SP_FOUND_BAD,
	    "the disk may keep what was fsynced in its memory", WRITES },
	{ "f2fs", "fsync_mode", "nobarrier", SP_FOUND_BAD,
	    "the disk may keep what was fsynced in its memory", WRITES },
	{ "overlay", "volatile", NULL, SP_FOUND_BAD, "no fsync is done at all",
	    "mount a volume of its own for the spool" },
	{ "lustre", "localflock", NULL, SP_FOUND_WARN,
	    "locks hold on this host alone", "mount it with -o flock" },
};

/* For how long is a directory believed?  What the kernel does not say is as it
 * is by default. */
static void
judge_cache(const struct sp_mount *m, struct sp_findings *found)
{
	const char *most = sp_mount_option(m, "acdirmax");
	const char *least;
	long seconds;

	if (!listed(NFS, m->type) || sp_mount_option(m, "noac") != NULL)
		return;
	seconds = most == NULL ? ATTR : strtol(most, NULL, 10);
	least = sp_mount_option(m, "acdirmin");
	if (least != NULL && strtol(least, NULL, 10) > seconds)
		seconds = strtol(least, NULL, 10);
	if (seconds > ATTR_OK)
		(void)sp_found(found, SP_FOUND_WARN, "option",
		    "mount it with -o actimeo=1,lookupcache=positive",
		    "acdirmax=%ld: what is new in a directory may be seen up "
		    "to %ld s late",
		    seconds, seconds);
}

void
sp_mount_judge(const struct sp_mount *mount, struct sp_findings *found)
{
	const char *value;
	size_t i;

	judge_type(mount, found);
	for (i = 0; i < sizeof options / sizeof *options; i++) {
		if (!listed(options[i].types, mount->type))
			continue;
		value = sp_mount_option(mount, options[i].option);
		if (value == NULL ||
		    (options[i].value != NULL &&
			strcmp(value, options[i].value) != 0))
			continue;
		(void)sp_found(found, options[i].level, "option",
		    options[i].mend, "%s%s%s: %s", options[i].option,
		    *value == '\0' ? "" : "=", value, options[i].words);
	}
	judge_cache(mount, found);
}

/* ---- exports ---- */

/* Is the spool in that directory? */
static bool
within(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 1 && dir[0] == '/')
		return true;
	return strncmp(dir, path, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

static bool
option_in(const char *list, size_t len, const char *option)
{
	size_t n = strlen(option), at = 0, one;

	while (at < len) {
		for (one = 0; at + one < len && list[at + one] != ',';)
			one++;
		if (one == n && strncmp(list + at, option, n) == 0)
			return true;
		at += one + 1;
	}
	return false;
}

/* DIR CLIENT(OPTIONS) ..., one logical line. */
static void
export_judge(char *line, const char *path, struct sp_findings *found)
{
	char *dir, *rest, *open;
	const char *client;
	size_t len, name;

	line[strcspn(line, "#")] = '\0';
	dir = line + strspn(line, " \t");
	if (*dir == '"') {
		dir++;
		rest = dir + strcspn(dir, "\"");
	} else {
		rest = dir + strcspn(dir, " \t");
	}
	if (*rest == '\0')
		return;
	*rest++ = '\0';
	unescape(dir);
	if (dir[0] != '/' || !within(dir, path))
		return;
	for (; (open = strchr(rest, '(')) != NULL; rest = open + 1 + len) {
		client = rest + strspn(rest, " \t)");
		name = client < open ? (size_t)(open - client) : 0;
		len = strcspn(open + 1, ")");
		if (option_in(open + 1, len, "async"))
			(void)sp_found(found, SP_FOUND_BAD, "export",
			    "export it with sync, then: exportfs -ra",
			    "%.100s to %.*s with async: the server says that "
			    "it is on the disk before it is",
			    dir, name > 60 ? 60 : (int)name, client);
		else
			(void)sp_found(found, SP_FOUND_OK, "export", NULL,
			    "%.100s to %.*s with sync", dir,
			    name > 60 ? 60 : (int)name, client);
	}
}

void
sp_exports_judge(const char *text, const char *path, struct sp_findings *found)
{
	char line[4096];
	size_t n = 0;

	for (;; text++) {
		if (text[0] == '\\' && text[1] == '\n') {
			text++;
			continue;
		}
		if (*text != '\n' && *text != '\0') {
			if (n + 1 < sizeof line)
				line[n++] = *text;
			continue;
		}
		line[n] = '\0';
		export_judge(line, path, found);
		n = 0;
		if (*text == '\0')
			return;
	}
}
