#ifndef LIGHTER_SECCOMP_PROLOGUE_H
#define LIGHTER_SECCOMP_PROLOGUE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "newer-syscalls.h"

/*
 * Instructions in front of libseccomp's program, for two things that it cannot express:
 *
 * - rules for system calls that are newer than libseccomp;
 * - ENOSYS for system calls that are newer than the profile. A C library tries a new call first and falls back on ENOSYS
 *   alone, so a default of EPERM would break programs on kernels that the profile's author had not seen. The profile's
 *   age is the largest number that it names, as runc takes it.
 */
struct prologue {
    bool answers_enosys;
    struct {
        uint32_t architecture; /* SCMP_ARCH_* */
        uint32_t largest;      /* number named by the profile, without x32's bit */
    } tables[4];
    size_t table_count;
    struct {
        const struct newer_syscall *syscall;
        uint32_t action; /* SCMP_ACT_* */
    } rules[32];
    size_t rule_count;
};

void prologue_init(struct prologue *prologue, uint32_t default_action);

/* Only x86's three can be told apart here; others are passed to libseccomp's program as they come. */
void prologue_add_architecture(struct prologue *prologue, uint32_t architecture);

/* The profile names this system call, whatever it says of it. Architectures have to be known before. */
void prologue_note(struct prologue *prologue, const char *name);

/* False when there is no room. */
bool prologue_add_rule(struct prologue *prologue, const struct newer_syscall *syscall, uint32_t action);

/* Returns the count of instructions. They fall through to whatever follows them. */
size_t prologue_write(const struct prologue *prologue, struct sock_filter *program, size_t capacity);

#endif
