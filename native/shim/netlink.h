/* Network links, through rtnetlink(7). Processes are pidfds where it is about their network namespace. */
#ifndef NETLINK_H
#define NETLINK_H

#include <sys/types.h>

#include "wire.h"

/*
 * Makes the links of a TAG_LINK: a veth pair with the host's end up and on the bridge, or, with FIELD_TYPE, one link of that
 * kind on the parent that FIELD_SOURCE names; the container's end, named, is within the network namespace of the process.
 * One request, so that nothing half-made can stay. 0, or -1 with errno.
 */
int link_create(struct records link, pid_t process);

/* Removes the pair by the host's end. A link that is gone already is fine. */
void link_remove(const char *host_name);

/* Removes a link, and its other end, by its name in the process's namespace. Fine where it is gone. 0, or -1 with errno. */
int link_remove_within(int process, const char *name);

/*
 * Sets a link up, with its addresses (each followed by its prefix) and the default routes through its gateways, which replace
 * those that are there. socket: of rtnetlink, in the link's namespace. NULL, or with errno what failed.
 */
const char *link_configure(int socket, struct records link);
const char *link_configure_within(int process, struct records link);

/* Sets the loopback link up. 0, or -1 with errno. */
int loopback_up_within(int process);

/* Leads the default routes through FIELD_CONTAINER_NAME to FIELD_GATEWAY. 0, or -1 with errno. */
int default_route_within(int process, struct records route);

#endif
