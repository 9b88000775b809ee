/*
 * warmfork.c - what a warm interpreter does in C: fork, wait for a job, become
 * its process.  A shared object, a copy of which warm.py (which has the plan)
 * loads into Python; it knows nothing of workerd's rooms.  In Python the same
 * would touch, and so copy, twice the memory of a job that does nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define YIELDS 1000000 /* until an ended process's children are workerd's */
#define HUGE   (UINTPTR_MAX << 21)

/* Given once, by warm.py. */
struct warm_place {
	int control; /* to workerd */
	int pid;     /* workerd's */
	char *text;  /* where a job is put */
	size_t room;
	const char *program;
	char *args; /* what others see of us: /proc/PID/cmdline, */
	size_t args_room;
	char *id;             /* and SPOOL_ID of environ; NULL: nowhere */
	void (*before)(void); /* Python's own, around a fork */
	void (*parent)(void);
	void (*child)(void);
};

#define SHOWN __attribute__((visibility("default")))
SHOWN long spool_warm_fork(const struct warm_place *at, int many);
SHOWN void spool_warm_pack(void);
SHOWN unsigned long long spool_warm_loaded(void);

static _Noreturn void
leave(void)
{
	_exit(0);
}

/* Hand the other end of our socket to workerd; the kernel says who we are. */
static int
offer(const struct warm_place *at)
{
	char word[] = "\1S";
	struct iovec iov = { .iov_base = word, .iov_len = 2 };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof u.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == -1)
		leave();
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	(void)memcpy(CMSG_DATA(c), &s[1], sizeof(int));
	if (sendmsg(at->control, &m, MSG_NOSIGNAL) == -1)
		leave();
	(void)close(s[1]);
	(void)close(at->control);
	return s[0];
}

/* Its job: one message, and the two files that are its output. */
static size_t
await_job(const struct warm_place *at, int job, int file[2])
{
	struct iovec iov = { .iov_base = at->text, .iov_len = at->room };
	union {
		char room[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof u.room };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(job, &m, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    (c = CMSG_FIRSTHDR(&m)) == NULL ||
	    c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		leave(); /* not needed any more */
	(void)memcpy(file, CMSG_DATA(c), 2 * sizeof(int));
	(void)close(job);
	return (size_t)n;
}

static char *
word(char *to, const char *end, const char *text)
{
	size_t n = strlen(text) + 1;

	n = n < (size_t)(end - to) ? n : (size_t)(end - to);
	(void)memcpy(to, text, n);
	return to + n;
}

/* As ps(1) would see it of a cold one: PROGRAM -u SCRIPT ARGUMENTS, and the id.
 * The message is DIR, SCRIPT, ID, how many arguments, and those. */
static void
show(const struct warm_place *at)
{
	const char *script = at->text + strlen(at->text) + 1;
	const char *id = script + strlen(script) + 1;
	const char *arg = id + strlen(id) + 1;
	char *out = at->args, *end = at->args + at->args_room - 1;
	unsigned long n;

	if (at->id != NULL)
		(void)memcpy(at->id, id, strlen(id));
	out = word(word(word(out, end, at->program), end, "-u"), end, script);
	for (n = strtoul(arg, NULL, 10); n > 0; n--) {
		arg += strlen(arg) + 1;
		out = word(out, end, arg);
	}
	(void)memset(out, 0, (size_t)(end - out));
}

/* A process of workerd's own, that waits for a job and then is its. */
static size_t
spare(const struct warm_place *at, const int gone[2])
{
	int file[2], job, yields = 0;
	size_t len;
	char c;

	(void)close(gone[1]);
	(void)!read(gone[0], &c, 1); /* until the one between us is all but
	                              * gone */
	(void)close(gone[0]);
	while (getppid() != at->pid)
		if (++yields > YIELDS || sched_yield() == -1)
			leave();
	/* Die with workerd. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != at->pid)
		leave();
	job = offer(at);
	len = await_job(at, job, file);
	(void)setsid(); /* until now we were our server's */
	if (dup2(file[0], 1) == -1 || dup2(file[1], 2) == -1)
		leave();
	(void)close(file[0]);
	(void)close(file[1]);
	show(at);
	return len;
}

/* So many spares.  0: in the server, it is done.  -1: it cannot fork.  Else the
 * length of the message, in a process that is a job's now. */
long
spool_warm_fork(const struct warm_place *at, int many)
{
	pid_t middle;
	size_t len;
	int gone[2];

	if (pipe(gone) == -1)
		return -1;
	at->before();
	middle = fork();
	if (middle != 0) {
		at->parent();
		(void)close(gone[0]);
		(void)close(gone[1]);
		while (middle > 0 && waitpid(middle, NULL, 0) == -1 &&
		    errno == EINTR)
			;
		return middle == -1 ? -1 : 0;
	}
	/* What an ended process leaves becomes workerd's child. */
	while (many-- > 0)
		if (fork() == 0) {
			len = spare(at, gone);
			at->child();
			return (long)len;
		}
	leave();
}

/* The room between what C has is used up, too. */
static void
fill(void)
{
	const char *top, *p;
	size_t size;

	(void)malloc_trim(0);
	top = (const char *)sbrk(0) - mallinfo2().keepcost;
	for (size = 65536; size > 16; size -= size > 1040 ? size / 8 : 16)
		do
			p = malloc(size);
		while (p != NULL && p < top);
}

/* Write what stands there: from then on a fork copies what is known of these
 * pages, which without that it leaves to be found anew, one by one. */
static void
touch(int mem, unsigned long at)
{
	char c;

	if (pread(mem, &c, 1, (off_t)at) == 1)
		(void)!pwrite(mem, &c, 1, (off_t)at);
}

/* What lies in large pages is copied by a fork 512 pages at a time. */
static void
collapse(unsigned long from, unsigned long to)
{
	from = (from + ~HUGE) & HUGE;
	to &= HUGE;
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_COLLAPSE);
}

/* All is there that forks will have in common: lay it so that a fork, and what
 * happens in it, copies little. */
void
spool_warm_pack(void)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to, inode;
	char line[512], mode[8];

	fill();
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, mode,
			&inode) != 4 ||
		    strstr(line, " [") != NULL)
			continue;
		if (inode == 0 && strcmp(mode, "rw-p") == 0)
			collapse(from, to);
		else if (inode != 0 &&
		    (strcmp(mode, "r-xp") == 0 || strcmp(mode, "r--p") == 0))
			touch(mem, from);
	}
	if (f != NULL)
		(void)fclose(f);
	if (mem != -1)
		(void)close(mem);
}

static int
count(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(unsigned long long *)arg = info->dlpi_adds;
	return 1; /* the first says it */
}

/* Changes with each shared object that is loaded. */
unsigned long long
spool_warm_loaded(void)
{
	unsigned long long n = 0;

	(void)dl_iterate_phdr(count, &n);
	return n;
}
