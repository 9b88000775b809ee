/*
 * stamp.c - a job that says when it began: bench_stamp, written to the FIFO
 * that its job (argv[1]) names in "stamp".
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

int
main(int argc, char **argv)
{
	static const char key[] = "\"stamp\":\"";
	struct bench_stamp stamp = { 0 };
	const char *id = getenv("SPOOL_ID");
	struct timespec t;
	char *path, *end;
	int fd;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	stamp.ns = t.tv_sec * 1000000000L + t.tv_nsec;
	if (id != NULL)
		(void)strncpy(stamp.id, id, SP_ID_LEN);
	if (argc != 2 || (path = strstr(argv[1], key)) == NULL)
		return 2;
	path += strlen(key);
	if ((end = strchr(path, '"')) == NULL)
		return 2;
	*end = '\0';
	fd = open(path, O_WRONLY);
	return write(fd, &stamp, sizeof stamp) == sizeof stamp ? 0 : 1;
}
