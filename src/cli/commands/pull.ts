import { defineCommand } from "../command.ts";
import { pullImage, splitReference } from "../image/pull-image.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "pull",
  summary: "Fetch an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  aliases: ["image pull"],
  examples: [
    { command: "lighter pull busybox", meaning: "from Docker Hub" },
    { command: "lighter pull localhost:5000/my/web:2", meaning: "from a registry of one's own" },
    { command: "lighter pull --platform linux/arm64 busybox", meaning: "for another machine" },
  ],
  options: {
    "all-tags": flag("Fetch all tags of the repository", { short: "a" }),
    "disable-content-trust": flag("Accepted for compatibility; signatures are not looked at", { initial: true }),
    platform: text("Platform of the image, if it has several"),
    quiet: flag("Do not show progress", { short: "q" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [image = ""], engine }) {
    const { tag } = splitReference(image);
    const { quiet, platform, "all-tags": allTags } = options;
    if (allTags && tag !== "") throw new Error("tag can't be used with --all-tags/-a");
    if (!allTags && tag === "" && !quiet) await print("Using default tag: latest");
    await pullImage(await engine(), image, { platform, quiet, allTags, to: "stdout" });
    if (quiet) await print(image);
    return 0;
  },
});
