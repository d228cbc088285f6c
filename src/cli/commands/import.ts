import { defineCommand } from "../command.ts";
import { readInput } from "../input-file.ts";
import { list, text } from "../option.ts";
import { type ProgressDocument, showProgress } from "../progress.ts";

export const command = defineCommand({
  name: "import",
  summary: "Make an image from a tar archive of a file system",
  usage: "[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]",
  aliases: ["image import"],
  examples: [
    { command: "lighter import rootfs.tar.gz my/base", meaning: "from a file" },
    {
      command: "tar -C root -c . | lighter import -c 'CMD [\"sh\"]' - my/base:1",
      meaning: "from a pipe, with a command",
    },
  ],
  options: {
    change: list("Apply a Dockerfile instruction to the image", { short: "c" }),
    message: text("Message of the image's history", { short: "m" }),
    platform: text("Platform of the image"),
  },
  operands: { minimum: 1, maximum: 2 },
  async run({ options: { change, message, platform }, operands: [source = "", reference = ""], engine }) {
    const isUrl = /^https?:\/\//.test(source);
    const archive = isUrl ? undefined : readInput(source);
    const api = await engine();
    const progress = api.documents<ProgressDocument>("POST", "/images/create", {
      query: { fromSrc: isUrl ? source : "-", repo: reference, message, platform, changes: change },
      stream: archive,
      headers: { "Content-Type": "application/x-tar" },
    });
    await showProgress(progress, { quiet: false, to: "stdout" });
    return 0;
  },
});
