/* Leading a network namespace's own traffic elsewhere, by nftables. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <stdint.h>

/*
 * Leads what processes of the namespace send to address:port, over UDP and TCP, to other ports of the same address, so that
 * nobody has to listen on that port: a container may do so itself. Addresses and ports in host order. process: a pidfd.
 * 0, or -1 with errno; the kernel may not know nftables.
 */
int redirect_within(int process, uint32_t address, uint16_t port, uint16_t udp_port, uint16_t tcp_port);

#endif
