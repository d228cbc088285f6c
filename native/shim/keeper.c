/* The keeper's life and the orders to it; see keeper.h. */
#include "keeper.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "channel.h"
#include "setup.h"
#include "sys.h"

/* clone3 like fork: the child goes on with a copy of this stack. */
static pid_t clone_sibling(uint64_t namespaces)
{
    struct clone_args arguments = {.flags = namespaces | CLONE_PARENT};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* A pid namespace is entered by the children of the one who calls setns; all others by the child itself. */
static int enter_joins(const struct keeper_order *order, const int *fds, bool pid_namespace)
{
    for (uint32_t i = 0; i < order->join_count; i++)
        if ((order->joins[i] == CLONE_NEWPID) == pid_namespace && setns(fds[i], (int)order->joins[i]) < 0)
            return -1;
    return 0;
}

static _Noreturn void begin_child(const struct keeper_order *order, const int *fds, int socket, const struct cgroups *cgroups)
{
    (void)close(socket);
    int channel = fds[0];
    if (order->enter_cgroups && cgroups_enter(cgroups) < 0) {
        struct report report = {.kind = REPORT_FAILED, .error = errno, .step = "cgroup"};
        (void)report_send(channel, &report, -1);
        _exit(127);
    }
    if (order->kind == KEEPER_EXEC)
        become_exec(channel, fds[1], order->namespaces);
    if (enter_joins(order, fds + 1, false) < 0) {
        struct report report = {.kind = REPORT_FAILED, .error = errno, .step = "join"};
        (void)report_send(channel, &report, -1);
        _exit(127);
    }
    for (uint32_t i = 0; i < order->join_count; i++)
        (void)close(fds[1 + i]);
    become_init(channel, cgroups);
}

static pid_t carry_out(const struct keeper_order *order, const int *fds, size_t count, int socket, const struct cgroups *cgroups)
{
    size_t needed = order->kind == KEEPER_EXEC ? 2 : 1 + order->join_count;
    if (count != needed || order->join_count > KEEPER_JOINS_MAX) {
        errno = EPROTO;
        return -1;
    }
    if (order->kind == KEEPER_EXEC ? (order->namespaces & CLONE_NEWPID) && setns(fds[1], CLONE_NEWPID) < 0
                                   : enter_joins(order, fds + 1, true) < 0)
        return -1;
    uint64_t namespaces = order->kind == KEEPER_INIT ? order->namespaces : 0;
    pid_t pid = clone_sibling(namespaces);
    if (pid == 0)
        begin_child(order, fds, socket, cgroups);
    return pid;
}

static _Noreturn void live(int socket, const struct cgroups *cgroups, bool inside)
{
    struct keeper_reply ready = {.pid = getpid()};
    (void)prctl(PR_SET_NAME, "lighter-keeper");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Best effort: without CAP_SYS_RESOURCE it stays killable, which costs speed and no more. */
    (void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "-1000", 5);
    if (inside && cgroups_enter(cgroups) < 0)
        ready = (struct keeper_reply){.error = errno};
    if (send(socket, &ready, sizeof ready, MSG_NOSIGNAL) < 0 || ready.error)
        _exit(1);
    for (;;) {
        struct keeper_order order;
        int fds[CHANNEL_FDS_MAX];
        size_t count;
        if (receive_with_fds(socket, &order, sizeof order, fds, &count, 0) != sizeof order)
            _exit(0); /* dismissed */
        pid_t pid = carry_out(&order, fds, count, socket, cgroups);
        struct keeper_reply reply = {.pid = pid, .error = pid < 0 ? errno : 0};
        for (size_t i = 0; i < count; i++)
            (void)close(fds[i]);
        (void)send(socket, &reply, sizeof reply, MSG_NOSIGNAL);
    }
}

/* All but 0 to 2 and the one that is kept. */
static void close_others(int kept)
{
    if (kept > 3)
        (void)syscall(SYS_close_range, 3U, (unsigned)kept - 1U, 0U);
    (void)syscall(SYS_close_range, (unsigned)kept + 1U, ~0U, 0U);
}

int keeper_start(struct keeper *keeper, const struct cgroups *cgroups, bool inside)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close_others(pair[1]);
        live(pair[1], cgroups, inside);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        close_at_end(&pair[0]);
        return -1;
    }
    *keeper = (struct keeper){.pid = pid, .socket = pair[0]};
    return 0;
}

int keeper_order(const struct keeper *keeper, const struct keeper_order *order, const int *fds, size_t count)
{
    return send_with_fds(keeper->socket, order, sizeof *order, fds, count, MSG_DONTWAIT) == sizeof *order ? 0 : -1;
}

int keeper_answer(const struct keeper *keeper, struct keeper_reply *reply, bool wait)
{
    ssize_t got = RETRY(recv(keeper->socket, reply, sizeof *reply, wait ? 0 : MSG_DONTWAIT));
    if (got == sizeof *reply)
        return 0;
    if (got >= 0)
        errno = ECHILD; /* it was killed */
    return -1;
}

void keeper_dismiss(struct keeper *keeper)
{
    if (keeper->pid == 0)
        return;
    (void)close(keeper->socket);
    *keeper = (struct keeper){.socket = -1};
}
