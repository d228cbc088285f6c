/*
 * Published ports over IPv6 for `localhost`: rules can lead packets for 127.0.0.1 into a container, but none for ::1, which
 * the kernel routes nowhere else. So TCP connections to ::1 are taken here and their bytes passed on to the same port of
 * 127.0.0.1, which the rules lead to wherever the container is.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdint.h>

struct monitor;
struct relay;

/* Takes the connections of a bound socket; the descriptor is the relay's from here on. 0, or -1 with errno. */
int relay_listen(struct monitor *monitor, int socket, uint16_t port);

/* Ends all of them, with the connections that are open. */
void relay_close_all(struct monitor *monitor);

#endif
