/* EXEC: a further process in a running container, cloned by the keeper, or by a passing one where none may stay. */
#include <string.h>

#include "connection.h"
#include "process.h"
#include "sys.h"

/* Someone the keeper cloned may end before the keeper's answer is read. */
static bool take_orphan(struct monitor *monitor, pid_t pid, int *status)
{
    for (size_t i = 0; i < monitor->orphan_count; i++) {
        if (monitor->orphans[i].pid != pid)
            continue;
        *status = monitor->orphans[i].status;
        monitor->orphans[i] = monitor->orphans[--monitor->orphan_count];
        return true;
    }
    return false;
}

static void refuse(struct process *process, const char *step, int error)
{
    struct connection *asker = process->asker;
    uint32_t request = process->request;
    process->asker = NULL;
    process_forget(process);
    connection_fail(asker, request, step, error, "");
}

static void born(struct process *process, const struct keeper_reply *reply)
{
    int channel = process->channel.fd; /* kept there, outside the loop, until now */
    process->channel.fd = -1;
    int status;
    bool ended = !reply->error && take_orphan(process->monitor, reply->pid, &status);
    if (reply->error || process_born(process, reply->pid, channel, ended) < 0) {
        (void)close(channel);
        refuse(process, "clone", reply->error ? reply->error : errno);
    } else if (ended) {
        process_ended(process, status);
    }
}

/* The keeper answers in the order it was asked. */
static struct process *oldest_asked(struct monitor *monitor)
{
    struct process *oldest = NULL;
    for (struct process *process = monitor->processes; process; process = process->next)
        if (process->stage == STAGE_ASKED && process->own_keeper.pid == 0)
            oldest = process; /* new ones are put in front */
    return oldest;
}

static void keeper_ready(struct source *source, uint32_t events)
{
    (void)events;
    struct monitor *monitor = OWNER(source, struct monitor, keeper_source);
    struct keeper_reply reply;
    int got = keeper_answer(&monitor->keeper, &reply, false);
    if (got < 0 && errno == EAGAIN)
        return;
    struct process *process = oldest_asked(monitor);
    if (got == 0 && process) {
        born(process, &reply);
        return;
    }
    if (got == 0)
        return;
    /* Killed. From now on each exec brings its own. */
    loop_close(monitor->loop, &monitor->keeper_source);
    monitor->keeper = (struct keeper){.socket = -1};
    for (; process; process = oldest_asked(monitor))
        born(process, &(struct keeper_reply){.error = ECHILD});
}

int exec_watch_keeper(struct monitor *monitor)
{
    monitor->keeper_source.ready = keeper_ready;
    return loop_add(monitor->loop, &monitor->keeper_source, monitor->keeper.socket, EPOLLIN);
}

static void own_keeper_ready(struct source *source, uint32_t events)
{
    (void)events;
    struct process *process = OWNER(source, struct process, own_keeper_source);
    struct keeper_reply reply;
    if (keeper_answer(&process->own_keeper, &reply, false) < 0) {
        if (errno == EAGAIN)
            return;
        reply = (struct keeper_reply){.error = ECHILD};
    } else if (!reply.error && reply.pid == process->own_keeper.pid) {
        return; /* it only says that it is there */
    }
    loop_close(process->monitor->loop, source); /* which lets it go */
    process->own_keeper = (struct keeper){.socket = -1};
    born(process, &reply);
}

static int order_clone(struct process *process, int theirs)
{
    struct monitor *monitor = process->monitor;
    struct keeper_order order = {.kind = KEEPER_EXEC, .namespaces = monitor->namespaces};
    const int fds[2] = {theirs, monitor->init->pidfd};
    if (monitor->keeper.pid)
        return keeper_order(&monitor->keeper, &order, fds, 2);
    order.enter_cgroups = 1;
    process->own_keeper_source.ready = own_keeper_ready;
    if (keeper_start(&process->own_keeper, &monitor->cgroups, false) < 0)
        return -1;
    if (loop_add(monitor->loop, &process->own_keeper_source, process->own_keeper.socket, EPOLLIN) < 0) {
        keeper_dismiss(&process->own_keeper);
        return -1;
    }
    return keeper_order(&process->own_keeper, &order, fds, 2);
}

/* The order is written before anyone is there to read it; it waits in the socket. */
static int prepare(struct process *process, struct records spec)
{
    int pair[2];
    size_t length = (size_t)(spec.end - spec.at);
    if (channel_pair(pair, length) < 0)
        return -1;
    process->channel.fd = pair[0];
    AUTO_CLOSE theirs = pair[1];
    int streams[3];
    int count = process_make_streams(process, spec, streams);
    if (count < 0)
        return -1;
    int sent = order_send(process->channel.fd, spec.at, length, streams, (size_t)count);
    for (int i = 0; i < count; i++)
        (void)close(streams[i]);
    return sent < 0 ? -1 : order_clone(process, theirs);
}

void exec_process(struct monitor *monitor, struct connection *connection, uint32_t request, struct records spec)
{
    const char *id = records_text(spec, TAG_PROCESS);
    if (monitor->status != STATUS_RUNNING) {
        connection_fail(connection, request, "exec", ESRCH, "the container does not run");
        return;
    }
    if (!id || process_find(monitor, id)) {
        connection_fail(connection, request, "exec", EEXIST, id ? id : "no id");
        return;
    }
    struct process *process = process_new(monitor, id);
    if (!process) {
        connection_fail(connection, request, "exec", errno, id);
        return;
    }
    process->asker = connection;
    process->request = request;
    process->started = true;
    process->attach_flags = records_u32(spec, TAG_ATTACH_FLAGS, 0);
    if (prepare(process, spec) < 0)
        refuse(process, "exec", errno);
}
