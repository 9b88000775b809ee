/*
 * boxed.c SPOOL - shut in as spool-httpd is, and what is tried then: files
 * outside, another program, another process, a connection.  Says what went
 * otherwise than it should.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/sandbox.h"
#include "libspool/err.h"

static int wrong;

static void
must(int good, const char *what)
{
	if (good)
		return;
	(void)printf("%s: %s\n", what, strerror(errno));
	wrong = 1;
}

static void *
nothing(void *arg)
{
	return arg;
}

int
main(int argc, char **argv)
{
	struct sandbox box = { 0 };
	struct sp_err err = { "" };
	pthread_t thread;
	char name[] = "true", *const args[] = { name, NULL };
	int spool;

	if (argc != 2 || (spool = open(argv[1], O_RDONLY | O_DIRECTORY)) == -1)
		return 100;
	box.spool = spool;
	if (sandbox_user(&box, &err) != SP_OK ||
	    sandbox_enter(&box, &err) != SP_OK) {
		(void)printf("%s\n", err.text);
		return 1;
	}
	must(open("/etc/shadow", O_RDONLY) == -1, "read /etc/shadow");
	must(open("/etc/passwd", O_RDONLY) == -1, "read /etc/passwd");
	must(open("/tmp", O_RDONLY | O_DIRECTORY) == -1, "list /tmp");
	must(open("/tmp/boxed", O_WRONLY | O_CREAT, 0600) == -1, "write /tmp");
	must(mkdir("/tmp/boxed", 0700) == -1, "make a directory in /tmp");
	must(execv("/bin/true", args) == -1, "run a program");
	must(fork() == -1, "start a process");
	must(socket(AF_INET, SOCK_STREAM, 0) == -1, "make a socket");
	must(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
	    "map memory to be written and run");
	must(symlinkat("/etc/passwd", spool, "tmp/link") == -1, "make a link");
	must(pthread_create(&thread, NULL, nothing, NULL) == 0 &&
		pthread_join(thread, NULL) == 0,
	    "start a thread");
	must(openat(spool, "tmp/boxed", O_WRONLY | O_CREAT, 0600) != -1,
	    "write in the spool");
	must(renameat(spool, "tmp/boxed", spool, "data/boxed") == 0,
	    "rename in the spool");
	must(unlinkat(spool, "data/boxed", 0) == 0, "remove in the spool");
	return wrong;
}
