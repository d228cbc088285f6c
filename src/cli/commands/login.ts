import { registryOf, storeCredentials } from "../../client/registry-credentials.ts";
import { defineCommand } from "../command.ts";
import { flag, text } from "../option.ts";
import { print, printError, STDOUT, write } from "../output.ts";
import { openStdin } from "../streams/read-stdin.ts";

export const command = defineCommand({
  name: "login",
  summary: "Log in to a registry",
  usage: "[OPTIONS] [SERVER]",
  description:
    "What the registry accepts is kept where the docker CLI keeps it: in the credential helper that config.json names, or in that file.",
  examples: [
    {
      command: "lighter login -u bob --password-stdin registry.example < password",
      meaning: "from a file, as scripts should",
    },
    { command: "lighter login registry.example", meaning: "asking for name and password" },
  ],
  options: {
    password: text("Password or token", { short: "p" }),
    "password-stdin": flag("Read the password from standard input"),
    username: text("Name of the user", { short: "u" }),
  },
  operands: { minimum: 0, maximum: 1 },
  async run({ options, operands: [server = ""], engine }) {
    const fromStdin = options["password-stdin"];
    if (fromStdin && options.password !== undefined)
      throw new Error("--password and --password-stdin are mutually exclusive");
    if (fromStdin && options.username === undefined) throw new Error("Must provide --username with --password-stdin");
    if (options.password !== undefined) {
      await printError("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    }
    const username = options.username ?? (await ask("Username: "));
    const password = options.password ?? (fromStdin ? await readPassword() : await askSecret("Password: "));
    const api = await engine();
    const result = await api.json<{ Status: string; IdentityToken?: string }>("POST", "/auth", {
      json: { username, password, serveraddress: server },
    });
    const registry =
      server === "" ? "docker.io" : registryOf(`${server.replace(/^https?:\/\//, "").replace(/\/.*$/, "")}/`);
    const identitytoken = result.IdentityToken || undefined;
    await storeCredentials(registry, { username, password, identitytoken });
    await print(result.Status);
    return 0;
  },
});

async function readPassword(): Promise<string> {
  const read = openStdin();
  const decoder = new TextDecoder();
  let text = "";
  for (let piece = await read(); piece !== null; piece = await read()) text += decoder.decode(piece, { stream: true });
  return text.replace(/\r?\n$/, "");
}

async function ask(prompt: string): Promise<string> {
  await write(STDOUT, prompt);
  const read = openStdin();
  let line = "";
  while (!line.includes("\n")) {
    const typed = await read();
    if (typed === null) break;
    line += new TextDecoder().decode(typed);
  }
  const answer = line.split("\n", 1)[0]?.trim() ?? "";
  if (answer === "") throw new Error("username is empty");
  return answer;
}

/** Without showing what is typed. */
async function askSecret(prompt: string): Promise<string> {
  const { isTerminal, openRawTerminal } = await import("../streams/terminal.ts");
  if (!isTerminal(0)) throw new Error("Cannot perform an interactive login from a non TTY device");
  await write(STDOUT, prompt);
  using terminal = openRawTerminal();
  let secret = "";
  for (;;) {
    const typed = await terminal.read();
    for (const key of typed === null ? "\r" : new TextDecoder().decode(typed)) {
      if (key === "\u0003" || key === "\u0004") throw new Error("cancelled");
      if (key === "\r" || key === "\n") {
        await write(STDOUT, "\r\n");
        return secret;
      }
      secret = key === "\u007f" || key === "\b" ? secret.slice(0, -1) : secret + key;
    }
  }
}
