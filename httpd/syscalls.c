/*
 * syscalls.c - a filter for seccomp: a list of what may be called, and the
 * bits of it that matter (a thread may be made, a process may not; memory is
 * never both written and executed).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "httpd/syscalls.h"
#include "libspool/log.h"

/* The sanitizers ask who they are, and look at us when we end, and who counts
 * lines writes a file then: with them there is no filter. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
    defined(SP_COVERAGE)
#elif defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#ifdef MACHINE

static const int allowed[] = {
	/* open files */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_close,
	SYS_fstat,
	SYS_lseek,
	SYS_fcntl,
	SYS_fsync,
	SYS_fdatasync,
	SYS_syncfs,
	SYS_sync_file_range,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fchmod,
	SYS_fchown,
	SYS_dup,
	SYS_dup3,
	SYS_flock,
	SYS_sendfile,
	SYS_copy_file_range,
	SYS_fadvise64,
	SYS_ioctl,
	SYS_getdents64,
	SYS_fstatfs,
	SYS_statfs,
#ifdef SYS_dup2
	SYS_dup2,
#endif
#ifdef SYS_getdents
	SYS_getdents,
#endif
	/* names */
	SYS_openat,
	SYS_openat2,
	SYS_newfstatat,
	SYS_statx,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_renameat,
	SYS_renameat2,
	SYS_linkat,
	SYS_unlinkat,
	SYS_mkdirat,
	SYS_utimensat,
	SYS_readlinkat,
	SYS_getcwd,
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_rename,
	SYS_unlink,
	SYS_mkdir,
	SYS_rmdir,
	SYS_readlink,
#endif
	/* sockets that are there */
	SYS_accept,
	SYS_accept4,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_sendto,
	SYS_sendmsg,
	SYS_shutdown,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_getsockname,
	SYS_getpeername,
	/* waiting */
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_eventfd2,
	SYS_pipe2,
	SYS_inotify_init1,
	SYS_inotify_add_watch,
	SYS_inotify_rm_watch,
	SYS_futex,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_restart_syscall,
#ifdef SYS_poll
	SYS_poll,
	SYS_select,
	SYS_epoll_wait,
	SYS_epoll_create,
#endif
	/* memory and threads */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_gettid,
	SYS_getpid,
	SYS_getppid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_set_tid_address,
	SYS_membarrier,
	SYS_prlimit64,
	SYS_getrlimit,
	/* clocks, dice, signals, the end */
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_gettimeofday,
	SYS_getrandom,
	SYS_uname,
	SYS_sysinfo,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigtimedwait,
	SYS_sigaltstack,
	SYS_tgkill,
	SYS_signalfd4,
	SYS_exit,
	SYS_exit_group,
#ifdef SYS_time
	SYS_time,
#endif
};

#define ALLOWED (sizeof allowed / sizeof *allowed)
#define MOST    (2 * ALLOWED + 64)

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP(value, yes, no)                                                   \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)(value), yes, no)
#define BITS(value, yes, no)                                                   \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (__u32)(value), yes, no)
#define SAY(value)  BPF_STMT(BPF_RET | BPF_K, (__u32)(value))
#define FAIL(value) SAY(SECCOMP_RET_ERRNO | (value))
#define LOW(argument)                                                          \
	args[argument] /* of 64 bits, on a little-endian machine */

static void
put(struct sock_filter *f, size_t *n, struct sock_filter one)
{
	f[(*n)++] = one;
}

static size_t
filter(struct sock_filter *f)
{
	size_t i, n = 0;

	put(f, &n, (struct sock_filter)LOAD(arch));
	put(f, &n, (struct sock_filter)JUMP(MACHINE, 1, 0));
	put(f, &n, (struct sock_filter)SAY(SECCOMP_RET_KILL_PROCESS));
	put(f, &n, (struct sock_filter)LOAD(nr));
	/* The C library falls back to clone, whose flags can be looked at. */
	put(f, &n, (struct sock_filter)JUMP(SYS_clone3, 0, 1));
	put(f, &n, (struct sock_filter)FAIL(ENOSYS));
	put(f, &n, (struct sock_filter)JUMP(SYS_clone, 0, 4));
	put(f, &n, (struct sock_filter)LOAD(LOW(0)));
	put(f, &n, (struct sock_filter)BITS(CLONE_THREAD, 0, 1));
	put(f, &n, (struct sock_filter)SAY(SECCOMP_RET_ALLOW));
	put(f, &n, (struct sock_filter)FAIL(EPERM));
	put(f, &n, (struct sock_filter)JUMP(SYS_mmap, 1, 0));
	put(f, &n, (struct sock_filter)JUMP(SYS_mprotect, 0, 4));
	put(f, &n, (struct sock_filter)LOAD(LOW(2)));
	put(f, &n, (struct sock_filter)BITS(PROT_EXEC, 0, 1));
	put(f, &n, (struct sock_filter)FAIL(EPERM));
	put(f, &n, (struct sock_filter)SAY(SECCOMP_RET_ALLOW));
	for (i = 0; i < ALLOWED; i++) {
		put(f, &n, (struct sock_filter)JUMP(allowed[i], 0, 1));
		put(f, &n, (struct sock_filter)SAY(SECCOMP_RET_ALLOW));
	}
	put(f, &n, (struct sock_filter)FAIL(EPERM));
	return n;
}
#endif

enum sp_status
syscalls_limit(struct sp_err *err)
{
#ifdef MACHINE
	static struct sock_filter f[MOST];
	struct sock_fprog program = { .filter = f };

	program.len = (unsigned short)filter(f);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return SP_OK;
	if (errno != EINVAL && errno != ENOSYS)
		return sp_err_sys(err, "seccomp");
	sp_warn("seccomp: %s; all system calls may be made", strerror(errno));
#else
	(void)err;
	sp_warn("seccomp: not for this machine, or this build");
#endif
	return SP_OK;
}
