/*
 * The keeper: a process of ours that waits inside the container's cgroups and outside its namespaces. Entering v1 cgroups
 * is the dearest part of a start; whoever the keeper clones is born inside. Its clones are the monitor's children
 * (CLONE_PARENT), so the keeper never waits and can be killed without harm.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"

enum { KEEPER_JOINS_MAX = 8 };

enum keeper_kind { KEEPER_INIT = 1, KEEPER_EXEC = 2 };

struct keeper_order {
    uint32_t kind;
    uint32_t namespaces; /* INIT: CLONE_NEW* to make; EXEC: to enter, of the process behind the descriptor */
    uint32_t enter_cgroups; /* the keeper is outside: the child has to move in by itself */
    uint32_t join_count;    /* INIT: descriptors of namespaces to enter */
    uint32_t joins[KEEPER_JOINS_MAX];
};

struct keeper_reply {
    int32_t pid;
    int32_t error;
};

struct keeper {
    pid_t pid; /* 0: none */
    int socket;
};

/*
 * Forks a keeper. One that is `inside` enters the cgroups before it takes orders; its first answer says so. One that is
 * not serves a container whose processes are counted (a pids limit), and is dismissed after a single clone.
 */
int keeper_start(struct keeper *keeper, const struct cgroups *cgroups, bool inside);

/* Orders a clone. fds: its channel, then EXEC: the pidfd; INIT: namespaces to join. 0, or -1 with errno. */
int keeper_order(const struct keeper *keeper, const struct keeper_order *order, const int *fds, size_t count);

/* Takes one answer. Without `wait` -1 and EAGAIN if there is none yet. A keeper that could not enter its cgroups says why. */
int keeper_answer(const struct keeper *keeper, struct keeper_reply *reply, bool wait);

/* Lets it go; it ends by itself and is reaped like any child. */
void keeper_dismiss(struct keeper *keeper);

#endif
