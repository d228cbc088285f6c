import { defineCommand } from "../command.ts";
import { copyFromContainer, copyToContainer, parseCopyPath } from "../container/copy-files.ts";
import { flag } from "../option.ts";

export const command = defineCommand({
  name: "cp",
  summary: "Copy files between a container and this machine",
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
  description: "With - as one side, a tar archive is read from standard input or written to standard output.",
  aliases: ["container cp"],
  examples: [
    { command: "lighter cp web:/etc/nginx ./nginx", meaning: "a directory out of a container" },
    { command: "lighter cp index.html web:/srv/", meaning: "a file into one, running or not" },
    { command: "lighter cp web:/var/log - | tar -t", meaning: "as an archive" },
  ],
  options: {
    archive: flag("Keep owners", { short: "a" }),
    "follow-link": flag("Follow a symbolic link named as the source", { short: "L" }),
    quiet: flag("Do not say what was copied", { short: "q" }),
  },
  operands: { minimum: 2, maximum: 2 },
  async run({ options, operands: [from = "", to = ""], engine }) {
    const source = parseCopyPath(from);
    const target = parseCopyPath(to);
    if (from === "" || to === "") throw new Error("neither source nor destination can be empty");
    if (source.container !== null && target.container !== null) {
      throw new Error("copying between containers is not supported");
    }
    const choice = { keepOwners: options.archive, followLink: options["follow-link"], quiet: options.quiet };
    if (source.container !== null) await copyFromContainer(await engine(), source.container, source.path, to, choice);
    else if (target.container !== null)
      await copyToContainer(await engine(), from, target.container, target.path, choice);
    else throw new Error("must specify at least one container source");
    return 0;
  },
});
