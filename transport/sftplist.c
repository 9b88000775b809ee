/*
 * sftplist.c - listings of directories: names with all that the server says of
 * them, several requests on the way at once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport/sftpfs.h"

#define AT_ONCE 4 /* requests; an answer has some hundred names */

int
sftp_entries(struct sftp_fs *f, const char *path, struct sftp_call *c,
    sp_fs_one_fn *one, void *arg, unsigned *left)
{
	char name[NAME_MAX + 1], full[PATH_MAX];
	struct stat st;
	uint32_t n;
	int rc;

	if (c->type == SFTP_STATUS) {
		struct sftp_in in = c->in;

		if (sftp_u32(&in) == SFTP_FX_EOF)
			return 0;
		rc = sftp_said_of_file(f, c);
		return rc == 0 ? -EIO : rc;
	}
	if (c->type != SFTP_NAME)
		return sftp_spoilt(f->link, c->number);
	for (n = sftp_u32(&c->in); n > 0; n--) {
		if (*left == 0 || --*left == 0)
			return sftp_spoilt(f->link, c->number);
		bool ok = sftp_entry(&c->in, name, &st);

		if (c->in.bad)
			return sftp_spoilt(f->link, c->number);
		if (!ok)
			continue;
		if (S_ISREG(st.st_mode) &&
		    snprintf(full, sizeof full, "%s%s%s",
			strcmp(path, ".") == 0 ? "" : path,
			strcmp(path, ".") == 0 ? "" : "/",
			name) < (int)sizeof full)
			sftp_seen(f, full);
		if (!one(arg, name, &st))
			return 0;
	}
	return 1;
}

static int
list_open(struct sftp_fs *f, const struct sftp_file *dir, const char *path,
    sp_fs_one_fn *one, void *arg)
{
	unsigned left = SFTP_LIST, sent, i;
	struct sftp_call c[AT_ONCE];
	int rc = 1, was;

	while (rc == 1) {
		for (sent = 0; sent < AT_ONCE; sent++) {
			sftp_call_init(&c[sent], SFTP_READDIR);
			sftp_pack_handle(&c[sent].packet, dir);
			if ((was = sftp_send(f->link, &c[sent], dir->number)) !=
			    0) {
				sftp_call_clear(&c[sent]);
				rc = was;
				break;
			}
		}
		for (i = 0; i < sent; i++) {
			was = sftp_wait(f->link, &c[i]);
			if (rc == 1)
				rc = was != 0 ? was
					      : sftp_entries(f, path, &c[i],
						    one, arg, &left);
			sftp_call_clear(&c[i]);
		}
	}
	return rc;
}

int
sftp_list(void *tree, const char *path, sp_fs_one_fn *one, void *arg)
{
	struct sftp_file dir = { .number = 0 };
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	sftp_call_init(&c, SFTP_OPENDIR);
	sftp_pack_path(f, &c.packet, path);
	if ((rc = sftp_ask(f->link, &c, 0)) == 0)
		rc = sftp_said_handle(f, &c, &dir);
	sftp_call_clear(&c);
	if (rc == 0) {
		rc = list_open(f, &dir, path, one, arg);
		sftp_drop(f, &dir);
	}
	return rc == -EREMOTEIO ? -EIO : rc;
}
