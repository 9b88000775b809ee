/*
 * halt.c - an SFTP server that dies, or falls asleep, in the middle of a
 * rename; preloaded into sshd, whose internal-sftp then runs in a chroot.
 *
 * /halt there holds "CALL KIND WORD": the next CALL (unlink, rename) of a path
 * that has WORD in it takes the file away and then, before the call,
 *
 *	kill	is killed
 *	wait	waits until there is a file /go
 *	lose	is killed, but after the call: its answer is lost
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* true: it is to be lost. */
static bool
halt(const char *call, const char *path)
{
	char text[256] = "", is[16], kind[16], word[64];
	int fd = open("/halt", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	(void)!read(fd, text, sizeof text - 1);
	(void)close(fd);
	if (sscanf(text, "%15s %15s %63s", is, kind, word) != 3 ||
	    strcmp(is, call) != 0 || strstr(path, word) == NULL)
		return false;
	/* One of those who saw it. */
	if (syscall(SYS_unlinkat, AT_FDCWD, "/halt", 0) != 0)
		return false;
	if (strcmp(kind, "lose") == 0)
		return true;
	if (strcmp(kind, "kill") == 0)
		(void)kill(getpid(), SIGKILL);
	while (access("/go", F_OK) != 0)
		(void)usleep(10000);
	(void)syscall(SYS_unlinkat, AT_FDCWD, "/go", 0);
	return false;
}

int
unlink(const char *path)
{
	int (*real)(const char *) =
	    (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");

	bool lost = halt("unlink", path);
	int rc = real(path);

	if (lost)
		(void)kill(getpid(), SIGKILL);
	return rc;
}

int
rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) =
	    (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");

	bool lost = halt("rename", to);
	int rc = real(from, to);

	if (lost)
		(void)kill(getpid(), SIGKILL);
	return rc;
}
