import type { SeccompProfile } from "./seccomp.ts";

/**
 * The default profile, with the semantics of Docker's (28.5): what is not named fails with EPERM, what came after the
 * profile with ENOSYS. The calls that are not allowed are those that reach beyond the container's namespaces, were rarely
 * tested by users without rights, or made kernels break before; most come back with the capability that guards them.
 */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Opening, reading, writing, and what one does with a descriptor. */
const FILES = words(`
  cachestat close close_range copy_file_range creat dup dup2 dup3 fadvise64 fadvise64_64 fallocate fcntl fcntl64
  fdatasync flock fsync ftruncate ftruncate64 ioctl _llseek lseek open openat openat2 pipe pipe2 pread64 preadv
  preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 splice sync sync_file_range syncfs
  tee truncate truncate64 vmsplice write writev
`);

/** Status, mode, owner and times of files; mounts are only told of. */
const FILE_STATUS = words(`
  access chmod chown chown32 faccessat faccessat2 fchmod fchmodat fchmodat2 fchown fchown32 fchownat fstat fstat64
  fstatat64 fstatfs fstatfs64 futimesat lchown lchown32 listmount lstat lstat64 newfstatat stat stat64 statfs
  statfs64 statmount statx umask utime utimensat utimensat_time64 utimes
`);

const DIRECTORIES_AND_NAMES = words(`
  chdir fchdir getcwd getdents getdents64 link linkat mkdir mkdirat mknod mknodat name_to_handle_at readlink
  readlinkat rename renameat renameat2 rmdir symlink symlinkat unlink unlinkat
`);

const EXTENDED_ATTRIBUTES = words(`
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
  lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
`);

const WAITING_FOR_DESCRIPTORS = words(`
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
  eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll
  ppoll_time64 pselect6 pselect6_time64 select
`);

/** The older interface; io_uring is not allowed, for its calls pass no filter. */
const ASYNCHRONOUS_IO = words(`
  io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit
`);

const MEMORY = words(`
  brk madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap
  mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages
`);

/** Making processes with flags is a rule of its own, below. */
const PROCESSES_AND_THREADS = words(`
  execve execveat exit exit_group fork get_thread_area getpgid getpgrp getpid getppid getsid gettid pidfd_open
  prctl process_mrelease set_thread_area set_tid_address setpgid setsid vfork wait4 waitid waitpid
`);

const SIGNALS = words(`
  kill pause pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
  rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd
  signalfd4 sigprocmask sigreturn tgkill tkill
`);

const FUTEXES = words(`
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list set_robust_list
`);

const SCHEDULING = words(`
  getcpu getpriority ioprio_get ioprio_set membarrier rseq sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  setpriority
`);

/** What these may change is up to the capabilities. */
const IDENTITY = words(`
  capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
  getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
  setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32
`);

/** Reading clocks and waiting; setting them needs a capability. */
const TIME = words(`
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
  clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64 times
`);

/** But for making one, a rule of its own, below. */
const SOCKETS = words(`
  accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
  recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair
`);

/** All of these end at the IPC namespace. */
const SYSTEM_V_IPC_AND_MESSAGE_QUEUES = words(`
  ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
  mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
`);

const LIMITS_AND_INFORMATION = words(`
  getrandom getrlimit getrusage prlimit64 setrlimit sysinfo ugetrlimit uname
`);

/** A process may always give up more. */
const CONFINEMENT = words(`
  landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp
`);

/** What the kernel itself makes a program call, and what only other machines have. */
const OTHERS = words("riscv_hwprobe uretprobe");

const EPERM = 1;
const ENOSYS = 38;

/** socket(2): reaches the hypervisor and other machines on it, past every network namespace. */
const AF_VSOCK = 40;

/** personality(2): Linux as it is, UNAME26 and 32 bits, and asking for the current one. No flag that weakens address randomization. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** clone(2): CLONE_NEW* for mount, cgroup, UTS, IPC, user, PID and network namespaces. */
const CLONE_NEW_NAMESPACES = 0x7e020000;

const SYS_ADMIN = ["CAP_SYS_ADMIN"];

/** Calls that are allowed with the capability which the kernel asks for anyway. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_BPF: "bpf",
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_PERFMON: "perf_event_open",
  CAP_SYS_ADMIN: `
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
    sethostname setns syslog umount umount2 unshare
  `,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module finit_module init_module",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "ioperm iopl",
  CAP_SYS_TIME: "clock_settime clock_settime64 settimeofday stime",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYSLOG: "syslog",
};

export const DEFAULT_SECCOMP_PROFILE: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: EPERM,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
  ],
  syscalls: [
    {
      names: [
        ...FILES,
        ...FILE_STATUS,
        ...DIRECTORIES_AND_NAMES,
        ...EXTENDED_ATTRIBUTES,
        ...WAITING_FOR_DESCRIPTORS,
        ...ASYNCHRONOUS_IO,
        ...MEMORY,
        ...PROCESSES_AND_THREADS,
        ...SIGNALS,
        ...FUTEXES,
        ...SCHEDULING,
        ...IDENTITY,
        ...TIME,
        ...SOCKETS,
        ...SYSTEM_V_IPC_AND_MESSAGE_QUEUES,
        ...LIMITS_AND_INFORMATION,
        ...CONFINEMENT,
        ...OTHERS,
      ],
      action: "SCMP_ACT_ALLOW",
    },
    {
      // Before 4.8 a tracer could change a call after the filter had seen it (seccomp(2)).
      names: ["process_vm_readv", "process_vm_writev", "ptrace"],
      action: "SCMP_ACT_ALLOW",
      includes: { minKernel: "4.8" },
    },
    { names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: AF_VSOCK, op: "SCMP_CMP_NE" }] },
    ...PERSONALITIES.map((value) => ({
      names: ["personality"],
      action: "SCMP_ACT_ALLOW" as const,
      args: [{ index: 0, value, op: "SCMP_CMP_EQ" as const }],
    })),
    { names: ["arch_prctl"], action: "SCMP_ACT_ALLOW", includes: { arches: ["amd64", "x32"] } },
    { names: ["modify_ldt"], action: "SCMP_ACT_ALLOW", includes: { arches: ["amd64", "x32", "x86"] } },
    {
      names: words("arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"),
      action: "SCMP_ACT_ALLOW",
      includes: { arches: ["arm", "arm64"] },
    },
    ...Object.entries(BY_CAPABILITY).map(([capability, names]) => ({
      names: words(names),
      action: "SCMP_ACT_ALLOW" as const,
      includes: { caps: [capability] },
    })),
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: CLONE_NEW_NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      excludes: { caps: SYS_ADMIN },
    },
    {
      // Its flags lie in memory, where no filter can look; with ENOSYS C libraries use clone, whose flags it can see.
      names: ["clone3"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: ENOSYS,
      excludes: { caps: SYS_ADMIN },
    },
  ],
};
