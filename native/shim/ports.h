/* Ports of the host that are held for the container: bound, so that nobody else takes them, but not served here. */
#ifndef PORTS_H
#define PORTS_H

#include "wire.h"

/* Binds; *number becomes the port's number. Returns the socket, or -1 with errno (EADDRINUSE). */
int port_hold(const struct wire_port *port, uint16_t *number);

#endif
