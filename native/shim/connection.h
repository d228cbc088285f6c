/* A control connection: requests come in whole messages, answers and events go out. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "monitor.h"

struct connection {
    struct connection *next;
    struct source source;
    struct monitor *monitor;
    struct wire_header header;
    bool listens; /* has said HELLO: it hears of events; others may turn into streams */
    uint8_t *body;
    size_t have; /* of header and body together */
};

/* Accepts on the listener. */
void connections_accept(struct source *listener, uint32_t events);

/* Sends and frees. A reader that does not read loses its connection: answers are small, so it is broken. */
void connection_send(struct connection *connection, struct message *message);

/* "Failed", with the step, errno and what it was about. connection may be NULL. */
void connection_fail(struct connection *connection, uint32_t request, const char *step, int error, const char *detail);

/* To all that listen. */
void connections_broadcast(struct monitor *monitor, struct message *message);

/* Takes its socket away, for other use, and frees the rest. */
int connection_take_socket(struct connection *connection);

void connection_close(struct connection *connection);

#endif
