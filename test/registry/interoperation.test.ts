import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errnoOf } from "../../src/base/errors.ts";
import { runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { startReferenceRegistry, type TestRegistry } from "./reference-registry.ts";
import { serveRegistryCommand, writePasswords } from "./served-registry.ts";

let home: string;
let engine: TestEngine;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "interoperation-"));
  mkdirSync(join(home, "empty"));
  engine = await startEngine({ env: { DOCKER_CONFIG: join(home, "docker") } });
}, 60_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await tool(["podman", ...storage(), "rmi", "--all", "--force"]);
  removePodmansGroups();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** podman and buildah keep what they have here, each file a copy: no mounts. */
function storage(): string[] {
  return ["--root", join(home, "storage"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
}

const PODMAN = ["--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc"];
/** podman raises these two to more than a machine of tests may have. */
const LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];

/** What a program prints; that it fails is a failure of the test. */
async function tool(command: readonly string[], input?: string): Promise<string> {
  const env = { ...process.env, REGISTRY_AUTH_FILE: join(home, "auth.json") };
  const { exitCode, stdout, stderr } = await runProgram(command, { env, input });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
  return stdout.trim();
}

const podman = (...words: string[]) => tool(["podman", ...storage(), ...PODMAN, ...words]);
const buildah = (...words: string[]) => tool(["buildah", ...storage(), ...words]);
const skopeo = (...words: string[]) => tool(["skopeo", ...words]);

function digestAt(image: string): Promise<string> {
  return skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`);
}

async function digestsHere(image: string): Promise<string> {
  return engine.expectDocker("image", "inspect", "--format", '{{join .RepoDigests " "}}', image);
}

/** The groups that podman makes and leaves: empty ones, for each controller. */
function removePodmansGroups(): void {
  for (const controller of readdirSync("/sys/fs/cgroup")) {
    for (const group of ["libpod_parent/conmon", "libpod_parent"]) {
      try {
        rmdirSync(join("/sys/fs/cgroup", controller, group));
      } catch (error) {
        // Not there, or another podman's.
        if (!["ENOENT", "ENOTDIR", "EBUSY", "EPERM"].includes(errnoOf(error) ?? "")) throw error;
      }
    }
  }
}

const REGISTRIES: readonly { name: string; start: (htpasswd: string) => Promise<TestRegistry> }[] = [
  { name: "docker-registry", start: (htpasswd) => startReferenceRegistry({ htpasswd }) },
  { name: "ours, passwords", start: (htpasswd) => serveRegistryCommand("--htpasswd", htpasswd) },
  { name: "ours, tokens", start: (htpasswd) => serveRegistryCommand("--htpasswd", htpasswd, "--token") },
];

describe.each(REGISTRIES)("$name", ({ start }) => {
  let registry: TestRegistry;
  let ours: string;
  let digest: string;

  beforeAll(async () => {
    registry = await start(await writePasswords(home));
    ours = `${registry.host}/by/docker:1`;
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  test("lets each client in with its password, and no other", async () => {
    const login = ["login", "--username", "bob", "--password-stdin"];
    const wrong = await engine.dockerInput("wrong", ...login, registry.host);
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringMatching(/unauthorized/i)]);
    expect((await engine.dockerInput("secret", ...login, registry.host)).stdout).toContain("Login Succeeded");
    for (const client of [["podman", ...storage()], ["buildah"], ["skopeo"]]) {
      const words = [...client, ...login, "--tls-verify=false", registry.host];
      await expect(tool(words, "wrong")).rejects.toThrow(/invalid username\/password|unauthorized/);
      expect(await tool(words, "secret")).toContain("Login Succeeded!");
    }
  });

  test("has what docker and lighter push under one digest, which skopeo keeps", async () => {
    await engine.expectDocker("tag", "busybox", ours);
    digest = /digest: (sha256:[0-9a-f]{64}) /.exec(await engine.expectDocker("push", ours))?.[1] ?? "";
    expect(await digestAt(ours)).toBe(digest);
    const again = `${registry.host}/by/lighter:1`;
    await engine.expectLighter("tag", "busybox", again);
    expect(await engine.expectLighter("push", again)).toContain(`1: digest: ${digest} `);
    const copy = `${registry.host}/by/skopeo:1`;
    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    await skopeo("copy", "-q", ...plain, `docker://${ours}`, `docker://${copy}`);
    expect(await digestAt(copy)).toBe(digest);
    await engine.expectDocker("pull", "-q", copy);
    expect(await digestsHere(copy)).toContain(`${registry.host}/by/skopeo@${digest}`);
  });

  test("gives our image to podman, which runs it with runc", async () => {
    await podman("pull", "-q", "--tls-verify=false", ours);
    expect(await podman("image", "inspect", "--format", "{{.Digest}}", ours)).toBe(digest);
    const run = ["run", "--rm", "--network", "none", ...LIMITS];
    expect(await podman(...run, ours, "echo", "in podman")).toBe("in podman");
  });

  test("has images made by podman, buildah and skopeo, that run here", async () => {
    const name = (client: string) => `${registry.host}/made/by-${client}:1`;
    const noTls = "--tls-verify=false";

    const container = await buildah("from", "--pull-never", ours);
    await buildah("copy", "-q", container, await file("buildah was here"), "/made");
    await buildah("config", "--cmd", "cat /made", container);
    await buildah("commit", "-q", "--rm", container, name("buildah"));
    await buildah("push", "-q", noTls, "--digestfile", join(home, "digest"), name("buildah"));
    await expectRuns(name("buildah"), readFileSync(join(home, "digest"), "utf8"), "buildah was here");

    const dockerfile = `FROM ${ours}\nCOPY made /made\nCMD ["cat", "/made"]\n`;
    const context = await directory({ Dockerfile: dockerfile, made: "podman was here" });
    await podman("build", "-q", "--pull-never", "--isolation", "chroot", "-t", name("podman"), context);
    await podman("push", "-q", noTls, "--digestfile", join(home, "digest"), name("podman"));
    await expectRuns(name("podman"), readFileSync(join(home, "digest"), "utf8"), "podman was here");

    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2"];
    await skopeo("copy", "-q", ...plain, `docker://${name("podman")}`, `docker://${name("skopeo")}`);
    await expectRuns(name("skopeo"), await digestAt(name("skopeo")), "podman was here");
  }, 60_000);

  async function expectRuns(image: string, pushed: string, says: string): Promise<void> {
    expect(await digestAt(image)).toBe(pushed);
    expect(await engine.expectDocker("run", "--rm", image)).toBe(says);
    expect(await digestsHere(image)).toContain(image.replace(/:1$/, `@${pushed}`));
  }
});

test("podman loads what we save, several images at once, and we load what it saves, in both of its forms", async () => {
  const context = await directory({ Dockerfile: "FROM busybox\nRUN echo 1 > /kept; echo 2 > /gone\nRUN rm /gone\n" });
  await engine.expectLighter("build", "-q", "-t", "saved", context);
  const ours = join(home, "ours.tar");
  await engine.expectLighter("save", "-o", ours, "saved", "busybox");
  const ids = (name: string) => engine.expectDocker("image", "inspect", "--format", "{{.Id}}", name);
  const [saved, busybox] = [await ids("saved"), await ids("busybox")];
  const loaded = await podman("load", "-i", ours);
  expect([loaded.includes("localhost/saved:latest"), loaded.includes("localhost/busybox:latest")]).toEqual([
    true,
    true,
  ]);
  expect(`sha256:${await podman("image", "inspect", "--format", "{{.Id}}", "saved")}`).toBe(saved);
  for (const [index, options] of [
    ["--format", "docker-archive", "--multi-image-archive", "localhost/saved", "localhost/busybox"],
    ["--format", "oci-archive", "localhost/saved"],
  ].entries()) {
    const theirs = join(home, `theirs-${index}.tar`);
    await podman("save", "-q", "-o", theirs, ...options);
    expect(await engine.expectDocker("load", "-i", theirs)).toContain("Loaded image: localhost/saved:latest");
    const list = await engine.expectDocker("run", "--rm", "localhost/saved", "sh", "-c", "cat /kept; ls /gone || true");
    expect(list).toBe("1");
  }
  expect(await ids("localhost/busybox")).toBe(busybox);
  await skopeo("copy", "-q", `docker-archive:${ours}:saved:latest`, `oci:${home}/from-ours:1`);
}, 60_000);

test("skopeo takes an image of 40 layers out of the engine and brings it in again, in each of its ways", async () => {
  const steps = Array.from({ length: 40 }, (_, index) => `RUN echo ${index} > /layer-${index}`);
  const context = await directory({ Dockerfile: ["FROM busybox", ...steps, ""].join("\n") });
  await engine.expectLighter("build", "-q", "-t", "many", context);
  const [from, to] = [
    ["--src-daemon-host", `unix://${engine.socket}`],
    ["--dest-daemon-host", `unix://${engine.socket}`],
  ];
  const layers = () => engine.expectDocker("image", "inspect", "--format", "{{json .RootFS.Layers}}", "many");
  const before = await layers();
  expect(JSON.parse(before)).toHaveLength(41);
  for (const [index, place] of [`oci:${home}/many-oci:1`, `docker-archive:${home}/many.tar:many:1`].entries()) {
    await skopeo("copy", "-q", ...(from ?? []), "docker-daemon:many:latest", place);
    await engine.expectDocker("rmi", "many");
    await skopeo("copy", "-q", ...(to ?? []), place.replace(/\.tar:.*$/, ".tar"), "docker-daemon:many:latest");
    expect([index, await layers()]).toEqual([index, before]);
    expect(await engine.expectDocker("run", "--rm", "many", "cat", "/layer-39")).toBe("39");
  }
}, 120_000);

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const path = mkdtempSync(join(home, "files-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

async function file(content: string): Promise<string> {
  return join(await directory({ made: content }), "made");
}
