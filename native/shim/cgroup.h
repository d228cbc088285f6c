/*
 * The container's control groups: one directory with the same path in every v1 tree, or one in the v2 tree. In a hybrid
 * the controllers are v1's and the v2 tree has none, so it is left alone. Paths begin with "/" and are relative to where
 * the tree is mounted, which is right within a nested engine too.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { CGROUP_TREES_MAX = 24, CGROUP_PATH_MAX = 256 };

struct cgroup_tree {
    char *mount;       /* "/sys/fs/cgroup/memory" */
    char *controllers; /* v1: "cpu,cpuacct" or "name=systemd"; v2: "" */
};

struct cgroups {
    struct cgroup_tree trees[CGROUP_TREES_MAX];
    size_t count;
    bool v2;
    char path[CGROUP_PATH_MAX]; /* of the container; "" before cgroups_make */
    bool made;
};

/* Finds the trees in /proc/self/mountinfo. 0, or -1 with errno (ENOENT: none is mounted). */
int cgroups_find(struct cgroups *cgroups);

/* Makes the groups, parents included. 0, or -1 with errno; nothing stays half-made. */
int cgroups_make(struct cgroups *cgroups, const char *path);

/* Moves the caller in. The first move after a while costs 10 to 23 ms on v1 (an RCU grace period). */
int cgroups_enter(const struct cgroups *cgroups);

/* Takes the wanted path where the kernel lets a group be renamed: v1, same parent. Otherwise path stays. */
void cgroups_rename(struct cgroups *cgroups, const char *path);

/* True if `path` can be had by cgroups_rename (or is the path already). */
bool cgroups_same_parent(const struct cgroups *cgroups, const char *path);

/* Writes a value; controller as in /proc/cgroups, "unified" on v2. 0, or -1 with errno (ENOENT: no such tree or file). */
int cgroups_write(const struct cgroups *cgroups, const char *controller, const char *file, const char *value);

/* How many processes of the container the kernel killed for want of memory. */
uint64_t cgroups_oom_kills(const struct cgroups *cgroups);

/* Ends whoever is in there with SIGKILL, and waits for each, a second at most. True if there was anybody. */
bool cgroups_kill(const struct cgroups *cgroups);

/* Removes the groups, what the container made below them, and parents that are empty now. */
void cgroups_remove(struct cgroups *cgroups);

/* Allows the devices of TAG_DEVICE_RULE and no others, as an eBPF program on the v2 group. */
int cgroups_restrict_devices(const struct cgroups *cgroups, struct records spec);

#endif
