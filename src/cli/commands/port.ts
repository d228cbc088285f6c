import type { ContainerDocument, PortBinding } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "port",
  summary: "Show a container's published ports",
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  aliases: ["container port"],
  examples: [
    { command: "lighter port web", meaning: "all of them" },
    { command: "lighter port web 80", meaning: "where port 80 of the container is reached" },
  ],
  options: {},
  operands: { minimum: 1, maximum: 2 },
  async run({ operands: [name = "", wanted], engine }) {
    const api = await engine();
    const { NetworkSettings } = await api.json<ContainerDocument>(
      "GET",
      `/containers/${encodeURIComponent(name)}/json`,
    );
    const ports = Object.entries(NetworkSettings.Ports ?? {});
    if (wanted === undefined) {
      const lines = ports.flatMap(([port, bindings]) =>
        (bindings ?? []).map((binding) => `${port} -> ${address(binding)}`),
      );
      for (const line of lines.sort(comparePorts)) await print(line);
      return 0;
    }
    const port = wanted.includes("/") ? wanted : `${wanted}/tcp`;
    const bindings = ports.find(([key]) => key === port)?.[1] ?? [];
    if (bindings.length === 0) throw new Error(`Error: No public port '${wanted}' published for ${name}`);
    for (const line of bindings.map(address).sort()) await print(line);
    return 0;
  },
});

function address({ HostIp = "", HostPort = "" }: PortBinding): string {
  return HostIp.includes(":") ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;
}

/** `80/tcp` before `443/tcp`. */
function comparePorts(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}
