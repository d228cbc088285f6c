import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eraseCredentials, findCredentials, registryOf, storeCredentials } from "./registry-credentials.ts";

let directory: string;
const before = { ...process.env };
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "docker-config-"));
  process.env.DOCKER_CONFIG = directory;
  process.env.PATH = `${directory}:${before.PATH}`;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  process.env.PATH = before.PATH;
  if (before.DOCKER_CONFIG === undefined) delete process.env.DOCKER_CONFIG;
  else process.env.DOCKER_CONFIG = before.DOCKER_CONFIG;
});

const write = (config: unknown) => writeFileSync(join(directory, "config.json"), JSON.stringify(config));
const read = () => JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
const base64 = (text: string) => Buffer.from(text).toString("base64");

test("names are looked up as the docker CLI writes them", async () => {
  write({
    auths: {
      "https://index.docker.io/v1/": { auth: base64("hub:one") },
      "https://old.example/v2/": { auth: base64("old:two:with:colons") },
      "token.example": { auth: base64("me:"), identitytoken: "long" },
    },
  });
  expect(await findCredentials("docker.io")).toMatchObject({ username: "hub", password: "one" });
  expect(await findCredentials("old.example")).toMatchObject({ username: "old", password: "two:with:colons" });
  expect(await findCredentials("token.example")).toMatchObject({ identitytoken: "long" });
  expect(await findCredentials("other.example")).toBeNull();
});

test("what is kept is for its owner alone, beside what was there", async () => {
  write({ HttpHeaders: { "X-Meta": "kept" } });
  await storeCredentials("registry.example:5000", { username: "bob", password: "secret" });
  expect(read()).toEqual({
    HttpHeaders: { "X-Meta": "kept" },
    auths: { "registry.example:5000": { auth: base64("bob:secret") } },
  });
  expect(statSync(join(directory, "config.json")).mode & 0o777).toBe(0o600);
  expect(await eraseCredentials("registry.example:5000")).toBe(true);
  expect(await eraseCredentials("registry.example:5000")).toBe(false);
  expect(read()).toEqual({ HttpHeaders: { "X-Meta": "kept" }, auths: {} });
});

test("helpers are asked, and told", async () => {
  const helper = join(directory, "docker-credential-vault");
  writeFileSync(
    helper,
    `#!/bin/sh
d="${directory}"
case "$1" in
get) s=$(cat); [ -f "$d/kept" ] || { echo "credentials not found in native keychain"; exit 1; }; cat "$d/kept" ;;
store) cat > "$d/kept" ;;
erase) rm "$d/kept" ;;
esac
`,
  );
  chmodSync(helper, 0o755);
  write({ credsStore: "nothing-here", credHelpers: { "vault.example": "vault" } });
  expect(await findCredentials("vault.example")).toBeNull();
  await storeCredentials("vault.example", { username: "bob", password: "secret" });
  expect(readFileSync(join(directory, "config.json"), "utf8")).not.toContain(base64("bob:secret"));
  expect(await findCredentials("vault.example")).toEqual({
    serveraddress: "vault.example",
    username: "bob",
    password: "secret",
  });
  await storeCredentials("vault.example", { username: "bob", identitytoken: "long" });
  expect(await findCredentials("vault.example")).toEqual({ serveraddress: "vault.example", identitytoken: "long" });
  await eraseCredentials("vault.example");
  expect(existsSync(join(directory, "kept"))).toBe(false);
  expect(findCredentials("other.example")).rejects.toThrow("cannot run docker-credential-nothing-here");
});

test("a file that does not read is named", () => {
  writeFileSync(join(directory, "config.json"), "{");
  expect(findCredentials("docker.io")).rejects.toThrow(`cannot read ${join(directory, "config.json")}`);
});

test.each([
  ["busybox", "docker.io"],
  ["me/busybox:1", "docker.io"],
  ["localhost/busybox", "localhost"],
  ["registry.example:5000/a/b@sha256:0", "registry.example:5000"],
  ["index.docker.io/a", "docker.io"],
])("%s is at %s", (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});
