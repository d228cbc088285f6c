/* Queries in, answers out; see resolver.h. */
#include "resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "netlink.h"
#include "netns.h"
#include "process.h"
#include "redirect.h"
#include "sys.h"

enum {
    RESOLVER_ADDRESS = 0x7f00000b, /* 127.0.0.11, as Docker's */
    RESOLVER_PORT = 53,
    /* Longer than any question that is one (a name has 255 bytes at most, RFC 1035), and short enough that all pending ones
     * fit into the engine's socket at once. */
    QUERY_MAX = 1232,
    QUERIES_MAX = 48,
    STREAMS_MAX = 16,
};

/* A client over TCP: one question at a time, each with its length in front (RFC 1035, 4.2.2). */
struct stream {
    struct source source;
    struct resolver *resolver;
    uint8_t bytes[2 + QUERY_MAX];
    size_t have;
    bool waits; /* for the answer to its question: nothing is read meanwhile */
};

struct query {
    uint32_t number; /* 0: a free place */
    struct stream *stream; /* NULL: over UDP */
    struct sockaddr_in from;
};

struct resolver {
    struct monitor *monitor;
    struct source datagrams;
    struct source listener;
    struct query queries[QUERIES_MAX];
    size_t pending;
    uint32_t last_number;
    struct stream *streams[STREAMS_MAX];
    size_t next_stream; /* the place that the next client gets: its owner is the one who came first */
};

static bool engine_listens(const struct monitor *monitor)
{
    for (const struct connection *connection = monitor->connections; connection; connection = connection->next)
        if (connection->listens)
            return true;
    return false;
}

/* Questions are taken as long as there is somebody to ask and a place to note them. */
static void balance(struct resolver *resolver)
{
    int loop = resolver->monitor->loop;
    uint32_t events = engine_listens(resolver->monitor) && resolver->pending < QUERIES_MAX ? EPOLLIN : 0;
    loop_watch(loop, &resolver->datagrams, events);
    loop_watch(loop, &resolver->listener, events);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (resolver->streams[i])
            loop_watch(loop, &resolver->streams[i]->source, resolver->streams[i]->waits ? 0 : events);
}

static void free_query(struct resolver *resolver, struct query *query)
{
    query->number = 0;
    query->stream = NULL;
    resolver->pending--;
}

static void close_stream(struct resolver *resolver, struct stream *stream)
{
    for (size_t i = 0; i < QUERIES_MAX; i++)
        if (resolver->queries[i].number && resolver->queries[i].stream == stream)
            free_query(resolver, &resolver->queries[i]);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (resolver->streams[i] == stream)
            resolver->streams[i] = NULL;
    loop_close(resolver->monitor->loop, &stream->source);
    free(stream);
}

static void ask_engine(struct resolver *resolver, struct stream *stream, const struct sockaddr_in *from,
                       const uint8_t *bytes, size_t length)
{
    struct query *query = resolver->queries;
    while (query->number) /* there is a free one: otherwise nothing would have been read */
        query++;
    if (++resolver->last_number == 0)
        resolver->last_number = 1;
    *query = (struct query){.number = resolver->last_number, .stream = stream, .from = *from};
    resolver->pending++;
    struct message message;
    message_begin(&message, WIRE_QUERY, query->number);
    message_data(&message, TAG_DNS_MESSAGE, bytes, length);
    message_u32(&message, TAG_DNS_STREAM, stream != NULL);
    connections_broadcast(resolver->monitor, &message);
    balance(resolver);
}

static void datagram_ready(struct source *source, uint32_t events)
{
    (void)events;
    struct resolver *resolver = OWNER(source, struct resolver, datagrams);
    uint8_t bytes[QUERY_MAX];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(source->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &length);
    if (got > 0 && got <= QUERY_MAX)
        ask_engine(resolver, NULL, &from, bytes, (size_t)got);
}

static void stream_ready(struct source *source, uint32_t events)
{
    struct stream *stream = OWNER(source, struct stream, source);
    struct resolver *resolver = stream->resolver;
    if (!(events & EPOLLIN)) { /* hung up while it waits */
        close_stream(resolver, stream);
        balance(resolver);
        return;
    }
    size_t wanted = 2;
    if (stream->have >= 2)
        wanted = 2 + (size_t)(stream->bytes[0] << 8 | stream->bytes[1]);
    ssize_t got = recv(source->fd, stream->bytes + stream->have, wanted - stream->have, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    stream->have += got > 0 ? (size_t)got : 0;
    size_t length = stream->have >= 2 ? (size_t)(stream->bytes[0] << 8 | stream->bytes[1]) : 1;
    if (got <= 0 || length == 0 || length > QUERY_MAX) {
        close_stream(resolver, stream);
        return;
    }
    if (stream->have == 2 + length) {
        static const struct sockaddr_in nobody;
        stream->waits = true;
        stream->have = 0;
        ask_engine(resolver, stream, &nobody, stream->bytes + 2, length);
    }
}

static void accept_stream(struct source *source, uint32_t events)
{
    (void)events;
    struct resolver *resolver = OWNER(source, struct resolver, listener);
    int socket = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0)
        return; /* it has thought better of it */
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream)
        stream->source.ready = stream_ready;
    if (!stream || loop_add(resolver->monitor->loop, &stream->source, socket, EPOLLIN) < 0) {
        (void)close(socket);
        free(stream);
        return;
    }
    stream->resolver = resolver;
    struct stream **place = &resolver->streams[resolver->next_stream];
    resolver->next_stream = (resolver->next_stream + 1) % STREAMS_MAX;
    if (*place)
        close_stream(resolver, *place);
    *place = stream;
}

/* A socket of this type at the resolver's address; port 0: some port, which is filled in. */
static int listen_within(int process, int type, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(RESOLVER_ADDRESS);
    int on = 1;
    AUTO_CLOSE socket = netns_socket(process, AF_INET, type | SOCK_NONBLOCK, 0);
    if (socket < 0 || setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(socket, (struct sockaddr *)&address, sizeof address) < 0 ||
        (type == SOCK_STREAM && listen(socket, STREAMS_MAX) < 0) ||
        getsockname(socket, (struct sockaddr *)&address, &length) < 0)
        return -1;
    *port = ntohs(address.sin_port);
    return take_fd(&socket);
}

/*
 * Both sockets. They are on ports that nobody asks for, and what is sent to the known one is led there, so that a container
 * can listen on port 53 of all its addresses; where the kernel has no nftables, on the known port.
 */
static int listen_on_both(int process, int *datagrams, int *listener)
{
    uint16_t udp = 0, tcp = 0;
    *datagrams = listen_within(process, SOCK_DGRAM, &udp);
    *listener = listen_within(process, SOCK_STREAM, &tcp);
    if (*datagrams >= 0 && *listener >= 0 && redirect_within(process, RESOLVER_ADDRESS, RESOLVER_PORT, udp, tcp) == 0)
        return 0;
    close_at_end(datagrams);
    close_at_end(listener);
    udp = tcp = RESOLVER_PORT;
    *datagrams = listen_within(process, SOCK_DGRAM, &udp);
    *listener = *datagrams < 0 ? -1 : listen_within(process, SOCK_STREAM, &tcp);
    return *listener < 0 ? -1 : 0;
}

int resolver_open(struct monitor *monitor)
{
    if (monitor->resolver)
        return 0;
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return -1;
    resolver->monitor = monitor;
    resolver->datagrams = (struct source){.fd = -1, .ready = datagram_ready};
    resolver->listener = (struct source){.fd = -1, .ready = accept_stream};
    monitor->resolver = resolver;
    int init = monitor->init->pidfd;
    /* The container may not have come to it yet, and there is no address of loopback before. */
    AUTO_CLOSE datagrams = -1;
    AUTO_CLOSE listener = -1;
    if (loopback_up_within(init) < 0 || listen_on_both(init, &datagrams, &listener) < 0 ||
        loop_add(monitor->loop, &resolver->datagrams, datagrams, 0) < 0) {
        resolver_close(monitor);
        return -1;
    }
    (void)take_fd(&datagrams);
    if (loop_add(monitor->loop, &resolver->listener, listener, 0) < 0) {
        resolver_close(monitor);
        return -1;
    }
    (void)take_fd(&listener);
    balance(resolver);
    return 0;
}

void resolver_engine_changed(struct monitor *monitor)
{
    struct resolver *resolver = monitor->resolver;
    if (!resolver)
        return;
    if (!engine_listens(monitor)) {
        /* Nobody will answer these: clients ask again. One over TCP hears of it by the end of its connection. */
        for (size_t i = 0; i < QUERIES_MAX; i++) {
            struct query *query = &resolver->queries[i];
            if (query->number && query->stream)
                close_stream(resolver, query->stream);
            else if (query->number)
                free_query(resolver, query);
        }
    }
    balance(resolver);
}

static void send_to_stream(struct resolver *resolver, struct stream *stream, const struct record *answer)
{
    uint8_t length[2] = {(uint8_t)(answer->length >> 8), (uint8_t)answer->length};
    struct iovec parts[2] = {{.iov_base = length, .iov_len = sizeof length},
                             {.iov_base = (void *)(uintptr_t)answer->value, .iov_len = answer->length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(stream->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    stream->waits = false;
    if (sent != (ssize_t)(sizeof length + answer->length))
        close_stream(resolver, stream); /* it asks without reading what it gets */
}

void resolver_answer(struct monitor *monitor, uint32_t number, struct records answer)
{
    struct resolver *resolver = monitor->resolver;
    struct record bytes;
    if (!resolver || number == 0)
        return;
    for (size_t i = 0; i < QUERIES_MAX; i++) {
        struct query *query = &resolver->queries[i];
        if (query->number != number)
            continue;
        struct query asked = *query;
        free_query(resolver, query);
        bool answered = records_next_of(&answer, TAG_DNS_MESSAGE, &bytes) && bytes.length <= UINT16_MAX;
        if (asked.stream && answered)
            send_to_stream(resolver, asked.stream, &bytes);
        else if (asked.stream)
            close_stream(resolver, asked.stream);
        else if (answered) /* who does not take it asks again */
            (void)sendto(resolver->datagrams.fd, bytes.value, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL,
                         (const struct sockaddr *)&asked.from, sizeof asked.from);
        break;
    }
    balance(resolver);
}

void resolver_close(struct monitor *monitor)
{
    struct resolver *resolver = monitor->resolver;
    if (!resolver)
        return;
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (resolver->streams[i])
            close_stream(resolver, resolver->streams[i]);
    loop_close(monitor->loop, &resolver->datagrams);
    loop_close(monitor->loop, &resolver->listener);
    monitor->resolver = NULL;
    free(resolver);
}
