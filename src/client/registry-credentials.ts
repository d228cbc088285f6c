import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { errnoOf, fail, LighterError, messageOf } from "../base/errors.ts";

/** Docker's AuthConfig, as `X-Registry-Auth` carries it. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly serveraddress?: string;
  /** In place of a password, from registries that give one out at login. */
  readonly identitytoken?: string;
}

/** How Docker Hub is called in the file, since before registries had versions. */
const HUB_KEY = "https://index.docker.io/v1/";
/** The user's name with which helpers mark a secret that is an identity token. */
const TOKEN_USER = "<token>";

type Config = Readonly<Record<string, unknown>>;

/** The header with what is known of the registry that an image's name speaks of. @throws as {@link findCredentials} */
export async function registryAuthHeader(image: string): Promise<Readonly<Record<string, string>>> {
  const auth = await findCredentials(registryOf(image));
  return { "X-Registry-Auth": Buffer.from(JSON.stringify(auth ?? {})).toString("base64url") };
}

/**
 * What the docker CLI's own `config.json` (in `$DOCKER_CONFIG` or ~/.docker) and its helpers know of a registry.
 * @param registry `docker.io` or a host, as images are named. @throws invalid `DOCKER_CONFIG` for a file that does not
 *   read; internal `CREDENTIAL_HELPER` for a helper that fails.
 */
export async function findCredentials(registry: string): Promise<RegistryAuth | null> {
  const config = readConfig();
  const key = keyOf(registry);
  const helper = helperFor(config, key);
  if (helper !== null) return fromHelper(helper, key);
  const auths = record(config.auths);
  const name = Object.keys(auths).find((entry) => entry === key || hostOf(entry) === hostOf(key));
  if (name === undefined) return null;
  const entry = record(auths[name]);
  const [username = "", ...password] = Buffer.from(text(entry.auth), "base64").toString().split(":");
  const identitytoken = text(entry.identitytoken);
  return {
    username: username || text(entry.username),
    serveraddress: key,
    ...(identitytoken ? { identitytoken } : { password: password.join(":") || text(entry.password) }),
  };
}

/** Keeps what a login has proved, where the file says that it belongs: a helper, or the file itself (for its owner alone). */
export async function storeCredentials(registry: string, auth: RegistryAuth): Promise<void> {
  const config = readConfig();
  const key = keyOf(registry);
  const { username = "", password = "", identitytoken } = auth;
  const helper = helperFor(config, key);
  if (helper !== null) {
    const entry = identitytoken
      ? { ServerURL: key, Username: TOKEN_USER, Secret: identitytoken }
      : { ServerURL: key, Username: username, Secret: password };
    await runHelper(helper, "store", JSON.stringify(entry));
    writeConfig({ ...config, auths: { ...record(config.auths), [key]: {} } });
    return;
  }
  const encoded = Buffer.from(`${username}:${identitytoken ? "" : password}`).toString("base64");
  const entry = { auth: encoded, ...(identitytoken && { identitytoken }) };
  writeConfig({ ...config, auths: { ...record(config.auths), [key]: entry } });
}

/** @returns whether anything was known. */
export async function eraseCredentials(registry: string): Promise<boolean> {
  const known = (await findCredentials(registry)) !== null;
  const config = readConfig();
  const key = keyOf(registry);
  const helper = helperFor(config, key);
  if (helper !== null && known) await runHelper(helper, "erase", key);
  const auths = Object.entries(record(config.auths)).filter(([name]) => hostOf(name) !== hostOf(key));
  if (known) writeConfig({ ...config, auths: Object.fromEntries(auths) });
  return known;
}

/** `docker.io` for names without a host (distribution's reference grammar). */
export function registryOf(image: string): string {
  const slash = image.indexOf("/");
  const first = slash < 0 ? "" : image.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  return isHost && first !== "index.docker.io" ? first : "docker.io";
}

function keyOf(registry: string): string {
  return ["docker.io", "index.docker.io", "registry-1.docker.io", ""].includes(hostOf(registry))
    ? HUB_KEY
    : hostOf(registry);
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function helperFor(config: Config, key: string): string | null {
  const name = text(record(config.credHelpers)[key]) || text(config.credsStore);
  // It becomes a program's name.
  return /^[A-Za-z0-9_.-]+$/.test(name) ? `docker-credential-${name}` : null;
}

async function fromHelper(helper: string, key: string): Promise<RegistryAuth | null> {
  const { code, output } = await spawnHelper(helper, "get", key);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return null;
    return fail("internal", "CREDENTIAL_HELPER", `${helper} failed: ${output.trim() || `exit code ${code}`}`);
  }
  const answer = record(parseJson(output));
  const [username, secret] = [text(answer.Username), text(answer.Secret)];
  return username === TOKEN_USER
    ? { serveraddress: key, identitytoken: secret }
    : { serveraddress: key, username, password: secret };
}

async function runHelper(helper: string, action: "store" | "erase", input: string): Promise<void> {
  const { code, output } = await spawnHelper(helper, action, input);
  if (code !== 0) fail("internal", "CREDENTIAL_HELPER", `${helper} failed: ${output.trim() || `exit code ${code}`}`);
}

/** One question on standard input, one answer on standard output (docker-credential-helpers' protocol). */
function spawnHelper(helper: string, action: string, input: string): Promise<{ code: number | null; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; output: string }>();
  const child = spawn(helper, [action], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (piece: Buffer) => {
    output += piece;
  });
  child.once("error", (cause) => {
    const message = `cannot run ${helper}, which Docker's config.json names: ${messageOf(cause)}`;
    reject(new LighterError("internal", "CREDENTIAL_HELPER", message, { cause }));
  });
  child.once("close", (code) => resolve({ code, output }));
  // One that answers without reading has closed its end: its answer tells.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return promise;
}

function configPath(): string {
  return join(process.env.DOCKER_CONFIG || join(homedir(), ".docker"), "config.json");
}

function readConfig(): Config {
  const path = configPath();
  try {
    return record(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return {};
    return fail("invalid", "DOCKER_CONFIG", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** What we do not know in the file stays as it is; a reader sees the old file or the new one. */
function writeConfig(config: Config): void {
  const path = configPath();
  const temporary = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(temporary, `${JSON.stringify(config, null, "\t")}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Then it holds nothing.
    return {};
  }
}

function record(value: unknown): Config {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
