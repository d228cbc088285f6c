import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "rename",
  summary: "Give a container another name",
  usage: "CONTAINER NEW_NAME",
  aliases: ["container rename"],
  examples: [{ command: "lighter rename quirky_hopper web", meaning: "choose a name later" }],
  options: {},
  operands: { minimum: 2, maximum: 2 },
  async run({ operands: [name = "", newName = ""], engine }) {
    const api = await engine();
    await api.send("POST", `/containers/${encodeURIComponent(name)}/rename`, { query: { name: newName } });
    return 0;
  },
});
