import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6 } from "node:net";
import type { PortRange, Protocol } from "./port-mapping.ts";

/**
 * The lowest port of a range that no process of this host has on any of the addresses, found by binding and letting go; undefined where all are
 * taken. The holder's own bind decides in the end, for another may come in between.
 *
 * SCTP sockets cannot be opened from here, so that the first of its ports that is not `excluded` is named untried.
 */
export async function firstFreePort(
  protocol: Protocol,
  addresses: readonly string[],
  range: PortRange,
  excluded: (port: number) => boolean,
): Promise<number | undefined> {
  for (let port = range.first; port <= range.last; port++) {
    if (!excluded(port) && (await canBindAll(protocol, addresses, port))) return port;
  }
  return undefined;
}

async function canBindAll(protocol: Protocol, addresses: readonly string[], port: number): Promise<boolean> {
  for (const address of addresses) {
    if (!(await canBind(protocol, address, port))) return false;
  }
  return true;
}

async function canBind(protocol: Protocol, host: string, port: number): Promise<boolean> {
  try {
    switch (protocol) {
      case "tcp": {
        const server = createServer((socket) => socket.destroy());
        server.listen({ host, port, exclusive: true, ipv6Only: isIPv6(host) });
        await once(server, "listening");
        server.close();
        await once(server, "close");
        return true;
      }
      case "udp": {
        const socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4", ipv6Only: isIPv6(host) });
        socket.bind({ address: host, port, exclusive: true });
        await once(socket, "listening");
        socket.close();
        await once(socket, "close");
        return true;
      }
      case "sctp":
        return true;
      default:
        return protocol satisfies never;
    }
  } catch {
    return false; // In use, or a privileged port, or an address that the host does not have: not one to hand out.
  }
}
