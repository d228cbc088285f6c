import { defineCommand } from "../command.ts";
import { flag, list, text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "commit",
  summary: "Make an image from what a container has changed",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  aliases: ["container commit"],
  examples: [
    { command: "lighter commit -m 'with curl' box my/box:2", meaning: "keep its state as an image" },
    {
      command: "lighter commit -c 'ENV DEBUG=1' -c 'CMD [\"sh\"]' box my/box",
      meaning: "and change its configuration",
    },
  ],
  options: {
    author: text("Author of the image", { short: "a" }),
    change: list("Apply a Dockerfile instruction to the image", { short: "c" }),
    message: text("Message of the image's history", { short: "m" }),
    pause: flag("Suspend the container meanwhile", { short: "p", initial: true }),
  },
  operands: { minimum: 1, maximum: 2 },
  async run({ options: { author, change, message, pause }, operands: [container = "", reference = ""], engine }) {
    const [, repo = reference, tag = ""] = /^(.+):([^:/]+)$/.exec(reference) ?? [];
    const api = await engine();
    const query = { container, repo, tag, author, comment: message, changes: change, pause: pause ? undefined : 0 };
    const { Id } = await api.json<{ Id: string }>("POST", "/commit", { query, json: {} });
    await print(Id);
    return 0;
  },
});
