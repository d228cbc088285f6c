/*
 * CREATE: makes the berth into the container that was asked for. All on the host's side happens here, as root in the
 * host's namespaces: limits, ports, bind sources, streams, links; then the first process gets its order and does the rest.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bind_source.h"
#include "connection.h"
#include "log.h"
#include "netlink.h"
#include "ports.h"
#include "process.h"
#include "relay.h"
#include "resolver.h"
#include "sys.h"

/* A step that failed on this side, in the words of a report. */
struct trouble {
    const char *step;
    int error;
    char detail[512];
};

__attribute__((format(printf, 3, 4))) static bool trouble(struct trouble *trouble, const char *step, const char *format, ...)
{
    trouble->error = errno;
    trouble->step = step;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(trouble->detail, sizeof trouble->detail, format, arguments);
    va_end(arguments);
    return false;
}

/* The waiting first process is of no use: it goes, at once and with all its namespaces. */
static void discard_init(struct monitor *monitor)
{
    struct process *init = monitor->init;
    if (!init)
        return;
    (void)sys_pidfd_send_signal(init->pidfd, SIGKILL);
    (void)RETRY(waitpid(init->pid, NULL, 0));
    monitor->init = NULL;
    process_forget(init);
}

static bool take_cgroup(struct monitor *monitor, struct records spec, struct trouble *what)
{
    const char *path = records_text(spec, TAG_CGROUP_PATH);
    if (!path)
        return true;
    if (cgroups_same_parent(&monitor->cgroups, path)) {
        cgroups_rename(&monitor->cgroups, path);
        return true;
    }
    /* Another parent: everything in the old groups goes before they can. */
    discard_init(monitor);
    berth_drop_keeper(monitor);
    cgroups_remove(&monitor->cgroups);
    struct keeper_reply ready = {0};
    if (cgroups_make(&monitor->cgroups, path) < 0 || keeper_start(&monitor->keeper, &monitor->cgroups, true) < 0 ||
        keeper_answer(&monitor->keeper, &ready, true) < 0)
        return trouble(what, "cgroup", "%s", path);
    errno = ready.error;
    return ready.error ? trouble(what, "cgroup", "%s", path) : exec_watch_keeper(monitor) == 0;
}

/* The first process in the namespaces that are wanted: the waiting one if it fits, else one made now. */
static bool take_init(struct monitor *monitor, struct records spec, struct trouble *what)
{
    struct keeper_order order = {.namespaces = records_u32(spec, TAG_NAMESPACES, 0)};
    int joins[KEEPER_JOINS_MAX];
    struct records list = spec;
    struct record record;
    bool fine = true;
    while (fine && records_next_of(&list, TAG_NAMESPACE_JOIN, &record)) {
        const char *path = records_text(record_group(&record), FIELD_SOURCE);
        int fd = order.join_count < KEEPER_JOINS_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) {
            fine = trouble(what, "namespace", "%s", path);
            break;
        }
        order.joins[order.join_count] = records_u32(record_group(&record), FIELD_FLAGS, 0);
        joins[order.join_count++] = fd;
    }
    bool fits = monitor->init && order.join_count == 0 && order.namespaces == berth_namespaces();
    if (fine && !fits) {
        discard_init(monitor);
        if (berth_clone_init(monitor, &order, joins) < 0)
            fine = trouble(what, "clone", "namespaces %#x", order.namespaces);
    }
    for (uint32_t i = 0; i < order.join_count; i++)
        (void)close(joins[i]);
    return fine;
}

static bool write_limits(struct monitor *monitor, struct records spec, struct trouble *what, bool *counted)
{
    struct records list = spec;
    struct record record;
    while (records_next_of(&list, TAG_CGROUP_WRITE, &record)) {
        struct records group = record_group(&record);
        const char *file = records_text(group, FIELD_TARGET);
        const char *value = records_text(group, FIELD_DATA);
        if (cgroups_write(&monitor->cgroups, records_text(group, FIELD_TYPE), file, value) < 0)
            return trouble(what, "cgroup limit", "%s=%s", file, value);
        *counted |= strcmp(file, "pids.max") == 0 && strcmp(value, "max") != 0;
    }
    if (monitor->cgroups.v2 && cgroups_restrict_devices(&monitor->cgroups, spec) < 0)
        return trouble(what, "device rules", "%s", monitor->cgroups.path);
    return true;
}

static bool write_map(pid_t pid, const char *file, const char *map, struct trouble *what)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    return !map || write_file_at(AT_FDCWD, path, map, strlen(map)) == 0 || trouble(what, "id map", "%s", path);
}

/* Best effort: a host without IPv6, or another's port there, leaves 127.0.0.1, which clients try as well. */
static void relay_loopback(struct monitor *monitor, uint16_t number)
{
    struct wire_port port = {.address = {[15] = 1}, .family = AF_INET6, .port = number, .protocol = IPPROTO_TCP};
    int held = port_hold(&port, &number);
    if (held >= 0)
        (void)relay_listen(monitor, held, number);
}

static bool hold_ports(struct monitor *monitor, struct records spec, struct message *numbers, struct trouble *what)
{
    struct records list = spec;
    struct record record;
    while (records_next_of(&list, TAG_HELD_PORT, &record)) {
        struct wire_port port;
        memcpy(&port, record.value, sizeof port);
        uint16_t number;
        int held = monitor->port_count < PORTS_MAX ? port_hold(&port, &number) : -1;
        if (held < 0)
            return trouble(what, "port", "%u", port.port);
        message_u32(numbers, TAG_PORT, number);
        if (port.relayed && port.family == AF_INET6) {
            if (relay_listen(monitor, held, number) < 0)
                return trouble(what, "port", "%u", number);
            continue;
        }
        monitor->ports[monitor->port_count++] = held;
        if (port.relayed)
            relay_loopback(monitor, number);
    }
    return true;
}

static bool open_log(struct monitor *monitor, struct records spec, struct trouble *what)
{
    struct records list = spec;
    struct record record;
    const char *exit_file = records_text(spec, TAG_EXIT_FILE);
    if (exit_file && !(monitor->exit_file = strdup(exit_file)))
        return trouble(what, "exit file", "%s", exit_file);
    if (!records_next_of(&list, TAG_LOG, &record))
        return true;
    struct wire_log limits = {0};
    const char *path = records_text(record_group(&record), FIELD_TARGET);
    (void)records_copy(record_group(&record), FIELD_LOG, &limits, sizeof limits);
    monitor->log = log_open(path, limits.max_bytes, limits.max_files);
    return monitor->log || trouble(what, "log", "%s", path);
}

static int open_mount(struct records mount, const struct wire_mount_attributes *attributes)
{
    const char *source = records_text(mount, FIELD_SOURCE);
    if (attributes->bind == BIND_NEW)
        return open_filesystem(records_text(mount, FIELD_TYPE), source, records_text(mount, FIELD_DATA), attributes->set);
    return open_bind_source(
        source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (attributes->bind == BIND_RECURSIVE ? AT_RECURSIVE : 0U));
}

/* Bind sources are taken in the host's file tree as it is now, not as it was when the berth was made. */
static bool open_binds(struct records spec, int **fds, size_t *count, struct trouble *what)
{
    struct records list = spec;
    struct record record;
    while (records_next_of(&list, TAG_MOUNT, &record)) {
        struct wire_mount_attributes attributes;
        (void)records_copy(record_group(&record), FIELD_MOUNT, &attributes, sizeof attributes);
        if (attributes.bind == BIND_NONE)
            continue;
        const char *source = records_text(record_group(&record), FIELD_SOURCE);
        int *grown = realloc(*fds, (*count + 1) * sizeof **fds);
        if (grown)
            *fds = grown;
        int tree = grown && source ? open_mount(record_group(&record), &attributes) : -1;
        if (tree < 0)
            return trouble(what, attributes.bind == BIND_NEW ? "file system" : "bind source", "%s", source ? source : "");
        (*fds)[(*count)++] = tree;
    }
    return true;
}

int monitor_make_link(struct monitor *monitor, struct records link)
{
    errno = ENOSPC;
    char *name = monitor->link_count < LINKS_MAX ? strdup(records_text(link, FIELD_HOST_NAME)) : NULL;
    if (!name || link_create(link, monitor->init->pid) < 0) {
        free(name);
        return -1;
    }
    monitor->links[monitor->link_count++] = name;
    return 0;
}

/* In parallel to the first process, which mounts meanwhile and waits for the links when it comes to them. */
static bool make_links(struct monitor *monitor, struct records spec, struct trouble *what)
{
    struct records list = spec;
    struct record record;
    bool any = false;
    while (records_next_of(&list, TAG_LINK, &record)) {
        const char *name = records_text(record_group(&record), FIELD_HOST_NAME);
        const char *bridge = records_text(record_group(&record), FIELD_BRIDGE);
        const char *parent = records_text(record_group(&record), FIELD_SOURCE);
        if (monitor_make_link(monitor, record_group(&record)) < 0)
            return trouble(what, "link", "%s on %s", name, parent ? parent : bridge ? bridge : "nothing");
        any = true;
    }
    if (records_u32(spec, TAG_RESOLVER, 0) && resolver_open(monitor) < 0)
        return trouble(what, "resolver", "127.0.0.11:53");
    char linked = ORDER_LINKED;
    return !any || RETRY(write(monitor->init->channel.fd, &linked, 1)) == 1 || trouble(what, "link", "order");
}

static bool give_order(struct monitor *monitor, struct records spec, struct trouble *what)
{
    AUTO_FREE int *fds = calloc(3, sizeof *fds);
    size_t count = 0;
    int streams = fds ? process_make_streams(monitor->init, spec, fds) : -1;
    bool fine = streams >= 0 || trouble(what, "stdio", "pipes");
    if (fine)
        count = (size_t)streams;
    fine = fine && open_binds(spec, &fds, &count, what);
    /* In front goes where the cgroups are now; of a text that is there twice the first counts. */
    struct message order;
    message_begin(&order, WIRE_CREATE, 0);
    message_text(&order, TAG_CGROUP_PATH, monitor->cgroups.path);
    message_list(&order, spec);
    const size_t head = sizeof(struct wire_header);
    if (fine && (!message_end(&order) ||
                 order_send(monitor->init->channel.fd, order.bytes + head, order.length - head, fds, count) < 0))
        fine = trouble(what, "order", "to the first process");
    message_free(&order);
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
    return fine;
}

void create_container(struct monitor *monitor, struct connection *connection, uint32_t request, struct records spec)
{
    if (monitor->status != STATUS_WAITING || !monitor->init || monitor->init->asker || monitor->leaving) {
        connection_fail(connection, request, "create", EBUSY, "not a waiting berth");
        return;
    }
    struct trouble what = {0};
    struct message numbers;
    message_begin(&numbers, WIRE_OK, 0);
    bool counted = false;
    bool fine = take_cgroup(monitor, spec, &what) && take_init(monitor, spec, &what) &&
                write_limits(monitor, spec, &what, &counted) &&
                write_map(monitor->init->pid, "uid_map", records_text(spec, TAG_UID_MAP), &what) &&
                write_map(monitor->init->pid, "gid_map", records_text(spec, TAG_GID_MAP), &what) &&
                hold_ports(monitor, spec, &numbers, &what) && open_log(monitor, spec, &what);
    if (fine && counted)
        berth_drop_keeper(monitor); /* the container's limit is for the container's processes */
    fine = fine && give_order(monitor, spec, &what) && make_links(monitor, spec, &what);
    if (fine) {
        monitor->init->asker = connection;
        monitor->init->request = request;
        monitor->init->notes = numbers;
        return;
    }
    message_free(&numbers);
    monitor->leaving = true;
    connection_fail(connection, request, what.step, what.error, what.detail);
}

/*
 * While somebody holds the container's mount namespace, its last process's end does not wait for the mounts to be taken
 * apart, grace periods of RCU among it: the kernel does that when the shim leaves, and nobody waits for that.
 */
static void hold_mounts(struct monitor *monitor)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", monitor->init->pid);
    monitor->mount_namespace = open(path, O_RDONLY | O_CLOEXEC); /* without it the end is only slower */
}

void start_container(struct monitor *monitor, struct connection *connection, uint32_t request)
{
    struct process *init = monitor->init;
    if (monitor->status != STATUS_CREATED || init->started) {
        connection_fail(connection, request, "start", EBUSY, "not a created container");
        return;
    }
    char order = ORDER_START;
    init->asker = connection;
    init->request = request;
    init->started = true;
    message_free(&init->notes);
    hold_mounts(monitor);
    if (send(init->channel.fd, &order, 1, MSG_NOSIGNAL) != 1) {
        init->asker = NULL;
        connection_fail(connection, request, "start", errno, "the first process has ended");
    }
}
