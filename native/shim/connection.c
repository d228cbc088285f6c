/* Control connections: whole messages in, answers and events out; and which function serves which request. */
#include "connection.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "client.h"
#include "resolver.h"
#include "sys.h"

static void ready(struct source *source, uint32_t events);

void connections_accept(struct source *listener, uint32_t events)
{
    (void)events;
    struct monitor *monitor = OWNER(listener, struct monitor, listener);
    int socket = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0)
        return; /* it has thought better of it */
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection)
        connection->source.ready = ready;
    if (!connection || loop_add(monitor->loop, &connection->source, socket, EPOLLIN) < 0) {
        (void)close(socket);
        free(connection);
        return;
    }
    connection->monitor = monitor;
    connection->next = monitor->connections;
    monitor->connections = connection;
    monitor->was_connected = true;
    loop_close(monitor->loop, &monitor->caller);
}

int connection_take_socket(struct connection *connection)
{
    struct monitor *monitor = connection->monitor;
    for (struct connection **at = &monitor->connections; *at; at = &(*at)->next) {
        if (*at == connection) {
            *at = connection->next;
            break;
        }
    }
    for (struct process *process = monitor->processes; process; process = process->next)
        if (process->asker == connection)
            process->asker = NULL;
    int socket = fcntl(connection->source.fd, F_DUPFD_CLOEXEC, 3);
    loop_close(monitor->loop, &connection->source);
    free(connection->body);
    free(connection);
    return socket;
}

void connection_close(struct connection *connection)
{
    struct monitor *monitor = connection->monitor;
    int socket = connection_take_socket(connection);
    close_at_end(&socket);
    resolver_engine_changed(monitor);
    if (monitor->connections)
        return;
    /* A berth, or a container that nobody else will start, lives for its engine; an end has been written down for the next. */
    bool starts = monitor->status == STATUS_CREATED && monitor->init->started;
    if (monitor->status != STATUS_RUNNING && !starts)
        monitor->leaving = true;
}

static bool send_whole(int socket, struct message *message)
{
    bool whole = message_end(message) && RETRY(send(socket, message->bytes, message->length, MSG_NOSIGNAL | MSG_DONTWAIT)) ==
                                             (ssize_t)message->length;
    return whole;
}

void connection_send(struct connection *connection, struct message *message)
{
    bool whole = send_whole(connection->source.fd, message);
    message_free(message);
    if (!whole)
        connection_close(connection);
}

void connections_broadcast(struct monitor *monitor, struct message *message)
{
    for (struct connection *connection = monitor->connections, *next; connection; connection = next) {
        next = connection->next;
        if (connection->listens && !send_whole(connection->source.fd, message))
            connection_close(connection);
    }
    message_free(message);
}

void connection_fail(struct connection *connection, uint32_t request, const char *step, int error, const char *detail)
{
    if (!connection)
        return;
    struct message answer;
    message_begin(&answer, WIRE_FAILED, request);
    message_text(&answer, TAG_STEP, step);
    message_u32(&answer, TAG_ERRNO, (uint32_t)error);
    message_text(&answer, TAG_ERRNO_TEXT, strerror(error));
    message_text(&answer, TAG_DETAIL, detail);
    connection_send(connection, &answer);
}

static void succeed(struct connection *connection, uint32_t request)
{
    struct message answer;
    message_begin(&answer, WIRE_OK, request);
    connection_send(connection, &answer);
}

static void hello(struct connection *connection, uint32_t request)
{
    const struct monitor *monitor = connection->monitor;
    struct message answer;
    connection->listens = true;
    resolver_engine_changed(connection->monitor);
    message_begin(&answer, WIRE_OK, request);
    message_u32(&answer, TAG_STATUS, monitor->status);
    message_text(&answer, TAG_CGROUP_PATH, monitor->cgroups.path);
    message_text(&answer, TAG_STARTED_AT, monitor->started_at);
    message_text(&answer, TAG_FINISHED_AT, monitor->finished_at);
    message_u32(&answer, TAG_EXIT_CODE, (uint32_t)monitor->exit_code);
    message_u32(&answer, TAG_OOM_KILLED, monitor->oom_killed);
    if (monitor->keeper.pid)
        message_u32(&answer, TAG_KEEPER_PID, (uint32_t)monitor->keeper.pid);
    for (const struct process *process = monitor->processes; process; process = process->next) {
        message_text(&answer, TAG_PROCESS, process->id);
        message_u32(&answer, TAG_PID, (uint32_t)process->pid);
    }
    connection_send(connection, &answer);
}

/* The process that a request names, or an answer that there is none. */
static struct process *named_process(struct connection *connection, uint32_t request, struct records spec)
{
    const char *id = records_text(spec, TAG_PROCESS);
    struct process *process = process_find(connection->monitor, id ? id : "init");
    if (process && process->stage != STAGE_ASKED && process->stage != STAGE_ENDED)
        return process;
    connection_fail(connection, request, "process", ESRCH, id ? id : "init");
    return NULL;
}

static void attach(struct connection *connection, uint32_t request, struct records spec)
{
    struct process *process = named_process(connection, request, spec);
    if (!process)
        return;
    struct message answer;
    message_begin(&answer, WIRE_OK, request);
    /* Answered and attached within one turn of the loop: nothing written later is missed, nothing earlier is seen. */
    bool whole = send_whole(connection->source.fd, &answer);
    message_free(&answer);
    int socket = connection_take_socket(connection);
    if (socket >= 0 && whole)
        (void)client_attach(process, socket, records_u32(spec, TAG_ATTACH_FLAGS, 0));
    else
        close_at_end(&socket);
}

static void send_signal(struct connection *connection, uint32_t request, struct records spec)
{
    struct process *process = named_process(connection, request, spec);
    if (!process)
        return;
    int signal = (int)records_u32(spec, TAG_SIGNAL, 0);
    /* Each process that we start leads a session, and so a group; its number is nobody else's until we have reaped it. */
    bool whole_group = records_u32(spec, TAG_SIGNAL_GROUP, 0) != 0;
    if ((whole_group ? kill(-process->pid, signal) : sys_pidfd_send_signal(process->pidfd, signal)) < 0)
        connection_fail(connection, request, "signal", errno, process->id);
    else
        succeed(connection, request);
}

static void resize(struct connection *connection, uint32_t request, struct records spec)
{
    struct process *process = named_process(connection, request, spec);
    struct wire_window window = {0};
    if (!process)
        return;
    (void)records_copy(spec, TAG_WINDOW, &window, sizeof window);
    struct winsize size = {.ws_row = window.rows, .ws_col = window.columns};
    if (!process->terminal)
        connection_fail(connection, request, "resize", ENOTTY, process->id);
    else if (process->input.fd >= 0 && ioctl(process->input.fd, TIOCSWINSZ, &size) < 0)
        connection_fail(connection, request, "resize", errno, process->id);
    else
        succeed(connection, request);
}

static void close_stdin(struct connection *connection, uint32_t request, struct records spec)
{
    struct process *process = named_process(connection, request, spec);
    if (!process)
        return;
    process_close_stdin(process);
    succeed(connection, request);
}

static void release(struct connection *connection, uint32_t request)
{
    struct monitor *monitor = connection->monitor;
    if (monitor->status == STATUS_RUNNING) {
        connection_fail(connection, request, "release", EBUSY, "the container runs");
        return;
    }
    monitor->leaving = true;
    succeed(connection, request);
}

static void serve(struct connection *connection)
{
    struct monitor *monitor = connection->monitor;
    uint32_t request = connection->header.request;
    struct records spec = {connection->body, connection->body + connection->header.length};
    uint8_t *body = connection->body; /* outlives the connection, which may become a client on the way */
    connection->body = NULL;
    connection->have = 0;
    if (!wire_validate(spec)) {
        connection_fail(connection, request, "message", EPROTO, "malformed");
        free(body);
        return;
    }
    switch (connection->header.type) {
    case WIRE_HELLO:
        hello(connection, request);
        break;
    case WIRE_CREATE:
        create_container(monitor, connection, request, spec);
        break;
    case WIRE_START:
        start_container(monitor, connection, request);
        break;
    case WIRE_ATTACH:
        attach(connection, request, spec);
        break;
    case WIRE_EXEC:
        exec_process(monitor, connection, request, spec);
        break;
    case WIRE_KILL:
        send_signal(connection, request, spec);
        break;
    case WIRE_RESIZE:
        resize(connection, request, spec);
        break;
    case WIRE_CLOSE_STDIN:
        close_stdin(connection, request, spec);
        break;
    case WIRE_RELEASE:
        release(connection, request);
        break;
    case WIRE_CONNECT:
        connect_network(connection, request, spec);
        break;
    case WIRE_DISCONNECT:
        disconnect_network(connection, request, spec);
        break;
    case WIRE_ANSWER:
        resolver_answer(monitor, request, spec);
        break;
    default:
        connection_fail(connection, request, "message", ENOSYS, "unknown type");
    }
    free(body);
}

/* Reads exactly one message, never beyond: what follows an ATTACH is the process's. */
static void ready(struct source *source, uint32_t events)
{
    (void)events;
    struct connection *connection = OWNER(source, struct connection, source);
    const size_t head = sizeof connection->header;
    bool in_head = connection->have < head;
    uint8_t *to = in_head ? (uint8_t *)&connection->header + connection->have : connection->body + (connection->have - head);
    size_t wanted = in_head ? head - connection->have : head + connection->header.length - connection->have;
    ssize_t got = RETRY(recv(source->fd, to, wanted, MSG_DONTWAIT));
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        connection_close(connection);
        return;
    }
    connection->have += (size_t)got;
    if (connection->have < head)
        return;
    if (in_head) {
        const struct wire_header *header = &connection->header;
        if (header->magic != WIRE_MAGIC || header->version != WIRE_VERSION || header->length > WIRE_MESSAGE_MAX ||
            !(connection->body = malloc(header->length + 1U))) {
            connection_close(connection);
            return;
        }
    }
    if (connection->have == head + connection->header.length)
        serve(connection);
}
