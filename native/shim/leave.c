/* The end: of the container, written down before anyone is told; and of the shim, which takes away all it has made. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "connection.h"
#include "log.h"
#include "netlink.h"
#include "process.h"
#include "relay.h"
#include "resolver.h"
#include "sys.h"

/* Whole or not at all, by rename. Not synced: after a crash of the machine nothing runs anyway. */
static void write_exit_file(const struct monitor *monitor)
{
    char text[512], temporary[4096];
    int length = snprintf(text, sizeof text,
                          "{\"exitCode\":%d,\"oomKilled\":%s,\"error\":\"\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}\n",
                          monitor->exit_code, monitor->oom_killed ? "true" : "false", monitor->started_at,
                          monitor->finished_at);
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", monitor->exit_file) >= sizeof temporary)
        return;
    AUTO_CLOSE file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file >= 0 && RETRY(write(file, text, (size_t)length)) == length)
        (void)rename(temporary, monitor->exit_file);
}

/* A frozen v1 group does not even die. */
static void thaw(const struct monitor *monitor)
{
    if (!monitor->cgroups.v2)
        (void)cgroups_write(&monitor->cgroups, "freezer", "freezer.state", "THAWED");
}

void container_ended(struct monitor *monitor)
{
    monitor->oom_killed = cgroups_oom_kills(&monitor->cgroups) > 0;
    if (monitor->log) {
        log_close(monitor->log);
        monitor->log = NULL;
    }
    if (monitor->exit_file)
        write_exit_file(monitor);
    resolver_close(monitor);
    relay_close_all(monitor);
    monitor->status = STATUS_EXITED;
    if (!monitor->connections)
        monitor->leaving = true;
}

/* All that is left in the groups: without a pid namespace of its own a container's children outlive its first process. */
static void end_stragglers(struct monitor *monitor)
{
    thaw(monitor);
    /* Again as long as there are any: a dying process may just have forked. */
    for (int round = 0; round < 100 && cgroups_kill(&monitor->cgroups); round++)
        ;
}

void monitor_clean_up(struct monitor *monitor)
{
    (void)unlink(monitor->socket_path); /* first, so that nobody connects to an end */
    thaw(monitor);
    berth_drop_keeper(monitor);
    if (monitor->init && monitor->init->stage != STAGE_ENDED) {
        (void)sys_pidfd_send_signal(monitor->init->pidfd, SIGKILL);
        (void)RETRY(waitpid(monitor->init->pid, NULL, 0));
    }
    end_stragglers(monitor);
    resolver_close(monitor);
    relay_close_all(monitor);
    for (size_t i = 0; i < monitor->link_count; i++)
        link_remove(monitor->links[i]);
    for (size_t i = 0; i < monitor->port_count; i++)
        (void)close(monitor->ports[i]);
    cgroups_remove(&monitor->cgroups);
}
