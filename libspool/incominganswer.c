/*
 * incominganswer.c - what became of drops, for those who dropped them:
 * answers/UID/NAME.id and NAME.why.  Strangers know these names, and chose half
 * of each; so each file is made in tmp/ and renamed, in directories that nobody
 * but us can write to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incomingin.h"
#include "libspool/log.h"
#include "libspool/submit.h"

#define WHYS 1000 /* of one owner in an hour: then he knows */

int
incoming_room(struct sp_incoming *in, uint32_t uid)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof name, "%u", uid);
	if (sp_open_dir(in->answers, name, &fd, NULL) == SP_OK)
		return fd;
	if (sp_fs_mkdir(in->answers, name, 0711) == -1 ||
	    sp_open_dir(in->answers, name, &fd, NULL) != SP_OK)
		return -1;
	(void)sp_fs_fchmod(fd, 0711);
	return fd;
}

static void
say(struct sp_incoming *in, uint32_t uid, const char *name, const char *ending,
    const struct sp_buf *text)
{
	char file[INCOMING_NAME + 8];
	struct sp_err err = { "" };
	enum sp_status st = SP_RETRY;
	int dir;

	(void)snprintf(file, sizeof file, "%s%s", name, ending);
	dir = incoming_room(in, uid);
	if (dir != -1 && !text->failed)
		st = sp_publish(in->sp, dir, file, text->data, text->len,
		    SP_PUB_REPLACE | SP_PUB_LAZY, &err);
	/* In a directory of ours: what has that name is what we made. */
	if (st == SP_OK && geteuid() == 0 &&
	    (fchownat(dir, file, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) == -1 ||
		fchmodat(dir, file, 0400, 0) == -1))
		st = sp_err_sys(&err, "give %s away", ending);
	else if (st == SP_OK && geteuid() != 0 &&
	    fchmodat(dir, file, 0444, 0) == -1)
		st = sp_err_sys(&err, "chmod %s", ending);
	if (st != SP_OK && sp_warn_due("answer"))
		sp_warn("answer uid=%u: %s", uid, err.text);
	if (dir != -1)
		(void)sp_fs_close(dir);
}

void
incoming_say_id(struct sp_incoming *in, const struct incoming_drop *drop,
    const struct sp_id *id)
{
	uint32_t uid = in->owner[drop->owner].uid;
	struct sp_buf text = SP_BUF_INIT(4096);
	char why[INCOMING_NAME + 8];
	int dir;

	sp_buf_printf(&text, "%s\n", id->text);
	say(in, uid, drop->name, ".id", &text);
	sp_buf_clear(&text);
	/* What was said of it before. */
	(void)snprintf(why, sizeof why, "%s.why", drop->name);
	if ((dir = incoming_room(in, uid)) != -1) {
		(void)sp_fs_unlink(dir, why);
		(void)sp_fs_close(dir);
	}
}

bool
incoming_say_why(struct sp_incoming *in, const char *name, uint32_t uid,
    bool waits, const char *why)
{
	struct sp_buf text = SP_BUF_INIT(8192);
	size_t owner;

	if (incoming_whose(in, uid, &owner) != SP_OK ||
	    in->owner[owner].whys > WHYS)
		return false;
	if (in->owner[owner].whys++ == WHYS) {
		sp_warn("incoming uid=%u: %d answers in an hour; no more of "
			"them until it has passed",
		    (unsigned)uid, WHYS);
		return false;
	}
	sp_put_safe(&text, name);
	sp_buf_puts(&text,
	    waits ? " was dropped into incoming/ and waits there.\n\n"
		    "Why:            "
		  : " was dropped into incoming/ and was not taken.\n\n"
		    "What is wrong:  ");
	sp_put_safe(&text, why);
	sp_buf_puts(&text,
	    waits ? "\nWhat to do:     nothing; or remove it, and it never "
		    "was.\n"
		  : "\nWhat to do:     mend it there, or remove it and drop "
		    "another; it is looked at\n                again when it "
		    "changes, and removed when it has lain there for long.\n");
	say(in, uid, name, ".why", &text);
	sp_buf_clear(&text);
	return true;
}

/* ---- in time ---- */

struct sweep {
	struct sp_incoming *in;
	int dir;
	unsigned n;
};

static bool
sweep_one(void *arg, const char *name, const struct stat *unused)
{
	struct sweep *w = arg;
	int64_t age;
	struct stat st;

	(void)unused;
	if (sp_fs_lstat(w->dir, name, &st) == -1)
		return true;
	age = w->in->server - (int64_t)st.st_ctim.tv_sec * 1000;
	if (age < (int64_t)(w->in->sp->policy.answer_age * 1000) ||
	    (w->dir != w->in->dir && name[0] == '.'))
		return true;
	sp_alive(w->in->sp);
	/* Never what is in a stranger's directory: only an empty one goes. */
	if (S_ISDIR(st.st_mode) ? sp_fs_rmdir(w->dir, name) == 0
				: sp_fs_unlink(w->dir, name) == 0)
		w->n++;
	return true;
}

void
incoming_sweep(struct sp_incoming *in)
{
	struct sp_names names = { 0 };
	struct sweep w = { .in = in, .dir = in->dir };
	size_t i;
	int fd;

	for (i = 0; i < in->owners; i++)
		in->owner[i].whys = 0;
	(void)sp_fs_list(in->dir, ".", sweep_one, &w);
	if (sp_list(in->answers, false, &names, NULL) == SP_OK)
		for (i = 0; i < names.n; i++) {
			if (sp_open_dir(in->answers, sp_names_at(&names, i),
				&fd, NULL) != SP_OK)
				continue;
			w.dir = fd;
			(void)sp_fs_list(fd, ".", sweep_one, &w);
			(void)sp_fs_close(fd);
		}
	sp_names_clear(&names);
	if (w.n > 0)
		sp_info("sweep incoming: %u old drops and answers", w.n);
}
