import { LighterError } from "../../base/errors.ts";
import type { Api } from "../../client/api.ts";
import type { RolledBackImage } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { shortImageId } from "../image/image-list.ts";
import { flag } from "../option.ts";
import { print, printError } from "../output.ts";

export const command = defineCommand({
  name: "rollback",
  summary: "Go back to an earlier layer of an image's name or of a container",
  usage: "[OPTIONS] IMAGE|CONTAINER [PLACE]",
  description: `PLACE is a number of layers to go back (1 if it is left out), '+' and a number of layers to go forward again, at least
four digits of a layer's digest, or an entry of the reflog: @{1} undoes the last move.

An image's name comes to stand for the image without its newest layers; the image itself stays. A container loses what it
wrote since, and keeps its name, its configuration and its volumes; what it loses is an entry of its reflog. A commit is a
layer of the container; one that was never committed goes back from what it wrote to its image first.`,
  examples: [
    { command: "lighter rollback my/web", meaning: "take the newest layer away" },
    { command: "lighter rollback my/web 2", meaning: "take two" },
    { command: "lighter rollback my/web 3fa8c1", meaning: "to the layer whose digest begins so" },
    { command: "lighter rollback my/web @{1}", meaning: "undo what last moved the name" },
    { command: "lighter rollback --restart db", meaning: "stop a container, take it one commit back, start it" },
    { command: "lighter rollback db +1", meaning: "and forward again" },
  ],
  options: {
    container: flag("Take the name for a container's"),
    image: flag("Take the name for an image's"),
    quiet: flag("Show only the image's ID", { short: "q" }),
    restart: flag("Stop a running container first, and start it again"),
  },
  operands: { minimum: 1, maximum: 2 },
  async run({ options, operands: [name = "", to = "1"], engine }) {
    const api = await engine();
    const kind = options.container ? "containers" : options.image ? "images" : await kindOf(api, name);
    const query = { to, restart: options.restart ? 1 : undefined };
    const path = `/lighter/${kind}/${encodeURIComponent(name)}/rollback`;
    const result = await api.json<RolledBackImage>("POST", path, { query });
    if (options.quiet) {
      await print(result.Id);
      return 0;
    }
    await print(`${name}: ${shortImageId(result.Previous)} -> ${shortImageId(result.Id)} (${result.Layers} layers)`);
    if (result.KeptConfig.length > 0) {
      await printError(
        `The history does not tell wholly what these were, the rest is as before: ${result.KeptConfig.join(", ")}`,
      );
    }
    return 0;
  },
});

/** What a name stands for. One that both have is refused: a guess could take away the wrong thing. */
async function kindOf(api: Api, name: string): Promise<"containers" | "images"> {
  const path = encodeURIComponent(name);
  const [container, image] = await Promise.all([
    exists(api, `/containers/${path}/json`),
    exists(api, `/images/${path}/json`),
  ]);
  if (container && image) throw new Error(`${name} is an image and a container: say --image or --container`);
  return container ? "containers" : "images";
}

async function exists(api: Api, path: string): Promise<boolean> {
  try {
    await api.send("GET", path);
    return true;
  } catch (error) {
    // A container's name need not be one that an image could have.
    if (error instanceof LighterError && (error.kind === "not-found" || error.kind === "invalid")) return false;
    throw error;
  }
}
