/*
 * A client is a connection that carries a process's bytes: raw for a terminal, else framed as Docker's stdcopy
 * ([stream, 0, 0, 0, length as big-endian u32] before each payload), so that the engine can pass them on unread.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "process.h"

struct client {
    struct client *next;
    struct source source;
    struct monitor *monitor;
    struct process *process; /* NULL: it has ended, only the queue is left */
    uint32_t flags;          /* enum wire_attach */
    uint8_t *queue;          /* what the socket did not take; a process with such a client is not read */
    size_t queue_at;
    size_t queue_length;
    uint8_t *stdin_rest;     /* what stdin did not take; such a client is not read */
    size_t stdin_at;
    size_t stdin_length;
};

/* Makes a connected socket a client of the process; takes the descriptor. NULL with errno, socket closed. */
struct client *client_attach(struct process *process, int socket, uint32_t flags);

/* Output of the process. Never blocks; what does not fit is queued. */
void client_write(struct client *client, int stream, const uint8_t *bytes, size_t length);

/* stdin takes bytes again. */
void client_input_ready(struct client *client);

/* The process has ended: closes after the last byte. */
void client_finish(struct client *client);

void client_drop(struct client *client);

/* Runs the loop until every finished client has its bytes, or none took any for so long. */
void clients_flush(struct monitor *monitor, int patience_ms);

#endif
