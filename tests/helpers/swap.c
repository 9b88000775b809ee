/*
 * swap DIR NAME GOOD BAD SECONDS - a user who exchanges his drop DIR/NAME again
 * and again, for whoever looks at it and then opens it: a good job (the text of
 * GOOD), a symbolic link to BAD, a hard link to it, a FIFO, a directory, a job
 * in which others may write.  Each appears by one rename.  Prints how often.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char text[65536];
static size_t len;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
good(int dir, const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644), rc = -1;

	if (fd == -1)
		return -1;
	if (write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0)
		rc = 0;
	(void)close(fd);
	return rc;
}

static int
make(int dir, const char *name, const char *bad, unsigned kind)
{
	switch (kind % 6) {
	case 0:
		return symlinkat(bad, dir, name);
	case 1:
		return linkat(AT_FDCWD, bad, dir, name, 0);
	case 2:
		return mkfifoat(dir, name, 0644);
	case 3:
		return good(dir, name, 0666);
	default:
		return good(dir, name, 0644);
	}
}

int
main(int argc, char **argv)
{
	char tmp[300];
	unsigned kind, n = 0;
	double until;
	int dir, fd;

	if (argc != 6)
		return 100;
	until = now() + strtod(argv[5], NULL);
	dir = open(argv[1], O_PATH | O_DIRECTORY);
	fd = open(argv[3], O_RDONLY);
	if (dir == -1 || fd == -1)
		return 111;
	len = (size_t)read(fd, text, sizeof text);
	(void)snprintf(tmp, sizeof tmp, ".%.200s", argv[2]);
	for (kind = 0; now() < until; kind++) {
		(void)unlinkat(dir, tmp, 0);
		if (make(dir, tmp, argv[4], kind) == -1)
			continue;
		if (renameat(dir, tmp, dir, argv[2]) == 0)
			n++;
	}
	(void)unlinkat(dir, tmp, 0);
	(void)unlinkat(dir, argv[2], 0);
	(void)printf("%u\n", n);
	return 0;
}
