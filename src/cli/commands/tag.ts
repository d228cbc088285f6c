import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "tag",
  summary: "Give an image another name",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  aliases: ["image tag"],
  examples: [{ command: "lighter tag my/web my/web:1.2", meaning: "the same image under a second name" }],
  options: {},
  operands: { minimum: 2, maximum: 2 },
  async run({ operands: [source = "", target = ""], engine }) {
    const [, repo = target, tag = ""] = /^(.+):([^:/]+)$/.exec(target) ?? [];
    const api = await engine();
    await api.send("POST", `/images/${encodeURIComponent(source)}/tag`, { query: { repo, tag } });
    return 0;
  },
});
