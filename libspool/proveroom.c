/*
 * proveroom.c - the room of `spool prove` in tmp/: made, kept, removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/proveroom.h"
#include "libspool/scan.h"

#define DEPTH 2

static bool
room_is(const char *name)
{
	return strncmp(name, SP_TMP_PROVE, strlen(SP_TMP_PROVE)) == 0 &&
	    sp_worker_ok(name + strlen(SP_TMP_PROVE));
}

enum sp_status
sp_prove_beat(const struct sp_spool *spool, int room, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	static int64_t count;
	struct sp_beat beat;
	enum sp_status st;

	memset(&beat, 0, sizeof beat);
	sp_beat_self(&beat);
	(void)snprintf(beat.worker, sizeof beat.worker, "%s", spool->actor);
	(void)snprintf(beat.role, sizeof beat.role, "prove");
	beat.count = count++;
	sp_beat_print(&beat, &text);
	st = text.failed ? sp_err_set(err, SP_RETRY, "no memory")
			 : sp_publish(spool, room, "who", text.data, text.len,
			       SP_PUB_REPLACE | SP_PUB_LAZY, err);
	sp_buf_clear(&text);
	return st;
}

enum sp_status
sp_prove_make(const struct sp_spool *spool, char name[SP_NAME_MAX], int *fd_out,
    struct sp_err *err)
{
	int tmp = spool->dir[SP_DIR_TMP];
	enum sp_status st;

	(void)snprintf(name, SP_NAME_MAX, SP_TMP_PROVE "%s", spool->actor);
	if (sp_fs_mkdir(tmp, name, 0777) == -1)
		return sp_err_sys(err, "make tmp/%s", name);
	st = sp_open_dir(tmp, name, fd_out, err);
	if (st == SP_OK && (st = sp_prove_beat(spool, *fd_out, err)) != SP_OK)
		(void)sp_fs_close(*fd_out);
	if (st != SP_OK)
		(void)sp_prove_wipe(spool, name);
	return st;
}

/* Others may still be leaving it, so one that cannot go yet is no reason to
 * leave the rest. */
static bool
wipe(int dir, const char *name, int depth)
{
	struct sp_names names = { 0 };
	bool all = true;
	size_t i;
	int fd;

	if (sp_open_dir(dir, name, &fd, NULL) != SP_OK)
		return false;
	if (sp_list(fd, true, &names, NULL) != SP_OK)
		all = false;
	for (i = 0; i < names.n; i++) {
		const char *one = sp_names_at(&names, i);

		if (sp_fs_unlink(fd, one) == 0 || errno == ENOENT)
			continue;
		all = depth > 1 && wipe(fd, one, depth - 1) && all;
	}
	sp_names_clear(&names);
	(void)sp_fs_close(fd);
	return sp_fs_rmdir(dir, name) == 0 && all;
}

bool
sp_prove_wipe(const struct sp_spool *spool, const char *name)
{
	int i;

	if (!room_is(name))
		return false;
	for (i = 0; i < 3; i++)
		if (wipe(spool->dir[SP_DIR_TMP], name, DEPTH))
			return true;
	return false;
}

bool
sp_prove_left(const struct sp_spool *spool, const char *name, int64_t now)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX + 2);
	char who[SP_NAME_MAX + 8];
	struct sp_beat beat;
	struct stat st;
	bool gone = false;
	int64_t since;

	if (!room_is(name))
		return false;
	(void)snprintf(who, sizeof who, "%s/who", name);
	if (sp_read(spool->dir[SP_DIR_TMP], who, SP_BEAT_MAX, &text, &st,
		NULL) == SP_OK) {
		if (sp_beat_parse(sp_buf_text(&text), text.len, &beat, NULL) ==
		    SP_OK)
			gone = sp_beat_gone_is(&beat);
		sp_beat_clear(&beat);
	} else if (sp_fs_lstat(spool->dir[SP_DIR_TMP], name, &st) == -1) {
		sp_buf_clear(&text);
		return false;
	}
	sp_buf_clear(&text);
	since = (int64_t)st.st_ctim.tv_sec;
	return gone || now / 1000 - since > SP_PROVE_OLD;
}

unsigned
sp_prove_sweep(const struct sp_spool *spool)
{
	struct sp_names names = { 0 };
	int64_t now, took;
	unsigned n = 0;
	size_t i;

	if (sp_server_now(spool, &now, &took, NULL) != SP_OK ||
	    sp_list(spool->dir[SP_DIR_TMP], false, &names, NULL) != SP_OK)
		return 0;
	for (i = 0; i < names.n; i++) {
		const char *name = sp_names_at(&names, i);

		if (sp_prove_left(spool, name, now))
			n += sp_prove_wipe(spool, name);
	}
	sp_names_clear(&names);
	return n;
}
