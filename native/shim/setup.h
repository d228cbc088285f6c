/*
 * What a process knows while it turns itself into a container's process: a context that the steps share, and the tables
 * of steps. A step returns 0, or -1 after saying through setup_error what it was busy with.
 */
#ifndef SETUP_H
#define SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

struct cgroups;

struct setup {
    int channel;           /* to the monitor, see channel.h */
    struct records spec;   /* the validated message */
    const int *fds;        /* descriptors that came with it, taken in order by setup_next_fd */
    size_t fd_count;
    size_t fd_next;
    const struct cgroups *cgroups; /* where the trees are; the group's path is the order's TAG_CGROUP_PATH */
    int root;              /* the root to be, O_PATH; -1 before it is mounted and after the pivot */
    int stdio[3];          /* what becomes 0, 1, 2; -1: /dev/null of the container, or the terminal */
    int terminal;          /* the terminal's slave, -1: none */
    bool own_user_namespace;
    uid_t uid;
    gid_t gid;
    char **environment;    /* NULL-terminated */
    const char *home;      /* from the container's passwd */
    char *program;         /* found path of argument 0 */
    char detail[480];
};

struct step {
    const char *name; /* known to src/runtime/start-failure.ts, at most 23 bytes */
    int (*run)(struct setup *);
};

/* Notes what the failing step was busy with, keeps errno, returns -1. */
__attribute__((format(printf, 2, 3))) int setup_error(struct setup *setup, const char *format, ...);

/* Tells the monitor of something that could not be done and is not fatal, with errno as the cause. */
void setup_warn(struct setup *setup, const char *step, const char *detail);

/* The next descriptor of the order, or -1 with EPROTO. */
int setup_next_fd(struct setup *setup);

/* The life of a container's first process after clone: waits for its order, gets ready, waits for start, becomes it. */
_Noreturn void become_init(int channel, const struct cgroups *cgroups);

/* The same for a further process of a running container. container: pidfd of its first process. */
_Noreturn void become_exec(int channel, int container, uint32_t namespaces);

/* namespaces.c: ids within a user namespace of the container's own, session keyring, host and domain name, sysctls */
int step_user_namespace(struct setup *setup);
int step_keyring(struct setup *setup);
int step_hostname(struct setup *setup);
int step_sysctls(struct setup *setup);

/* root.c */
int step_propagation(struct setup *setup);
int step_root(struct setup *setup);
int step_pivot_root(struct setup *setup);

/* mounts.c, devices.c, hide.c */
int step_mounts(struct setup *setup);
int step_devices(struct setup *setup);
int step_hide_paths(struct setup *setup);
int step_make_directory(struct setup *setup);

/* terminal.c */
int step_terminal(struct setup *setup);
int step_session(struct setup *setup);

/* netlink.c */
int step_network(struct setup *setup);

/* user.c */
int step_user(struct setup *setup);

/* privileges.c */
int step_oom_score(struct setup *setup);
int step_rlimits(struct setup *setup);
int step_change_user(struct setup *setup);
int step_seccomp_and_capabilities(struct setup *setup);

/* program.c */
int step_stdio(struct setup *setup);
int step_directory(struct setup *setup);
int step_find_program(struct setup *setup);
int step_exec(struct setup *setup);

#endif
