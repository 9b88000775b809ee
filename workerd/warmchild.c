/*
 * warmchild.c - forks of a warm interpreter that are children of workerd, so
 * that it is told how they end.  They are made beside us (CLONE_PARENT) where
 * nobody minds that C's fork() is not called; else by one that forks them and
 * ends, for what an ended process leaves becomes workerd's.
 */
#include <errno.h>
#include <link.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workerd/warmin.h"

/* In one of them: what is another's is closed. */
static int
keep_one(const struct warm_asked *asked, const struct warm_child *child,
    int many, int i)
{
	int k;

	for (k = 0; k < many; k++) {
		(void)close(child[k].pair[1]);
		if (k != i)
			(void)close(child[k].pair[0]);
	}
	for (k = 0; k < asked->groups; k++)
		(void)close(asked->group[k].fd);
	return child[i].pair[0];
}

/* ---- one that goes between ---- */

static int
between(const struct warm_asked *asked, struct warm_child *child, int *many)
{
	static pid_t *pid; /* where those between us and them tell */
	pid_t middle, one;
	int i, n;

	if (pid == NULL)
		pid = mmap(NULL, sizeof *pid * WARM_MOST,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pid == MAP_FAILED) {
		pid = NULL;
		*many = 0;
		return -1;
	}
	for (i = 0; i < *many; i++)
		pid[i] = -1;
	middle = fork();
	if (middle == 0) {
		for (i = 0; i < *many; i++) {
			if ((one = fork()) == 0)
				return keep_one(asked, child, *many, i);
			pid[i] = one; /* only here: it is shared */
		}
		_exit(0);
	}
	while (middle > 0 && waitpid(middle, NULL, 0) == -1 && errno == EINTR)
		;
	for (n = 0; n < *many && pid[n] > 0; n++)
		child[n].pid = pid[n];
	*many = n;
	return -1;
}

/* ---- beside us ---- */

/* What is not inherited but said by C's fork() in the child. */
static struct {
	uint64_t tid; /* where C keeps who it is; 0: it is not to be done */
	void *robust;
	size_t robust_size;
} own;

/* Does it have something called at a fork?  Its names are looked at, for C does
 * not say who has asked; C itself has them, too. */
static int
minds(struct dl_phdr_info *info, size_t size, void *arg)
{
	static const char *const calls[] = { "__register_atfork",
		"pthread_atfork" };
	const char *name = NULL;
	uintptr_t names = 0;
	size_t length = 0, soname = 0, i;
	const ElfW(Dyn) *d = NULL;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			d = (const void *)(uintptr_t)(info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr);
	for (; d != NULL && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_STRTAB)
			names = d->d_un.d_ptr;
		else if (d->d_tag == DT_STRSZ)
			length = d->d_un.d_val;
		else if (d->d_tag == DT_SONAME)
			soname = d->d_un.d_val;
	if (names == 0 || length == 0)
		return 0;
	/* The linker may have added where it lies. */
	name = (const char *)(names < info->dlpi_addr ? names + info->dlpi_addr
						      : names);
	if (strncmp(name + soname, "libc.so", 7) == 0 ||
	    strncmp(name + soname, "libpthread.so", 13) == 0)
		return 0;
	for (i = 0; i < sizeof calls / sizeof *calls; i++)
		if (memmem(name, length, calls[i], strlen(calls[i]) + 1) !=
		    NULL)
			*(bool *)arg = true;
	return 0;
}

/* Once, when all is imported. */
static void
look(void)
{
	unsigned long tid = 0;
	bool minded = false;

	if (prctl(PR_GET_TID_ADDRESS, &tid) == -1 || tid == 0 ||
	    syscall(SYS_get_robust_list, 0, &own.robust, &own.robust_size) ==
		-1)
		return;
	/* Where else would C look for it? */
	if (*(const pid_t *)tid != getpid())
		return;
	(void)dl_iterate_phdr(minds, &minded);
	if (!minded)
		own.tid = tid;
}

/* As fork(), but a sister, and there. */
static pid_t
sister(int group)
{
	struct clone_args how = { .flags = CLONE_PARENT | CLONE_CHILD_SETTID |
		    CLONE_CHILD_CLEARTID,
		.child_tid = own.tid };
	pid_t pid;

	if (group != -1) {
		how.flags |= (__u64)CLONE_INTO_CGROUP;
		how.cgroup = (__u64)group;
	}
	pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
	if (pid == 0)
		(void)syscall(SYS_set_robust_list, own.robust, own.robust_size);
	return pid;
}

/* In its group, or if that cannot be without one. */
static pid_t
born(const struct warm_asked *asked, int i, struct warm_child *child)
{
	child->group = i < asked->groups ? asked->group[i].number : 0;
	child->pid = -1;
	if (child->group != 0)
		child->pid = sister(asked->group[i].fd);
	if (child->pid == -1) {
		child->group = 0;
		child->pid = sister(-1);
	}
	return child->pid;
}

int
warm_children(
    const struct warm_asked *asked, struct warm_child *child, int *many)
{
	static bool looked;
	int i;

	if (!looked)
		look();
	looked = true;
	for (i = 0; own.tid != 0 && i < *many; i++) {
		if (born(asked, i, &child[i]) == 0)
			return keep_one(asked, child, *many, i);
		if (child[i].pid == -1)
			break;
	}
	/* clone3 may be forbidden, or a sister. */
	if (own.tid != 0 && i == 0 && errno != EAGAIN && errno != ENOMEM)
		own.tid = 0;
	if (own.tid == 0)
		return between(asked, child, many);
	*many = i;
	return -1;
}
