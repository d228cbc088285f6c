import { eraseCredentials } from "../../client/registry-credentials.ts";
import { defineCommand } from "../command.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "logout",
  summary: "Forget what is known of a registry",
  usage: "[SERVER]",
  examples: [{ command: "lighter logout registry.example", meaning: "the engine is not asked" }],
  options: {},
  operands: { minimum: 0, maximum: 1 },
  async run({ operands: [server = "https://index.docker.io/v1/"] }) {
    const known = await eraseCredentials(server);
    await print(known ? `Removing login credentials for ${server}` : `Not logged in to ${server}`);
    return 0;
  },
});
