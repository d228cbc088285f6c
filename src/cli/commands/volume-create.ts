import { defineCommand } from "../command.ts";
import { collectLabels, parseLabel } from "../container/environment.ts";
import { list, map, text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "volume create",
  summary: "Make a volume",
  usage: "[OPTIONS] [VOLUME]",
  examples: [
    { command: "lighter volume create data", meaning: "with a name" },
    { command: "lighter volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch", meaning: "with options" },
  ],
  options: {
    driver: text("Driver of the volume", { short: "d", shownDefault: '"local"' }),
    label: list("Set a label", {}, parseLabel),
    opt: map("Option of the driver", { short: "o" }),
  },
  operands: { minimum: 0, maximum: 1 },
  async run({ options, operands: [Name = ""], engine }) {
    const api = await engine();
    const json = {
      Name,
      Driver: options.driver ?? "local",
      DriverOpts: options.opt,
      Labels: collectLabels([], options.label),
    };
    const volume = await api.json<{ Name: string }>("POST", "/volumes/create", { json });
    await print(volume.Name);
    return 0;
  },
});
