import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { startOwnRegistry } from "../registry/own-registry.ts";
import { type BuildRequest, buildx, connectBuilder } from "./buildx.ts";
import { upgrade } from "./upgrade.ts";

let engine: TestEngine;
let directory: string;

beforeAll(async () => {
  engine = await startEngine({ env: { DOCKER_BUILDKIT: "0" } });
  directory = mkdtempSync(join(tmpdir(), "lighter-buildx-"));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await engine[Symbol.asyncDispose]();
});

test("clients learn what the builder is, and an upgrade that is none is refused", async () => {
  await using builder = await connectBuilder(engine.socket);
  const { record } = await builder.control.listWorkers({});
  expect(record.map(({ platforms }) => platforms.map(({ OS, Architecture }) => `${OS}/${Architecture}`))).toEqual([
    ["linux/amd64"],
  ]);
  expect((await builder.control.info({})).buildkitVersion?.version).toMatch(/^v0\.\d+\.\d+$/);
  // How buildx finds out whether there is a history of builds.
  for await (const event of builder.control.listenBuildHistory({ ActiveOnly: true, Ref: "none", EarlyExit: true })) {
    expect(event).toBeUndefined();
  }
  const ping = await fetch("http://docker/_ping", { unix: engine.socket });
  expect(ping.headers.get("builder-version")).toBe("2");
  await expect(upgrade(engine.socket, "/session")).rejects.toThrow("a session needs an id");
});

test("a Dockerfile with a syntax line becomes an image, without a network", async () => {
  const context = makeContext({
    Dockerfile: `# syntax=docker/dockerfile:1
FROM busybox AS build
WORKDIR /src
COPY a.txt .
RUN cat a.txt && tr a-z A-Z <a.txt >shout
FROM busybox
ARG GREETING
LABEL from=dockerfile
COPY --from=build /src/shout /shout
RUN echo "$GREETING" >/greeting
CMD ["cat", "/shout", "/greeting"]
`,
    "a.txt": "hello\n",
  });
  const { response, progress } = await build({
    context,
    attrs: { "build-arg:GREETING": "good day", "label:by": "client" },
    exporters: [{ Type: "moby", Attrs: { name: "made:1,made:2" } }],
  });
  const id = response["containerimage.digest"] ?? "";
  expect(response).toEqual({
    "containerimage.digest": id,
    "containerimage.config.digest": id,
    "image.name": "docker.io/library/made:1,docker.io/library/made:2",
  });
  expect((await engine.docker("run", "--rm", "made:2")).stdout).toBe("HELLO\ngood day\n");
  const { stdout } = await engine.docker("image", "inspect", "-f", "{{.Id}} {{json .Config.Labels}}", "made:1");
  expect(stdout.trim()).toBe(`${id} {"by":"client","from":"dockerfile"}`);
  expect(progress.output).toContain("hello\n");
  const names = [...progress.vertices.keys()];
  expect(names).toContain("[internal] load build definition from Dockerfile");
  expect(names).toContain("[build 4/4] RUN cat a.txt && tr a-z A-Z <a.txt >shout");
  expect(names).toContain("exporting to image");
  for (const { completed, error } of progress.vertices.values())
    expect([completed !== undefined, error]).toEqual([true, ""]);
  expect(progress.counters).toContain("transferring context:");
});

test("the second build is sent only what has changed, and takes the rest from the cache", async () => {
  const context = makeContext({
    Dockerfile: "FROM busybox\nCOPY big.bin /\nCOPY small.txt /\n",
    "big.bin": "x".repeat(300_000),
    "small.txt": "1",
    ".dockerignore": "secret*\n",
    "secret.key": "never sent",
  });
  const first = await build({ context });
  const sent = first.traffic.asked.filter(({ directory }) => directory === "context").map(({ path }) => path);
  expect(sent).toContain("big.bin");
  expect(sent).not.toContain("secret.key");
  writeFileSync(join(context, "small.txt"), "22");
  const second = await build({ context });
  expect(second.traffic.asked).toEqual([{ directory: "context", path: "small.txt" }]);
  expect(second.traffic.bytesSent.total).toBe(2);
  expect(second.progress.vertices.get("[2/3] COPY big.bin /")?.cached).toBe(true);
  expect(second.progress.vertices.get("[3/3] COPY small.txt /")?.cached).toBe(false);
  const third = await build({ context });
  expect(third.response["containerimage.digest"]).toBe(second.response["containerimage.digest"]);
});

test("a client that drives its build looks into the result, and may return something else or nothing", async () => {
  const context = makeContext({
    Dockerfile: "FROM scratch\nCOPY a d /x/\nCOPY l /l\n",
    a: "0123456789",
    "d/in": "",
    l: "l",
  });
  const seen: unknown[] = [];
  const { response } = await build({
    context,
    async inspect({ bridge, headers, ref }) {
      const file = await bridge.readFile({ Ref: ref, FilePath: "x/a" }, { headers });
      const part = await bridge.readFile(
        { Ref: ref, FilePath: "/x/a", Range: { Offset: 2n, Length: 3n } },
        { headers },
      );
      seen.push(...[file, part].map(({ Data }) => Buffer.from(Data).toString()));
      const { entries } = await bridge.readDir({ Ref: ref, DirPath: "/x" }, { headers });
      seen.push(entries.map(({ path, size }) => [path, size]));
      const { stat } = await bridge.statFile({ Ref: ref, Path: "." }, { headers });
      seen.push((stat?.mode ?? 0) >= 2 ** 31);
      const missing = await bridge.statFile({ Ref: ref, Path: "/nope" }, { headers }).catch((error: unknown) => error);
      const unknown = await bridge.evaluate({ Ref: "nothing" }, { headers }).catch((error: unknown) => error);
      seen.push(...[missing, unknown].map((error) => ConnectError.from(error).code));
      // The client's last word is the empty result: nothing is exported.
      await bridge.return({ result: {} }, { headers });
      return "returned";
    },
  });
  expect(seen).toEqual([
    "0123456789",
    "234",
    [
      ["a", 10n],
      ["in", 0n],
    ],
    true,
    Code.NotFound,
    Code.NotFound,
  ]);
  expect(response).toEqual({});
});

test("the Dockerfile may lie elsewhere; the ignore file is the context's, or the Dockerfile's own", async () => {
  const context = makeContext({ ".dockerignore": "secret\n", open: "o", secret: "s" });
  const elsewhere = makeContext({
    "at/Dockerfile": "FROM busybox\nCOPY . /all\nRUN ls -A /all\n",
    "at/Own.Dockerfile": "FROM busybox\nCOPY . /all\nRUN ls -A /all\n",
    "at/Own.Dockerfile.dockerignore": "open\n.dockerignore\n",
    "at/.dockerignore": "*\n",
  });
  const listing = async (filename: string) => {
    const { progress } = await build({ context, dockerfileDirectory: join(elsewhere, "at"), attrs: { filename } });
    return progress.output;
  };
  expect(await listing("Dockerfile")).toBe(".dockerignore\nopen\n");
  expect(await listing("Own.Dockerfile")).toBe("secret\n");
});

test("further directories of the client's, and images, are contexts by name", async () => {
  const context = makeContext({
    Dockerfile: "FROM base\nCOPY --from=more file /more\nRUN cat /more && test -x /bin/sh\n",
  });
  const { progress } = await build({
    context,
    contexts: { more: makeContext({ file: "from another directory\n" }) },
    attrs: { "context:more": "local:more", "context:base": "docker-image://busybox:latest" },
  });
  expect(progress.output).toBe("from another directory\n");
});

describe("outputs", () => {
  let context: string;
  beforeAll(() => {
    context = makeContext({
      Dockerfile: 'FROM scratch\nCOPY run.sh /bin/\nCOPY --link deep /deep\nENTRYPOINT ["/bin/run.sh"]\n',
      "run.sh": "#!/bin/sh\n",
      "deep/er/file": "below",
    });
  });

  test("a directory on the client's side has the files as they are in the image", async () => {
    const target = join(directory, "out");
    mkdirSync(target);
    await build({ context, exporters: [{ Type: "local", Attrs: {} }], outputs: [{ directory: target }] });
    expect(readdirSync(target, { recursive: true }).sort()).toEqual([
      "bin",
      "bin/run.sh",
      "deep",
      "deep/er",
      "deep/er/file",
    ]);
    expect(readFileSync(join(target, "deep/er/file"), "utf8")).toBe("below");
  });

  test("archives: of the files, in the OCI format and in Docker's", async () => {
    const files = ["files.tar", "oci.tar", "docker.tar"].map((name) => join(directory, name));
    await build({
      context,
      exporters: [
        { Type: "tar", Attrs: {} },
        { Type: "oci", Attrs: { name: "carried:oci" } },
        { Type: "docker", Attrs: { name: "carried:docker" } },
      ],
      outputs: files.map((file) => ({ file })),
    });
    const list = (file = "") => Bun.spawnSync(["tar", "tf", file]).stdout.toString();
    expect(list(files[0])).toContain("deep/er/file");
    expect(list(files[1])).toContain("oci-layout");
    expect((await engine.docker("images", "-q", "carried")).stdout).toBe("");
    expect((await engine.docker("load", "-i", files[2] ?? "")).stdout).toContain("Loaded image: carried:docker");
  });

  test("a registry, and the digest that the image has there", async () => {
    await using registry = await startOwnRegistry();
    const name = `${registry.host}/built/app:1`;
    const { response, progress } = await build({
      context,
      exporters: [{ Type: "moby", Attrs: { name, push: "true" } }],
    });
    const head = await fetch(`${registry.url}/v2/built/app/manifests/1`, { method: "HEAD" });
    expect(head.headers.get("docker-content-digest")).toBe(response["containerimage.digest"] ?? "none");
    expect(progress.counters).toContain(`pushing ${name}`);
    expect(await failure({ context, exporters: [{ Type: "moby", Attrs: { push: "true" } }] })).toContain(
      "needs a name",
    );
  });

  test("none, and one that there is not", async () => {
    expect((await build({ context, exporters: [] })).response).toEqual({});
    expect(await failure({ context, exporters: [{ Type: "nowhere", Attrs: {} }] })).toBe(
      'exporter "nowhere" could not be found',
    );
    expect(await failure({ context, exporters: [{ Type: "tar", Attrs: {} }] })).toContain("no such output");
  });
});

test("secrets reach the step that mounts them, and neither layer nor history", async () => {
  const context = makeContext({
    Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=key,required=true wc -c </run/secrets/key >/length\n",
  });
  await build({ context, secrets: { key: "s3cr3t-v4lue" }, exporters: [{ Type: "moby", Attrs: { name: "kept" } }] });
  expect((await engine.docker("run", "--rm", "kept", "cat", "/length")).stdout.trim()).toBe("12");
  const archive = join(directory, "kept.tar");
  await engine.docker("save", "-o", archive, "kept");
  expect(readFileSync(archive).includes("s3cr3t-v4lue")).toBe(false);
  expect(await failure({ context, attrs: { "no-cache": "" } })).toContain("secret key: not found");
});

test("a step that mounts the client's agent finds its socket; without one it fails", async () => {
  const path = join(directory, "agent.sock");
  const agent = createServer().listen(path);
  try {
    const context = makeContext({
      Dockerfile: 'FROM busybox\nRUN --mount=type=ssh,required=true test -S "$SSH_AUTH_SOCK" && echo "found it"\n',
    });
    const { progress } = await build({ context, agents: { default: path } });
    expect(progress.output).toContain("found it");
    expect(await failure({ context, attrs: { "no-cache": "" } })).toContain("unset ssh forward key default");
  } finally {
    agent.close();
  }
});

test("what builds keep is listed, and forgotten when told to", async () => {
  const context = makeContext({
    Dockerfile: "FROM busybox\nRUN --mount=type=cache,id=box,target=/c echo kept >/c/x\n",
  });
  await build({ context, exporters: [] });
  await using builder = await connectBuilder(engine.socket);
  const list = async (...filter: string[]) => (await builder.control.diskUsage({ filter })).record;
  expect((await list("type==exec.cachemount")).map(({ Description }) => Description)).toContain("cached mount box");
  expect((await list()).length).toBeGreaterThan(1);
  const pruned: string[] = [];
  for await (const { ID } of builder.control.prune({ all: true })) pruned.push(ID);
  expect(pruned.length).toBeGreaterThan(1);
  expect(await list()).toEqual([]);
  const again = await build({ context, exporters: [] });
  expect([...again.progress.vertices.values()].filter(({ cached }) => cached)).toEqual([]);
});

test("a check finds what is not as it should be, and builds nothing", async () => {
  const context = makeContext({ Dockerfile: "FROM busybox\nCMD echo no array\nrun false\n" });
  const answers: Record<string, string> = {};
  const { response, progress } = await build({
    context,
    attrs: { requestid: "frontend.lint", "frontend.caps": "moby.buildkit.frontend.subrequests+forward" },
    onAnswer: (metadata) => {
      for (const [name, bytes] of Object.entries(metadata)) answers[name] = Buffer.from(bytes).toString();
    },
  });
  const rules = JSON.parse(answers["result.json"] ?? "").warnings.map(({ ruleName }: { ruleName: string }) => ruleName);
  expect(rules.sort()).toEqual(["ConsistentInstructionCasing", "JSONArgsRecommended"]);
  expect(answers["result.statuscode"]).toBe("1");
  expect([response["containerimage.digest"], progress.warnings.length]).toEqual([undefined, 2]);
});

for (const example of ["hello", "static-site"]) {
  test(`the example ${example} has the same layers by either door`, async () => {
    const context = resolve(import.meta.dir, "../../examples", example);
    await build({ context, exporters: [{ Type: "moby", Attrs: { name: `${example}:buildkit` } }] });
    const classic = await engine.docker("build", "-t", `${example}:classic`, context);
    expect([classic.exitCode, classic.stderr]).toEqual([0, expect.any(String)]);
    const layers = async (tag: string) =>
      (await engine.docker("image", "inspect", "-f", "{{json .RootFS.Layers}}", `${example}:${tag}`)).stdout;
    expect(await layers("buildkit")).toStartWith('["sha256:');
    expect(await layers("buildkit")).toBe(await layers("classic"));
  });
}

describe("refusals", () => {
  const cases: readonly (readonly [string, Partial<BuildRequest>, string])[] = [
    ["a stage that there is not", { attrs: { target: "nope" } }, 'target stage "nope" could not be found'],
    [
      "a frontend that is an image",
      { frontend: "gateway.v0", attrs: { source: "example/front" } },
      "only docker/dockerfile is built in",
    ],
    ["a frontend that there is not", { frontend: "make.v0" }, "frontend make.v0 not found"],
    ["an entitlement that there is not", { entitlements: ["device"] }, "the entitlement device is not supported"],
    [
      "several platforms",
      { attrs: { platform: "linux/amd64,linux/arm64" } },
      "cannot build for several platforms at once",
    ],
    ["attestations", { attrs: { "attest:sbom": "" } }, "attestations are not supported"],
    [
      "a question instead of a build",
      { attrs: { requestid: "frontend.outline" } },
      "unsupported request frontend.outline",
    ],
  ];
  for (const [what, request, reason] of cases) {
    test(what, async () => {
      expect(await failure({ context: makeContext({ Dockerfile: "FROM busybox\n" }), ...request })).toContain(reason);
    });
  }

  test("a step that fails", async () => {
    const context = makeContext({ Dockerfile: "FROM busybox\nRUN echo about to fail; exit 7\n" });
    const error = ConnectError.from(await build({ context }).catch((thrown: unknown) => thrown));
    expect(error.rawMessage).toContain(
      'process "/bin/sh -c echo about to fail; exit 7" did not complete successfully: exit code: 7',
    );
    // With this the client shows the instruction in its file.
    const [detail] = error.details;
    if (!detail || !("type" in detail)) throw new Error("the error has no details");
    expect(detail.type).toBe("errdefs.Source+json");
    const { info, ranges } = JSON.parse(Buffer.from(detail.value).toString());
    expect([info.filename, atob(info.data), ranges]).toEqual([
      "Dockerfile",
      "FROM busybox\nRUN echo about to fail; exit 7\n",
      [{ start: { line: 2 }, end: { line: 2 } }],
    ]);
  });
});

test("a client that goes away ends its build at once", async () => {
  const context = makeContext({ Dockerfile: "FROM busybox\nRUN touch /started; sleep 1000\n" });
  const leaving = new AbortController();
  const building = buildx(engine.socket, {
    context,
    signal: leaving.signal,
    onProgress: ({ vertexes }) => {
      for (const { name, started } of vertexes) if (name.startsWith("[2/2]") && started) leaving.abort();
    },
  });
  const error = await building.catch((thrown: unknown) => ConnectError.from(thrown));
  expect(String(error)).toContain("abort");
  // The next build of the same step would wait for the one before it.
  await build({ context: makeContext({ Dockerfile: "FROM busybox\nRUN true\n" }) });
});

function build(request: BuildRequest) {
  return buildx(engine.socket, request);
}

async function failure(request: BuildRequest): Promise<string> {
  return build(request).then(
    () => "(succeeded)",
    (error: unknown) => ConnectError.from(error).rawMessage,
  );
}

function makeContext(files: Readonly<Record<string, string>>): string {
  const context = mkdtempSync(join(directory, "context-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(context, name)), { recursive: true });
    writeFileSync(join(context, name), content);
  }
  return context;
}
