/* Attached clients; see client.h. */
#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sys.h"

enum { STDIN_BYTES = 16 * 1024 };

static struct client **place_in_list(struct client *client)
{
    struct client **at = &client->process->clients;
    while (*at != client)
        at = &(*at)->next;
    return at;
}

static void detach(struct client *client)
{
    if (!client->process)
        return;
    *place_in_list(client) = client->next;
    client->process = NULL;
    client->next = NULL;
}

void client_drop(struct client *client)
{
    struct process *process = client->process;
    struct monitor *monitor = client->monitor;
    bool fed_stdin = client->flags & ATTACH_STDIN;
    detach(client);
    loop_close(monitor->loop, &client->source);
    free(client->queue);
    free(client->stdin_rest);
    free(client);
    if (!process) {
        monitor->flushing--;
        return;
    }
    if (fed_stdin && process->stdin_once)
        process_close_stdin(process);
    process_balance(process);
}

static void watch(struct client *client)
{
    bool reads = (client->flags & ATTACH_STDIN) && client->process && client->stdin_length == 0;
    loop_watch(client->monitor->loop, &client->source, (reads ? EPOLLIN : 0U) | (client->queue_length ? EPOLLOUT : 0U));
}

/* False: the client is gone. */
static bool send_queue(struct client *client)
{
    while (client->queue_length > 0) {
        ssize_t sent = RETRY(send(client->source.fd, client->queue + client->queue_at, client->queue_length,
                                  MSG_NOSIGNAL | MSG_DONTWAIT));
        if (sent < 0 && errno == EAGAIN)
            return true;
        if (sent < 0) {
            client_drop(client);
            return false;
        }
        client->queue_at += (size_t)sent;
        client->queue_length -= (size_t)sent;
    }
    free(client->queue); /* most clients never need one again */
    client->queue = NULL;
    client->queue_at = 0;
    if (!client->process) {
        client_drop(client);
        return false;
    }
    process_balance(client->process);
    return true;
}

static bool enqueue(struct client *client, const uint8_t *bytes, size_t length)
{
    size_t used = client->queue_at + client->queue_length;
    uint8_t *grown = realloc(client->queue, used + length);
    if (!grown)
        return false;
    memcpy(grown + used, bytes, length);
    client->queue = grown;
    client->queue_length += length;
    return true;
}

void client_write(struct client *client, int stream, const uint8_t *bytes, size_t length)
{
    if (!(client->flags & (stream == 1 ? ATTACH_STDOUT : ATTACH_STDERR)))
        return;
    uint8_t head[8] = {(uint8_t)stream, 0, 0, 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                       (uint8_t)length};
    size_t head_length = client->process->terminal ? 0 : sizeof head;
    struct iovec parts[2] = {{head, head_length}, {(void *)(uintptr_t)bytes, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = 0;
    if (client->queue_length == 0)
        sent = RETRY(sendmsg(client->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
    if (sent < 0 && errno == EAGAIN)
        sent = 0;
    bool alive = sent >= 0;
    size_t done = alive ? (size_t)sent : 0;
    if (alive && done < head_length) {
        alive = enqueue(client, head + done, head_length - done);
        done = head_length;
    }
    if (alive && done - head_length < length)
        alive = enqueue(client, bytes + (done - head_length), length - (done - head_length));
    if (!alive)
        client_drop(client);
    else
        watch(client);
}

static void end_of_stdin(struct client *client)
{
    struct process *process = client->process;
    client->flags &= ~(uint32_t)ATTACH_STDIN;
    watch(client);
    if (process->stdin_once)
        process_close_stdin(process);
}

/* Passes on what the client sends, until stdin or the client has no more. False: the client is gone. */
static bool read_stdin(struct client *client)
{
    uint8_t bytes[STDIN_BYTES];
    ssize_t got = RETRY(recv(client->source.fd, bytes, sizeof bytes, MSG_DONTWAIT));
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got < 0) {
        client_drop(client);
        return false;
    }
    if (got == 0) {
        end_of_stdin(client);
        return true;
    }
    size_t taken = process_input(client->process, bytes, (size_t)got);
    size_t rest = (size_t)got - taken;
    if (rest > 0 && (client->stdin_rest = malloc(rest))) {
        memcpy(client->stdin_rest, bytes + taken, rest);
        client->stdin_at = 0;
        client->stdin_length = rest;
        watch(client);
    }
    return true;
}

void client_input_ready(struct client *client)
{
    if (client->stdin_length == 0)
        return;
    size_t taken = process_input(client->process, client->stdin_rest + client->stdin_at, client->stdin_length);
    client->stdin_at += taken;
    client->stdin_length -= taken;
    if (client->stdin_length > 0)
        return;
    free(client->stdin_rest);
    client->stdin_rest = NULL;
    watch(client);
}

static void ready(struct source *source, uint32_t events)
{
    struct client *client = OWNER(source, struct client, source);
    if ((events & EPOLLOUT) && !send_queue(client))
        return;
    if (events & EPOLLIN) {
        if (!read_stdin(client))
            return;
        if (client->flags & ATTACH_STDIN)
            return; /* there may be more; a hang-up comes again */
    }
    if (events & (EPOLLHUP | EPOLLERR))
        client_drop(client);
    else
        watch(client);
}

struct client *client_attach(struct process *process, int socket, uint32_t flags)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        (void)close(socket);
        return NULL;
    }
    client->monitor = process->monitor;
    client->process = process;
    client->flags = flags;
    client->source.ready = ready;
    if (loop_add(process->monitor->loop, &client->source, socket, 0) < 0) {
        (void)close(socket);
        free(client);
        return NULL;
    }
    client->next = process->clients;
    process->clients = client;
    watch(client);
    return client;
}

void client_finish(struct client *client)
{
    detach(client);
    client->monitor->flushing++;
    if (client->queue_length == 0)
        client_drop(client);
    else
        watch(client);
}

void clients_flush(struct monitor *monitor, int patience_ms)
{
    while (monitor->flushing > 0 && loop_turn(monitor->loop, patience_ms) > 0)
        ;
}
