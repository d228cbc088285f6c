/* Network links, through rtnetlink(7). */
#ifndef NETLINK_H
#define NETLINK_H

#include <sys/types.h>

#include "wire.h"

/*
 * Makes the veth pair of a TAG_LINK: the host's end up and on the bridge, the other, named and up, within the network
 * namespace of the process. One request, so that nothing half-made can stay. 0, or -1 with errno.
 */
int link_create(struct records link, pid_t process);

/* Removes the pair by the host's end. A link that is gone already is fine. */
void link_remove(const char *host_name);

#endif
