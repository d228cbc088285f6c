import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes, randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Output, runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { openTestParts } from "./engine-parts.ts";
import { makeImage } from "./make-image.ts";
import { startReferenceRegistry, type TestRegistry } from "./reference-registry.ts";
import { serveRegistryCommand, writePasswords } from "./served-registry.ts";
import { push } from "./transfer.ts";

let engine: TestEngine;
let home: string;
let ours: TestRegistry;
let reference: TestRegistry;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "registry-home-"));
  [ours, reference] = await Promise.all([
    serveRegistryCommand("--htpasswd", await writePasswords(home), "--token"),
    startReferenceRegistry(),
  ]);
  engine = await startEngine({ env: { DOCKER_CONFIG: join(home, "docker") } });
}, 60_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await ours[Symbol.asyncDispose]();
  await reference[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const InspectSchema = z.array(z.looseObject({ Id: z.string(), RepoDigests: z.array(z.string()) }));

async function inspect(image: string) {
  const [document] = InspectSchema.parse(JSON.parse(await engine.expectDocker("image", "inspect", image)));
  if (!document) throw new Error(`${image} is not there`);
  return document;
}

function skopeo(...args: string[]): Promise<Output> {
  return runProgram(["skopeo", ...args], { env: process.env });
}

for (const client of ["docker", "lighter"] as const) {
  test(`${client}: log in, push, remove, pull, run, log out`, async () => {
    const call = (...args: string[]) => (client === "docker" ? engine.docker(...args) : engine.lighter(...args));
    const input = client === "docker" ? engine.dockerInput.bind(engine) : engine.lighterInput.bind(engine);
    const name = `${ours.host}/${client}/busybox:1`;
    await engine.expectDocker("tag", "busybox", name);
    const refused = await call("push", name);
    expect([refused.exitCode, refused.stdout + refused.stderr]).toEqual([
      1,
      expect.stringContaining("authentication required"),
    ]);
    const wrong = await input("wrong", "login", "-u", "bob", "--password-stdin", ours.host);
    expect(wrong.exitCode).toBe(1);
    const login = await input("secret", "login", "-u", "bob", "--password-stdin", ours.host);
    expect([login.exitCode, login.stdout]).toEqual([0, expect.stringContaining("Login Succeeded")]);
    const pushed = await call("push", name);
    expect(pushed.stdout + pushed.stderr).toContain("1: digest: sha256:");
    const before = await inspect(name);
    expect(before.RepoDigests.some((digest) => digest.startsWith(`${ours.host}/${client}/busybox@sha256:`))).toBe(true);
    await engine.expectDocker("rmi", name);
    const pulled = await call("pull", name);
    expect(pulled.stdout).toContain(`Status: Downloaded newer image for ${name}`);
    expect((await inspect(name)).Id).toBe(before.Id);
    expect(await engine.expectDocker("run", "--rm", name, "echo", "from the registry")).toBe("from the registry");
    const logout = await call("logout", ours.host);
    expect(logout.stdout).toContain("Removing login credentials");
    await engine.expectDocker("rmi", name);
    expect((await call("pull", name)).exitCode).toBe(1);
  }, 60_000);
}

test("docker's words for what is not there", async () => {
  const missing = await engine.docker("pull", `${reference.host}/nothing:1`);
  expect(missing.stderr).toContain(
    `Error response from daemon: manifest for ${reference.host}/nothing:1 not found: manifest unknown: manifest unknown`,
  );
  const away = await engine.docker("pull", "127.0.0.1:1/nothing:1");
  expect(away.stderr).toContain(
    'Error response from daemon: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
  );
});

test("40 layers go by skopeo from registry to registry, through the engine, and back, with one digest", async () => {
  await using parts = openTestParts();
  const name = `${reference.host}/many/layers:1`;
  const { image } = await makeImage(
    parts,
    name,
    Array.from({ length: 40 }, (_, index) => ({
      content: randomBytes(500 + index),
      packing: (["gzip", "plain", "zstd"] as const)[index % 3] ?? "gzip",
    })),
  );
  await push(parts, name);
  await using open = await serveRegistryCommand();
  const copied = await skopeo(
    "copy",
    // Otherwise it packs layers that are not.
    "--preserve-digests",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    `docker://${name}`,
    `docker://${open.host}/many/layers:1`,
  );
  expect(copied).toMatchObject({ exitCode: 0 });
  await engine.expectDocker("pull", "-q", `${open.host}/many/layers:1`);
  await engine.expectDocker("tag", `${open.host}/many/layers:1`, `${reference.host}/many/back:1`);
  await engine.expectDocker("push", "-q", `${reference.host}/many/back:1`);
  const seen = await skopeo(
    "inspect",
    "--tls-verify=false",
    "--format",
    "{{.Digest}}",
    `docker://${reference.host}/many/back:1`,
  );
  expect(seen.stdout.trim()).toBe(image.manifestDigest);
  const layout = join(home, "layout");
  const saved = await skopeo(
    "copy",
    // Otherwise it packs layers that are not.
    "--preserve-digests",
    "--src-tls-verify=false",
    `docker://${reference.host}/many/back:1`,
    `oci:${layout}:1`,
  );
  expect(saved).toMatchObject({ exitCode: 0 });
  const back = await skopeo(
    "copy",
    "--preserve-digests",
    "--dest-tls-verify=false",
    `oci:${layout}:1`,
    `docker://${open.host}/many/again:1`,
  );
  expect(back).toMatchObject({ exitCode: 0 });
  const again = await skopeo(
    "inspect",
    "--tls-verify=false",
    "--format",
    "{{.Digest}}",
    `docker://${open.host}/many/again:1`,
  );
  expect(again.stdout.trim()).toBe(image.manifestDigest);
}, 60_000);

test("a pull whose engine is killed twenty times at any moment still ends right", async () => {
  await using parts = openTestParts();
  const name = `${reference.host}/killed/image:1`;
  const layers = Array.from({ length: 6 }, () => ({ content: randomBytes(4_000_000), packing: "gzip" as const }));
  const { image } = await makeImage(parts, name, layers);
  await push(parts, name);
  await using victim = await startEngine({ busybox: false });
  for (let round = 0; round < 20; round++) {
    const pulling = victim.docker("pull", "-q", name);
    await Bun.sleep(randomInt(5, 250));
    await victim.kill9();
    await pulling;
    await victim.start();
  }
  await victim.expectDocker("pull", name);
  const [document] = InspectSchema.parse(JSON.parse(await victim.expectDocker("image", "inspect", name)));
  expect([document?.Id, document?.RepoDigests]).toEqual([
    image.id,
    [`${reference.host}/killed/image@${image.manifestDigest}`],
  ]);
  const saved = join(home, "saved.tar");
  await victim.expectDocker("save", "-o", saved, name);
  await victim.expectDocker("rmi", name);
  await victim.expectDocker("load", "-i", saved);
}, 120_000);
