/*
 * What is made before anyone asks: cgroups, the keeper in them, and a first process that waits in its namespaces. A
 * request that wants other namespaces throws the waiting process away; one that wants another cgroup, the keeper too.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "process.h"
#include "sys.h"

uint32_t berth_namespaces(void)
{
    return CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
}

int berth_clone_init(struct monitor *monitor, struct keeper_order *order, const int *joins)
{
    int pair[2];
    if (channel_pair(pair, 256 * 1024) < 0)
        return -1;
    AUTO_CLOSE ours = pair[0];
    AUTO_CLOSE theirs = pair[1];
    int fds[1 + KEEPER_JOINS_MAX] = {theirs};
    memcpy(fds + 1, joins, order->join_count * sizeof *joins);
    order->kind = KEEPER_INIT;
    struct keeper_reply reply;
    if (keeper_order(&monitor->keeper, order, fds, 1 + order->join_count) < 0 ||
        keeper_answer(&monitor->keeper, &reply, true) < 0)
        return -1;
    if (reply.error) {
        errno = reply.error;
        return -1;
    }
    struct process *init = process_new(monitor, "init");
    if (!init || process_born(init, reply.pid, ours, false) < 0)
        return -1;
    (void)take_fd(&ours);
    monitor->init = init;
    monitor->namespaces = order->namespaces;
    for (uint32_t i = 0; i < order->join_count; i++)
        monitor->namespaces |= order->joins[i];
    return 0;
}

void berth_drop_keeper(struct monitor *monitor)
{
    pid_t pid = monitor->keeper.pid;
    if (pid == 0)
        return;
    loop_close(monitor->loop, &monitor->keeper_source);
    monitor->keeper = (struct keeper){.socket = -1};
    (void)kill(pid, SIGKILL); /* it may be frozen or busy, and has nothing to lose */
    (void)RETRY(waitpid(pid, NULL, 0));
}

int berth_prepare(struct monitor *monitor, const char *cgroup_path)
{
    struct keeper_reply ready;
    if (cgroups_make(&monitor->cgroups, cgroup_path) < 0 || keeper_start(&monitor->keeper, &monitor->cgroups, true) < 0 ||
        keeper_answer(&monitor->keeper, &ready, true) < 0)
        return -1;
    if (ready.error) {
        errno = ready.error;
        return -1;
    }
    struct keeper_order order = {.namespaces = berth_namespaces()};
    return berth_clone_init(monitor, &order, NULL);
}
