/*
 * clone.c - clone3 with CLONE_VFORK and CLONE_INTO_CGROUP.  No function of the
 * C library does that, and it cannot be called as one: the child goes on on our
 * stack, and would overwrite the address that our half of the call returns to.
 * So the call, and what each of the two does next, stand here in one piece.
 * What is done in the child is spawn.c's business.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workerd/clone.h"

#if defined(__x86_64__) && defined(CLONE_INTO_CGROUP) && defined(SYS_clone3)

/* Below our stack lie 128 bytes that the compiler may use without saying so. */
static long
call(const struct clone_args *args, void (*child)(void *), void *arg)
{
	long rc = SYS_clone3;

	__asm__ volatile(
	    "syscall\n\t"
	    "testq %%rax, %%rax\n\t"
	    "jnz 1f\n\t"
	    "subq $128, %%rsp\n\t"
	    "andq $-16, %%rsp\n\t"
	    "xorl %%ebp, %%ebp\n\t"
	    "movq %[arg], %%rdi\n\t"
	    "callq *%[child]\n\t"
	    "ud2\n"
	    "1:"
	    : "+a"(rc)
	    : "D"(args), "S"(sizeof *args), [child] "r"(child), [arg] "r"(arg)
	    : "rcx", "r11", "cc", "memory");
	return rc;
}

pid_t
clone_into(int group, void (*child)(void *), void *arg)
{
	const struct clone_args args = {
		.flags = (__u64)CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP |
		    CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.cgroup = (__u64)group,
	};
	long rc = call(&args, child, arg);

	if (rc >= 0)
		return (pid_t)rc;
	errno = (int)-rc;
	return -1;
}

#else

pid_t
clone_into(int group, void (*child)(void *), void *arg)
{
	(void)group;
	(void)child;
	(void)arg;
	errno = ENOSYS;
	return -1;
}

#endif
