import { defineCommand } from "../command.ts";
import { parseLabel } from "../container/environment.ts";
import { flag, list, map, optionalFlag, text } from "../option.ts";
import { print, printError } from "../output.ts";

export const command = defineCommand({
  name: "network create",
  summary: "Make a network",
  usage: "[OPTIONS] NETWORK",
  examples: [
    { command: "lighter network create backend", meaning: "a bridge on a free range of addresses" },
    { command: "lighter network create --subnet 10.9.0.0/24 --gateway 10.9.0.1 lab", meaning: "on a chosen one" },
    { command: "lighter network create --ipv6 --subnet fd00:5::/64 six", meaning: "with addresses of IPv6 as well" },
    {
      command: "lighter network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 lan",
      meaning: "on the host's own LAN",
    },
  ],
  options: {
    attachable: flag("Let containers be attached by hand"),
    "aux-address": map("Address that is taken (name=address)"),
    driver: text("Driver of the network", { short: "d", shownDefault: '"bridge"' }),
    gateway: list("Gateway of the subnet"),
    internal: flag("Keep it away from the outside"),
    "ip-range": list("Give containers addresses of this range"),
    "ipam-driver": text("Driver of the address management"),
    "ipam-opt": map("Option of the address management"),
    ipv4: optionalFlag("Use IPv4", { shownDefault: "true" }),
    ipv6: optionalFlag("Use IPv6"),
    label: list("Set a label", {}, parseLabel),
    opt: map("Option of the driver", { short: "o" }),
    subnet: list("Range of addresses in CIDR notation"),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [Name = ""], engine }) {
    const subnets = options.subnet.flatMap((text) => text.split(","));
    const gateways = options.gateway.flatMap((text) => text.split(","));
    const ranges = options["ip-range"].flatMap((text) => text.split(","));
    if (subnets.length === 0 && gateways.length + ranges.length > 0) {
      throw new Error("every ip-range or gateway must have a corresponding subnet");
    }
    const auxiliary = Object.keys(options["aux-address"]).length > 0 ? options["aux-address"] : undefined;
    const Config = subnets.map((Subnet, index) => ({
      Subnet,
      Gateway: gateways[index],
      IPRange: ranges[index],
      AuxiliaryAddresses: index === 0 ? auxiliary : undefined,
    }));
    const api = await engine();
    const answer = await api.json<{ Id: string; Warning?: string }>("POST", "/networks/create", {
      json: {
        Name,
        Driver: options.driver ?? "bridge",
        Attachable: options.attachable,
        Internal: options.internal,
        EnableIPv4: options.ipv4,
        EnableIPv6: options.ipv6,
        Options: options.opt,
        Labels: Object.fromEntries(
          options.label.map((label) => [label.split("=", 1)[0], label.split("=").slice(1).join("=")]),
        ),
        IPAM: { Driver: options["ipam-driver"] ?? "default", Options: options["ipam-opt"], Config },
      },
    });
    if (answer.Warning) await printError(`WARNING: ${answer.Warning}`);
    await print(answer.Id);
    return 0;
  },
});
