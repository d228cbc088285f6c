/* CONNECT and DISCONNECT: links of a container that is there already. */
#include <string.h>

#include "connection.h"
#include "netlink.h"
#include "process.h"
#include "resolver.h"
#include "sys.h"

/* The first process, as long as it has a network namespace that can be gone into; else an answer that there is none. */
static struct process *living_init(struct connection *connection, uint32_t request)
{
    struct monitor *monitor = connection->monitor;
    bool lives = monitor->status == STATUS_CREATED || monitor->status == STATUS_RUNNING;
    if (lives && monitor->init && monitor->init->stage != STAGE_ENDED)
        return monitor->init;
    connection_fail(connection, request, "process", ESRCH, "init");
    return NULL;
}

static void forget_link(struct monitor *monitor, const char *host_name)
{
    for (size_t i = 0; i < monitor->link_count; i++) {
        if (strcmp(monitor->links[i], host_name) != 0)
            continue;
        free(monitor->links[i]);
        monitor->links[i] = monitor->links[--monitor->link_count];
        return;
    }
}

/* NULL, or with errno what failed; then nothing of the link is left. */
static const char *add_link(struct monitor *monitor, struct records link)
{
    struct process *init = monitor->init;
    const char *trouble = monitor_make_link(monitor, link) < 0 ? "link" : link_configure_within(init->pidfd, link);
    if (!trouble)
        return NULL;
    int error = errno;
    const char *name = records_text(link, FIELD_HOST_NAME);
    forget_link(monitor, name);
    link_remove(name);
    (void)link_remove_within(init->pidfd, records_text(link, FIELD_CONTAINER_NAME));
    errno = error;
    return trouble;
}

static bool set_routes(struct connection *connection, uint32_t request, struct records spec, const struct process *init)
{
    struct record record;
    while (records_next_of(&spec, TAG_DEFAULT_ROUTE, &record)) {
        struct records route = record_group(&record);
        if (default_route_within(init->pidfd, route) < 0) {
            connection_fail(connection, request, "route", errno, records_text(route, FIELD_CONTAINER_NAME));
            return false;
        }
    }
    return true;
}

static void succeed(struct connection *connection, uint32_t request)
{
    struct message answer;
    message_begin(&answer, WIRE_OK, request);
    connection_send(connection, &answer);
}

void connect_network(struct connection *connection, uint32_t request, struct records spec)
{
    struct monitor *monitor = connection->monitor;
    const struct process *init = living_init(connection, request);
    struct records list = spec;
    struct record record;
    if (!init)
        return;
    if (records_next_of(&list, TAG_LINK, &record)) {
        const char *trouble = add_link(monitor, record_group(&record));
        if (trouble) {
            connection_fail(connection, request, "link", errno, trouble);
            return;
        }
    }
    if (records_u32(spec, TAG_RESOLVER, 0) && resolver_open(monitor) < 0)
        connection_fail(connection, request, "resolver", errno, "127.0.0.11:53");
    else if (set_routes(connection, request, spec, init))
        succeed(connection, request);
}

void disconnect_network(struct connection *connection, uint32_t request, struct records spec)
{
    const struct process *init = living_init(connection, request);
    struct records list = spec;
    struct record record;
    if (!init)
        return;
    if (records_next_of(&list, TAG_LINK, &record)) {
        struct records link = record_group(&record);
        const char *name = records_text(link, FIELD_CONTAINER_NAME);
        if (link_remove_within(init->pidfd, name) < 0) {
            connection_fail(connection, request, "link", errno, name);
            return;
        }
        forget_link(connection->monitor, records_text(link, FIELD_HOST_NAME));
    }
    if (set_routes(connection, request, spec, init))
        succeed(connection, request);
}
