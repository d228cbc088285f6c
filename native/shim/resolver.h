/*
 * Where a container's DNS queries arrive: 127.0.0.11 in its network namespace, port 53, UDP and TCP. The shim understands
 * none of them: each goes to the engine as a WIRE_QUERY, and the engine's WIRE_ANSWER with that number goes back. While no
 * engine listens, queries wait in the kernel's buffers.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include "wire.h"

struct monitor;
struct resolver;

/* Begins to listen in the namespace of the container's first process. Fine where it does already. 0, or -1 with errno. */
int resolver_open(struct monitor *monitor);

/* An engine has come, or the last one has gone. */
void resolver_engine_changed(struct monitor *monitor);

/* The engine's answer to the query with this number; none means: let the client wait. */
void resolver_answer(struct monitor *monitor, uint32_t number, struct records answer);

/* With the container: its sockets would keep the network namespace alive. */
void resolver_close(struct monitor *monitor);

#endif
