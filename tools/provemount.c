/*
 * provemount.c - how the spool is mounted here, from the kernel's own words,
 * and how it is exported where that can be read.  What it means stands in
 * libspool/mount.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/buf.h"
#include "libspool/fs.h"
#include "tools/prove.h"

#define EXPORTS_MAX (1 << 20)

/* The mount that a handle is in, -1: not known. */
static int
mount_of(int fd)
{
	char path[64], line[256];
	int id = -1;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (id == -1 && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "mnt_id: %d", &id) != 1)
			id = -1;
	(void)fclose(f);
	return id;
}

static bool
find_mount(int id, struct sp_mount *mount)
{
	bool found = false;
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if ((f = fopen("/proc/self/mountinfo", "re")) == NULL)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = sp_mount_parse(line, mount) && mount->id == id;
	free(line);
	(void)fclose(f);
	return found;
}

/* A rename goes only within one mount. */
static void
one_mount(struct prove *p, int root)
{
	int i, fd;

	for (i = 0; i < SP_DIRS; i++) {
		/* Not the spool's own handle: that may know no more. */
		fd = sp_fs_open(p->spool->root, sp_dir_text((enum sp_dir)i),
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd == -1)
			continue;
		if (mount_of(fd) != root)
			(void)sp_found(&p->found, SP_FOUND_BAD, "one-mount",
			    "mount the whole spool as one",
			    "%s/ is a mount of its own: nothing can be "
			    "renamed into it",
			    sp_dir_text((enum sp_dir)i));
		(void)sp_fs_close(fd);
	}
}

static bool
read_text(const char *path, struct sp_buf *text)
{
	char piece[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	sp_buf_reset(text);
	if (fd == -1)
		return false;
	while ((n = read(fd, piece, sizeof piece)) > 0)
		sp_buf_put(text, piece, (size_t)n);
	(void)close(fd);
	return n == 0 && !text->failed && text->len > 0;
}

/* As it is in force, else as it is meant to be. */
static void
exports(struct prove *p, const char *path)
{
	struct sp_buf text = SP_BUF_INIT(EXPORTS_MAX);

	if (read_text("/var/lib/nfs/etab", &text) ||
	    read_text("/etc/exports", &text))
		sp_exports_judge(sp_buf_text(&text), path, &p->found);
	sp_buf_clear(&text);
}

void
prove_mount(struct prove *p)
{
	struct sp_mount *mount = calloc(1, sizeof *mount);
	int id = mount_of(p->spool->root);
	size_t before;

	if (mount == NULL || id == -1 || !find_mount(id, mount)) {
		(void)sp_found(&p->found, SP_FOUND_WARN, "filesystem",
		    "look at /proc/self/mountinfo yourself",
		    "how it is mounted cannot be read");
		free(mount);
		return;
	}
	sp_mount_judge(mount, &p->found);
	(void)snprintf(p->cert.host[0].type, sizeof p->cert.host[0].type, "%s",
	    mount->type);
	p->net = sp_mount_net_is(mount);
	one_mount(p, id);
	before = p->found.n;
	if (!p->net) {
		exports(p, p->spool->path);
	} else if (strncmp(mount->type, "nfs", 3) == 0) {
		const char *colon = strchr(mount->source, ':');

		/* Also of the machine itself, which a test may have mounted. */
		if (strncmp(mount->source, "localhost:", 10) == 0 ||
		    strncmp(mount->source, "127.", 4) == 0)
			exports(p, colon == NULL ? "" : colon + 1);
		if (p->found.n == before)
			(void)sp_found(&p->found, SP_FOUND_WARN, "export",
			    "on the server: exportfs -v must say sync",
			    "cannot be read from here: with async the server "
			    "loses what it said was on the disk");
	}
	free(mount);
}
