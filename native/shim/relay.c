/* Accepting, and passing bytes on; see relay.h. */
#include "relay.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "monitor.h"
#include "sys.h"

enum {
    BUFFER_SIZE = 32 * 1024,
    PASSAGES_MAX = 256, /* for each port: others wait in the socket's queue */
    ROUNDS_MAX = 16,    /* buffers at a time: what is in a hurry must not keep the rest of the shim from its turn */
};

struct passage;

/* One of a connection's two ends, with the bytes that came from there and go to the other. */
struct end {
    struct source source;
    struct passage *passage;
    size_t at;
    size_t length;
    bool ended; /* its peer sends no more */
    bool told;  /* ... and the other end's peer knows it */
    bool hung;  /* out of the loop: all that will ever come is there already */
    uint8_t bytes[BUFFER_SIZE];
};

struct passage {
    struct passage *next;
    struct relay *relay;
    bool connected; /* until then nothing is passed on: to close a half of a connection that is being made would end it */
    struct end ends[2]; /* the client's, the container's */
};

struct relay {
    struct relay *next;
    struct monitor *monitor;
    struct source listener;
    uint16_t port;
    struct passage *passages;
    size_t passage_count;
};

static struct end *other(struct end *end)
{
    struct end *ends = end->passage->ends;
    return end == &ends[0] ? &ends[1] : &ends[0];
}

static void close_passage(struct passage *passage)
{
    struct relay *relay = passage->relay;
    for (struct passage **at = &relay->passages; *at; at = &(*at)->next) {
        if (*at == passage) {
            *at = passage->next;
            break;
        }
    }
    relay->passage_count--;
    for (int i = 0; i < 2; i++)
        loop_close(relay->monitor->loop, &passage->ends[i].source);
    free(passage);
    loop_watch(relay->monitor->loop, &relay->listener, EPOLLIN);
}

/* Passes on what came from an end, until nothing is there or nothing fits. False: the connection is broken. */
static bool pump(struct end *end)
{
    int to = other(end)->source.fd;
    for (int round = 0; end->hung || round < ROUNDS_MAX; round++) {
        if (end->length == 0 && !end->ended) {
            ssize_t got = RETRY(recv(end->source.fd, end->bytes, sizeof end->bytes, MSG_DONTWAIT));
            if (got < 0)
                return errno == EAGAIN;
            end->ended = got == 0;
            end->at = 0;
            end->length = (size_t)got;
        }
        if (end->length == 0) {
            if (!end->told && shutdown(to, SHUT_WR) < 0 && errno != ENOTCONN)
                return false;
            end->told = true;
            return true;
        }
        ssize_t sent = RETRY(send(to, end->bytes + end->at, end->length, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (sent < 0)
            return errno == EAGAIN;
        end->at += (size_t)sent;
        end->length -= (size_t)sent;
    }
    return true;
}

static void watch(struct end *end)
{
    uint32_t events = 0;
    if (end->length == 0 && !end->ended)
        events |= EPOLLIN;
    if (other(end)->length > 0)
        events |= EPOLLOUT;
    loop_watch(end->passage->relay->monitor->loop, &end->source, events);
}

static void end_ready(struct source *source, uint32_t events)
{
    struct end *end = OWNER(source, struct end, source);
    struct passage *passage = end->passage;
    if (!passage->connected && (events & (EPOLLERR | EPOLLHUP))) {
        close_passage(passage);
        return;
    }
    passage->connected = true;
    if (events & EPOLLHUP) {
        /* Reported again and again, whether there is room for the last bytes or not. */
        loop_forget(passage->relay->monitor->loop, source);
        end->hung = true;
    }
    if (events & EPOLLERR || !pump(end) || !pump(other(end)) || (end->told && other(end)->told)) {
        close_passage(passage);
        return;
    }
    watch(end);
    watch(other(end));
}

static int connect_to_port(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    AUTO_CLOSE made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0 || (connect(made, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS))
        return -1;
    return take_fd(&made);
}

/* Takes both descriptors, also where it fails. */
static bool open_passage(struct relay *relay, int from, int to)
{
    AUTO_CLOSE first = from;
    AUTO_CLOSE second = to;
    struct passage *passage = first < 0 || second < 0 ? NULL : calloc(1, sizeof *passage);
    if (!passage)
        return false;
    passage->relay = relay;
    passage->next = relay->passages;
    relay->passages = passage;
    relay->passage_count++;
    int *fds[2] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        passage->ends[i].passage = passage;
        passage->ends[i].source = (struct source){.fd = -1, .ready = end_ready};
    }
    for (int i = 0; i < 2; i++) {
        if (loop_add(relay->monitor->loop, &passage->ends[i].source, *fds[i], i == 0 ? 0 : EPOLLOUT) < 0) {
            close_passage(passage);
            return false;
        }
        (void)take_fd(fds[i]);
    }
    return true;
}

static void accept_ready(struct source *source, uint32_t events)
{
    (void)events;
    struct relay *relay = OWNER(source, struct relay, listener);
    int from = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (from < 0 && (errno == EAGAIN || errno == ECONNABORTED))
        return; /* it has thought better of it */
    bool opened = from >= 0 && open_passage(relay, from, connect_to_port(relay->port));
    /* Without descriptors, or with enough to do: the next one waits until a connection ends. */
    if (relay->passage_count >= PASSAGES_MAX || (!opened && from < 0 && relay->passage_count > 0))
        loop_watch(relay->monitor->loop, &relay->listener, 0);
}

int relay_listen(struct monitor *monitor, int socket, uint16_t port)
{
    AUTO_CLOSE bound = socket;
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return -1;
    relay->monitor = monitor;
    relay->port = port;
    relay->listener.ready = accept_ready;
    if (fcntl(bound, F_SETFL, O_NONBLOCK) < 0 || listen(bound, SOMAXCONN) < 0 ||
        loop_add(monitor->loop, &relay->listener, bound, EPOLLIN) < 0) {
        free(relay);
        return -1;
    }
    (void)take_fd(&bound);
    relay->next = monitor->relays;
    monitor->relays = relay;
    return 0;
}

void relay_close_all(struct monitor *monitor)
{
    while (monitor->relays) {
        struct relay *relay = monitor->relays;
        monitor->relays = relay->next;
        while (relay->passages)
            close_passage(relay->passages);
        loop_close(monitor->loop, &relay->listener);
        free(relay);
    }
}
