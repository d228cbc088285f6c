import type { RebasedContainer } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { shortImageId } from "../image/image-list.ts";
import { flag } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "rebase",
  summary: "Put what a container has changed on a newer image",
  usage: "[OPTIONS] CONTAINER IMAGE",
  description: `The container keeps its name, its configuration and its volumes. Where it and the new image changed the same path
since the image that it was made from, the paths are named and nothing is changed. 'rollback CONTAINER @{1}' undoes it.`,
  examples: [
    { command: "lighter rebase box debian:13", meaning: "of a stopped container" },
    { command: "lighter rebase --restart web my/web:2", meaning: "stop it, rebase it, start it" },
  ],
  options: {
    quiet: flag("Show only the image's ID", { short: "q" }),
    restart: flag("Stop a running container first, and start it again"),
  },
  operands: { minimum: 2, maximum: 2 },
  async run({ options: { quiet, restart }, operands: [container = "", base = ""], engine }) {
    const api = await engine();
    const path = `/lighter/containers/${encodeURIComponent(container)}/rebase`;
    const query = { base, restart: restart ? 1 : undefined };
    const { Id, Previous } = await api.json<RebasedContainer>("POST", path, { query });
    await print(quiet ? Id : `${container}: ${shortImageId(Previous)} -> ${shortImageId(Id)} (${base})`);
    return 0;
  },
});
