import type { EndpointSettings } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { parseLink } from "../container/name-flags.ts";
import { integer, list, map, text } from "../option.ts";

export const command = defineCommand({
  name: "network connect",
  summary: "Connect a container to a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  examples: [
    { command: "lighter network connect --alias db backend postgres", meaning: "under a name of its own there" },
  ],
  options: {
    alias: list("Name of the container within the network"),
    "driver-opt": map("Option of the network's driver"),
    "gw-priority": integer("The network with the highest gives the default gateway"),
    ip: text("IPv4 address"),
    ip6: text("IPv6 address"),
    link: list("Add a link to another container (name[:alias])", {}, parseLink),
    "link-local-ip": list("Link-local address"),
  },
  operands: { minimum: 2, maximum: 2 },
  async run({ options, operands: [network = "", Container = ""], engine }) {
    const addresses = { IPv4Address: options.ip, IPv6Address: options.ip6, LinkLocalIPs: options["link-local-ip"] };
    const EndpointConfig: EndpointSettings = {
      IPAMConfig: options.ip || options.ip6 || options["link-local-ip"].length > 0 ? addresses : undefined,
      Aliases: options.alias,
      Links: options.link,
      DriverOpts: options["driver-opt"],
      GwPriority: options["gw-priority"],
    };
    const api = await engine();
    await api.send("POST", `/networks/${encodeURIComponent(network)}/connect`, { json: { Container, EndpointConfig } });
    return 0;
  },
});
