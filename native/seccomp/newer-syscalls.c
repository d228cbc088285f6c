#include "newer-syscalls.h"

#include <stddef.h>
#include <string.h>

/* The kernel's own tables, arch/x86/entry/syscalls/syscall_64.tbl; with the release that brought each. */
static const struct newer_syscall table[] = {
    {"uretprobe", 335, true},          /* 6.11 */
    {"uprobe", 336, true},             /* 6.18 */
    {"cachestat", 451, false},         /* 6.5 */
    {"fchmodat2", 452, false},         /* 6.6 */
    {"map_shadow_stack", 453, false},  /* 6.6 */
    {"futex_wake", 454, false},        /* 6.7 */
    {"futex_wait", 455, false},        /* 6.7 */
    {"futex_requeue", 456, false},     /* 6.7 */
    {"statmount", 457, false},         /* 6.8 */
    {"listmount", 458, false},         /* 6.8 */
    {"lsm_get_self_attr", 459, false}, /* 6.8 */
    {"lsm_set_self_attr", 460, false}, /* 6.8 */
    {"lsm_list_modules", 461, false},  /* 6.8 */
    {"mseal", 462, false},             /* 6.10 */
    {"setxattrat", 463, false},        /* 6.13 */
    {"getxattrat", 464, false},        /* 6.13 */
    {"listxattrat", 465, false},       /* 6.13 */
    {"removexattrat", 466, false},     /* 6.13 */
    {"open_tree_attr", 467, false},    /* 6.15 */
    {"file_getattr", 468, false},      /* 6.17 */
    {"file_setattr", 469, false},      /* 6.17 */
};

const struct newer_syscall *find_newer_syscall(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}
