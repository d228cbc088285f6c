import { LighterError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { type Find, findAt, inspectObjects } from "../inspect-objects.ts";
import { flag, text } from "../option.ts";

/** In the order in which a name is looked for. */
const TYPES = ["container", "image", "network", "volume"] as const;
type ObjectType = (typeof TYPES)[number];

export const command = defineCommand({
  name: "inspect",
  summary: "Show everything about containers, images, networks or volumes",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  examples: [
    { command: "lighter inspect web", meaning: "as JSON" },
    { command: "lighter inspect -f '{{.State.Status}}' web", meaning: "one value" },
    { command: "lighter inspect -f '{{json .Config.Env}}' my/web", meaning: "a part, as JSON" },
  ],
  options: {
    format: text("json, or a Go template", { short: "f" }),
    size: flag("Show how much a container has written", { short: "s" }),
    type: text("Look only for: container, image, network or volume"),
  },
  operands: { minimum: 1 },
  async run({ options: { format, size, type }, operands, engine }) {
    const types = type === undefined ? TYPES : TYPES.filter((known) => known === type);
    if (types.length === 0) {
      const known = TYPES.map((name) => `"${name}"`).join(", ");
      throw new Error(`unknown type: "${type}": must be one of ${known}`);
    }
    const api = await engine();
    const finders: Readonly<Record<ObjectType, Find>> = {
      container: findAt(api, (name) => `/containers/${name}/json${size ? "?size=1" : ""}`),
      image: findAt(api, (name) => `/images/${name}/json`),
      network: findAt(api, (name) => `/networks/${name}`),
      volume: findAt(api, (name) => `/volumes/${name}`),
    };
    return inspectObjects(operands, format, async (name) => {
      for (const candidate of types) {
        try {
          return await finders[candidate](name);
        } catch (error) {
          const elsewhere = error instanceof LighterError && error.kind === "not-found" && types.length > 1;
          if (!elsewhere) throw error;
        }
      }
      throw new Error(`Error: No such object: ${name}`);
    });
  },
});
