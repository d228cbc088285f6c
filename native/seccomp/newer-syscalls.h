#ifndef LIGHTER_SECCOMP_NEWER_SYSCALLS_H
#define LIGHTER_SECCOMP_NEWER_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A system call that the kernel has and libseccomp may not know yet. Since 424 all architectures give a new call the same
 * number (x32 with its bit), so one number does; the few others say for whom they are.
 */
struct newer_syscall {
    const char *name;
    uint32_t number;
    bool x86_64_only;
};

/* NULL for a name that is not in the table. */
const struct newer_syscall *find_newer_syscall(const char *name);

#endif
