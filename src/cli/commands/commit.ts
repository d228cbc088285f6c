import { defineCommand } from "../command.ts";
import { flag, list, text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "commit",
  summary: "Make an image from what a container has changed",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  aliases: ["container commit"],
  description: `Each commit of a container is one layer on top of its last commit, so that the image's log is the container's history and
'rollback' goes from commit to commit. With --squash it is one layer on the image that the container was made from,
as Docker makes it. Volumes are not part of an image.`,
  examples: [
    { command: "lighter commit -m 'with curl' box my/box:2", meaning: "keep its state as an image" },
    {
      command: "lighter commit -c 'ENV DEBUG=1' -c 'CMD [\"sh\"]' box my/box",
      meaning: "and change its configuration",
    },
    { command: "lighter commit --squash box my/box", meaning: "all its changes as one layer" },
    { command: "lighter commit --rebase debian:13 box my/box", meaning: "its changes on a newer base" },
  ],
  options: {
    author: text("Author of the image", { short: "a" }),
    change: list("Apply a Dockerfile instruction to the image", { short: "c" }),
    message: text("Message of the image's history", { short: "m" }),
    pause: flag("Suspend the container meanwhile", { short: "p", initial: true }),
    rebase: text("Put the changes on another image; refused where that has changed the same files", {
      placeholder: "image",
    }),
    squash: flag("Put all changes into one layer on the container's image"),
    "squash-all": flag("Put everything into one layer, without a base"),
  },
  operands: { minimum: 1, maximum: 2 },
  async run({ options, operands: [container = "", reference = ""], engine }) {
    const { author, change, message, pause, rebase } = options;
    const [, repo = reference, tag = ""] = /^(.+):([^:/]+)$/.exec(reference) ?? [];
    const squash = options["squash-all"] ? "all" : options.squash ? "base" : undefined;
    const api = await engine();
    const query = {
      repo,
      tag,
      author,
      comment: message,
      changes: change,
      pause: pause ? undefined : 0,
      squash,
      rebase,
    };
    const path = `/lighter/containers/${encodeURIComponent(container)}/commit`;
    const { Id } = await api.json<{ Id: string }>("POST", path, { query, json: {} });
    await print(Id);
    return 0;
  },
});
