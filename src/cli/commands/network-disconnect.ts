import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";

export const command = defineCommand({
  name: "network disconnect",
  summary: "Disconnect a container from a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  examples: [{ command: "lighter network disconnect backend postgres", meaning: "while it goes on running" }],
  options: { force: flag("Even if the container does not answer", { short: "f" }) },
  operands: { minimum: 2, maximum: 2 },
  async run({ options, operands: [network = "", Container = ""], engine }) {
    const api = await engine();
    const json = { Container, Force: options.force };
    await api.send("POST", `/networks/${encodeURIComponent(network)}/disconnect`, { json });
    return 0;
  },
});
