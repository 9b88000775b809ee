/*
 * clock.c - clocks and dice.  The wall clock is for ids and display only, the
 * boot clock for waiting, the file server's for ages of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/spare.h"
#include "libspool/spool.h"

static int64_t
clock_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
sp_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
sp_mono_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

struct timespec
sp_mono_in(int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

uint32_t
sp_dice(void)
{
	uint32_t n;

	if (getrandom(&n, sizeof n, 0) == (ssize_t)sizeof n)
		return n;
	/* Only before the kernel's pool is ready. */
	return (uint32_t)(clock_ms(CLOCK_MONOTONIC) * 2654435761u) ^
	    (uint32_t)getpid();
}

void
sp_id_now(struct sp_id *id_out)
{
	sp_id_make(sp_wall_ms(), sp_dice(), id_out);
}

/* A full disk of ours tells no time; but it has our clock, and it answers. */
static enum sp_status
not_written(const struct sp_spool *spool, const char *name, int64_t began,
    int64_t *now_out, int64_t *took_out, struct sp_err *err)
{
	if (!spool->local || !sp_spare_short_is(errno))
		return sp_err_sys(err, "probe tmp/%s", name);
	*now_out = sp_wall_ms();
	*took_out = sp_mono_ms() - began;
	return SP_OK;
}

enum sp_status
sp_server_now(const struct sp_spool *spool, int64_t *now_out, int64_t *took_out,
    struct sp_err *err)
{
	char name[SP_NAME_MAX];
	struct stat st;
	int64_t began = sp_mono_ms();
	int fd, rc;

	(void)snprintf(name, sizeof name, ".probe.%s", spool->actor);
	fd = sp_fs_open(spool->dir[SP_DIR_TMP], name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd == -1)
		return not_written(spool, name, began, now_out, took_out, err);

	/* Over a network only a synced write proves that the server answers
	 * and brings its time back. */
	rc = sp_fs_write(fd, "p", 1) == 1 ? 0 : -1;
	if (rc == 0 && !spool->local)
		rc = sp_sync(fd, name, NULL) == SP_OK ? 0 : -1;
	if (rc == 0)
		rc = sp_fs_fstat(fd, &st);
	if (rc == -1) {
		enum sp_status s =
		    not_written(spool, name, began, now_out, took_out, err);
		(void)sp_fs_close(fd);
		return s;
	}
	if (sp_fs_close(fd) == -1)
		return sp_err_sys(err, "close tmp/%s", name);
	*now_out =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	*took_out = sp_mono_ms() - began;
	return SP_OK;
}
