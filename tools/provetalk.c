/*
 * provetalk.c - messages between hosts that share nothing but the directory
 * which they are about to judge: files that appear whole, looked for by
 * listing, for as long as the slowest cache may take.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/proveroom.h"
#include "libspool/scan.h"
#include "tools/provejoin.h"

#define MESSAGE_MAX 65536

static int
make(struct meeting *m, const char *kind)
{
	char name[SP_NAME_MAX];

	(void)snprintf(name, sizeof name, "%s.%s", kind, m->p->spool->actor);
	if (sp_fs_mkdir(m->fd, name, 0777) == -1 && errno != EEXIST)
		return -1;
	return sp_fs_open(m->fd, name, O_RDONLY | O_DIRECTORY, 0);
}

bool
talk_open(struct meeting *m, struct sp_err *err)
{
	m->by = m->stage = -1;
	if ((m->stage = make(m, "st")) == -1 || (m->by = make(m, "by")) == -1) {
		(void)sp_err_sys(err, "tmp/%s", m->room);
		return false;
	}
	return true;
}

void
talk_close(struct meeting *m)
{
	size_t i;

	for (i = 0; i < m->peers; i++)
		if (m->peer[i].by != -1)
			(void)sp_fs_close(m->peer[i].by);
	if (m->by != -1)
		(void)sp_fs_close(m->by);
	if (m->stage != -1)
		(void)sp_fs_close(m->stage);
	m->by = m->stage = -1;
	m->peers = 0;
}

int
talk_of(const struct meeting *m, const char *w)
{
	char name[SP_NAME_MAX];
	int fd;

	(void)snprintf(name, sizeof name, "by.%s", w);
	return sp_open_dir(m->fd, name, &fd, NULL) == SP_OK ? fd : -1;
}

int
talk_put(struct meeting *m, const char *name, const char *text)
{
	size_t len = strlen(text);
	int fd, why = 0;

	fd = sp_fs_open(m->stage, name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd == -1)
		return errno;
	if (sp_write_all(fd, text, len) != SP_OK)
		why = EIO;
	if (sp_fs_close(fd) == -1 && why == 0)
		why = errno;
	return why != 0 ? why : sp_rename_said(m->stage, name, m->by, name, 0);
}

bool
talk_seen(int by, const char *name)
{
	struct sp_names names = { 0 };
	bool seen;

	seen = sp_list(by, false, &names, NULL) == SP_OK &&
	    sp_names_has(&names, name);
	sp_names_clear(&names);
	return seen;
}

bool
talk_read(int by, const char *name, struct sp_buf *text)
{
	struct stat st;

	return sp_read(by, name, MESSAGE_MAX, text, &st, NULL) == SP_OK;
}

void
talk_nap(int64_t waited)
{
	(void)poll(NULL, 0, waited < 200 ? 2 : waited < 5000 ? 20 : 100);
}

bool
talk_await(struct meeting *m, int by, const char *name)
{
	int64_t began = sp_mono_ms(), beat = began, now = began;

	while (!prove_ended && now < began + STEP_MS) {
		if (talk_seen(by, name))
			return true;
		talk_nap(now - began);
		now = sp_mono_ms();
		if (now > beat + 30000) {
			(void)sp_prove_beat(m->p->spool, m->p->fd, NULL);
			beat = now;
		}
	}
	return false;
}

void
talk_lost(struct meeting *m, const char *what, const char *who)
{
	if (!prove_ended && !m->torn)
		(void)sp_found(&m->p->found, SP_FOUND_BAD, what,
		    "see to it that both mount the same directory, and that "
		    "neither was stopped",
		    "%s was not seen to answer within %d s", who,
		    STEP_MS / 1000);
	m->torn = true;
}
