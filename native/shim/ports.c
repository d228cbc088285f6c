#include "ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sys.h"

int port_hold(const struct wire_port *port, uint16_t *number)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    socklen_t length = port->family == AF_INET6 ? sizeof address.v6 : sizeof address.v4;
    address.any.sa_family = port->family;
    if (port->family == AF_INET6) {
        memcpy(&address.v6.sin6_addr, port->address, 16);
        address.v6.sin6_port = htons(port->port);
    } else {
        memcpy(&address.v4.sin_addr, port->address, 4);
        address.v4.sin_port = htons(port->port);
    }
    int type = port->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    AUTO_CLOSE held = socket(port->family, type | SOCK_CLOEXEC, (int)port->protocol);
    int on = 1;
    if (held < 0 || (port->family == AF_INET6 && setsockopt(held, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        bind(held, &address.any, length) < 0 || getsockname(held, &address.any, &length) < 0)
        return -1;
    *number = ntohs(port->family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
    return take_fd(&held);
}
