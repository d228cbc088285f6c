/*
 * lighter-shim (<socket> <cgroup path>)...
 * lighter-shim <directory>
 *
 * One process per pair, each a container's or waiting to become one (a berth). They daemonize: the caller waits for the exit
 * of what it started, which says that all sockets listen (0) or why not (a line on stderr, 1). From then on its socket is
 * the only way to talk to a shim.
 *
 * With a directory, which says only whose it is, it is a launcher: it takes such pairs as orders from its standard input, for
 * as long as the engine holds that (launcher.h).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "arguments.h"
#include "client.h"
#include "connection.h"
#include "launcher.h"
#include "process.h"
#include "seal.h"
#include "sys.h"

enum {
    ENGINE_PATIENCE_MS = 30000, /* a berth that no engine ever connects to */
    FLUSH_PATIENCE_MS = 30000,  /* a client that does not take the last bytes */
};

static _Noreturn void die(const char *what)
{
    (void)dprintf(STDERR_FILENO, "lighter-shim: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    AUTO_CLOSE listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177); /* 0600 from its first moment */
    bool bound = listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(mask);
    if (!bound)
        return -1;
    return listen(listener, 64) < 0 ? -1 : take_fd(&listener);
}

/* In a session of its own, with nothing of the caller's open. */
static void leave_caller(void)
{
    (void)setsid();
    if (chdir("/") < 0)
        die("/");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        if (null < 0 || dup2(null, i) < 0)
            die("/dev/null");
}

/* The keeper may have cloned someone of whom we do not know yet. */
static bool is_expecting(struct monitor *monitor)
{
    for (struct process *process = monitor->processes; process; process = process->next)
        if (process->stage == STAGE_ASKED)
            return true;
    monitor->orphan_count = 0;
    return false;
}

static void children_ended(struct source *source, uint32_t events)
{
    (void)events;
    struct monitor *monitor = OWNER(source, struct monitor, signals);
    struct signalfd_siginfo info;
    while (RETRY(read(source->fd, &info, sizeof info)) == sizeof info)
        ; /* many ends may come as one signal, so waitpid alone counts; all other signals are ignored */
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return;
        struct process *process = process_by_pid(monitor, pid);
        if (process)
            process_ended(process, status);
        else if (is_expecting(monitor) && monitor->orphan_count < ORPHANS_MAX)
            monitor->orphans[monitor->orphan_count++] = (struct orphan){pid, status};
    }
}

/* All signals are taken from here, so that none from a terminal or a careless kill ends the shim; SIGKILL does. */
static int watch_signals(struct monitor *monitor)
{
    sigset_t all;
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
        return -1;
    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    monitor->signals.ready = children_ended;
    return fd < 0 ? -1 : loop_add(monitor->loop, &monitor->signals, fd, EPOLLIN);
}

/* Nobody reads our standard error any more: the engine died before it connected, and nobody else ever will. */
static void caller_ready(struct source *source, uint32_t events)
{
    (void)events;
    OWNER(source, struct monitor, caller)->leaving = true;
}

/* No pipe, as in a test from a shell: then patience alone ends the wait. */
static void watch_caller(struct monitor *monitor, int caller)
{
    monitor->caller.ready = caller_ready;
    if (caller >= 0 && loop_add(monitor->loop, &monitor->caller, caller, 0) < 0)
        (void)close(caller);
}

static void serve(struct monitor *monitor)
{
    while (!monitor->leaving) {
        int patience = monitor->was_connected || monitor->status != STATUS_WAITING ? -1 : ENGINE_PATIENCE_MS;
        if (loop_turn(monitor->loop, patience) == 0)
            return;
    }
}

/* No more requests, no more events; clients alone are left. To the engine this says: nothing of us is left. */
static void close_doors(struct monitor *monitor)
{
    loop_close(monitor->loop, &monitor->listener);
    loop_close(monitor->loop, &monitor->signals);
    while (monitor->connections)
        connection_close(monitor->connections);
}

static int monitor_berth(struct monitor *monitor, int listener, const char *cgroup_path)
{
    int caller = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    leave_caller();
    monitor->loop = loop_open();
    monitor->listener.ready = connections_accept;
    if (monitor->loop < 0 || watch_signals(monitor) < 0 || berth_prepare(monitor, cgroup_path) < 0 ||
        exec_watch_keeper(monitor) < 0 || loop_add(monitor->loop, &monitor->listener, listener, EPOLLIN) < 0) {
        monitor_clean_up(monitor);
        return 1;
    }
    watch_caller(monitor, caller);
    serve(monitor);
    monitor_clean_up(monitor);
    close_doors(monitor);
    clients_flush(monitor, FLUSH_PATIENCE_MS);
    return 0;
}

/* Each shim is called by its own pair, not by all that were started with it. */
static void show_pair(char **pair)
{
    static char words[2 * PATH_MAX];
    int length = snprintf(words, sizeof words, "lighter-shim%c%s%c%s", 0, pair[0], 0, pair[1]);
    if (length > 0 && (size_t)length < sizeof words)
        (void)arguments_show(words, (size_t)length + 1);
}

/* Forks off a shim for each pair. In the caller 0; a shim returns what it exits with. */
static int start_shims(struct monitor *monitor, char **pairs)
{
    for (char **pair = pairs; *pair; pair += 2) {
        AUTO_CLOSE listener = listen_on(pair[0]);
        if (listener < 0)
            die(pair[0]);
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid > 0)
            continue;
        show_pair(pair);
        monitor->socket_path = pair[0];
        return monitor_berth(monitor, take_fd(&listener), pair[1]);
    }
    return 0;
}

/* Another process for each order: it does what a program started with these arguments does, and ends like one. */
static int serve_orders(struct monitor *monitor)
{
    launcher_prepare();
    for (char **pairs; (pairs = launcher_order());) {
        pid_t pid = fork();
        if (pid == 0)
            return start_shims(monitor, pairs);
        launcher_answer(pid);
    }
    return 0;
}

static bool are_pairs(char **words)
{
    for (; *words; words += 2)
        if (!words[1] || words[1][0] != '/')
            return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct monitor monitor = {.mount_namespace = -1};
    bool is_launcher = argc == 2;
    if (argc < 2 || (!is_launcher && !are_pairs(argv + 1))) {
        (void)dprintf(STDERR_FILENO, "usage: lighter-shim (<socket> </cgroup path>)... | <directory>\n");
        return 2;
    }
    if (seal_self(argv) < 0)
        die("read-only view of its own file");
    if (cgroups_find(&monitor.cgroups) < 0)
        die("cgroups");
    monitor.keeper_source.fd = monitor.caller.fd = -1;
    return is_launcher ? serve_orders(&monitor) : start_shims(&monitor, argv + 1);
}
