import { defineCommand } from "../command.ts";
import { containerBody } from "../container/container-body.ts";
import { containerOptions } from "../container/container-options.ts";
import { createContainer } from "../container/create-container.ts";
import { isEngineRefusal } from "../describe-failure.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "create",
  summary: "Make a new container without starting it",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["container create"],
  examples: [
    { command: "lighter create --name web -p 8080:80 my/web", meaning: "make a container to be started later" },
    {
      command: "lighter start -a $(lighter create busybox date)",
      meaning: "make one, then start it and see its output",
    },
  ],
  options: containerOptions,
  operands: { minimum: 1 },
  optionsFirst: true,
  failureStatus: (error) => (isEngineRefusal(error) ? null : 125),
  async run({ options, operands, engine }) {
    const [image = "", ...words] = operands;
    const body = containerBody(options, image, words);
    await print(await createContainer(await engine(), body, options));
    return 0;
  },
});
