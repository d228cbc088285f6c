import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { digestOf } from "../../src/image/digest.ts";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../src/image/media-types.ts";
import { familiarName } from "../../src/image/reference.ts";
import { openTestParts, type TestParts } from "./engine-parts.ts";
import { makeImage } from "./make-image.ts";
import { type MeddlingProxy, startMeddlingProxy } from "./meddling-proxy.ts";
import { type OwnRegistry, startOwnRegistry } from "./own-registry.ts";
import { pull, push, words } from "./transfer.ts";

let registry: OwnRegistry;
let proxy: MeddlingProxy;
let manifestDigest: string;
let layerDigests: string[];
let layerSizes: number[];

/** Three layers, one of them in each packing; the first is large enough to break off in. */
beforeAll(async () => {
  registry = await startOwnRegistry();
  proxy = await startMeddlingProxy(registry.url);
  await using parts = openTestParts();
  const { image } = await makeImage(parts, `${registry.host}/pull/image:1`, [
    { content: randomBytes(3_000_000), packing: "plain" },
    { content: randomBytes(20_000), packing: "gzip" },
    { content: randomBytes(20_000), packing: "zstd" },
  ]);
  await push(parts, `${registry.host}/pull/image:1`);
  manifestDigest = image.manifestDigest;
  const layers = parts.layers.stack(image.chainId);
  layerDigests = layers.map(({ blob }) => blob.digest);
  layerSizes = layers.map(({ blob }) => blob.sizeBytes);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.meddle = () => false;
  proxy.requests.length = 0;
});

const name = () => `${proxy.host}/pull/image:1`;
const isLayer = (index: number, url = "") => url.endsWith(layerDigests[index] ?? "?");

/** Nothing of a failed pull can be seen or takes part in anything. */
function expectNothing(parts: TestParts): void {
  expect(parts.images.list()).toEqual([]);
  expect(parts.layers.blobs.all()).toEqual([]);
  expect(readdirSync(join(parts.paths.root, "content", "blobs", "sha256"))).toEqual([]);
  expect(readdirSync(join(parts.paths.root, "content", "staging"))).toEqual([]);
}

test("an image comes whole, by tag and by digest, with Docker's words and the registry's bytes", async () => {
  await using parts = openTestParts();
  const seen = words(await pull(parts, name()));
  expect(seen[0]).toBe("Pulling from pull/image");
  expect(seen.filter((word) => word === "Pulling fs layer")).toHaveLength(3);
  expect(seen.filter((word) => word === "Pull complete")).toHaveLength(3);
  expect(seen.slice(-2)).toEqual([`Digest: ${manifestDigest}`, `Status: Downloaded newer image for ${name()}`]);
  const image = parts.images.resolve(name());
  expect(image.manifestDigest).toBe(manifestDigest as typeof image.manifestDigest);
  expect(parts.images.repoDigestsOf(image.id).map(familiarName)).toEqual([
    `${proxy.host}/pull/image@${manifestDigest}`,
  ]);
  expect(parts.images.resolve(`${proxy.host}/pull/image@${manifestDigest}`).id).toBe(image.id);
  expect(parts.emitted).toEqual([`pull ${name()}`]);
  expect(readdirSync(join(parts.paths.root, "content", "downloads"))).toEqual([]);
  expect(words(await pull(parts, name())).at(-1)).toBe(`Status: Image is up to date for ${name()}`);
  await pull(parts, `${proxy.host}/pull/image@${manifestDigest}`);
  expect(parts.images.tagsOf(image.id).map(familiarName)).toEqual([name()]);
});

test("all tags of a repository", async () => {
  await using parts = openTestParts();
  await pull(parts, `${proxy.host}/pull/image`);
  expect(parts.images.tagsIn(parts.images.tagsOf(parts.images.resolve(name()).id)[0] ?? never())).toHaveLength(1);
});

test.each([
  [
    "digest",
    (body: Buffer) => Buffer.concat([body.subarray(0, -1), Buffer.from([(body.at(-1) ?? 0) ^ 1])]),
    /filesystem layer verification failed for digest sha256:/,
  ],
  [
    "size, longer",
    (body: Buffer) => Buffer.concat([body, Buffer.from("more")]),
    /has \d+ bytes, but its manifest says/,
  ],
  ["size, shorter", (body: Buffer) => body.subarray(1), /has \d+ bytes, but its manifest says/],
] as const)("a registry that lies about a blob's %s is refused, and nothing is kept", async (_what, lie, message) => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, { status, headers, body }, response) => {
    if (!isLayer(1, url)) return false;
    const lied = lie(body);
    response.writeHead(status, { ...headers, "content-length": String(lied.length) }).end(lied);
    return true;
  };
  expect(pull(parts, name())).rejects.toThrow(message);
  await pull(parts, name()).catch(() => {});
  expectNothing(parts);
});

test("a body longer than announced, in pieces without a length, is refused", async () => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, { body }, response) => {
    if (!isLayer(1, url)) return false;
    response.writeHead(200);
    response.write(body);
    response.end("more");
    return true;
  };
  await expect(pull(parts, name())).rejects.toThrow("is longer than");
  expectNothing(parts);
});

test.each([
  ["the header's digest", { "docker-content-digest": digestOf("other") }, "manifest verification failed for digest"],
  ["the type", { "content-type": OCI_INDEX }, "manifest invalid"],
])("a manifest whose answer lies about %s is refused", async (_what, changed, message) => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, { status, headers, body }, response) => {
    if (!url?.includes("/manifests/")) return false;
    response.writeHead(status, { ...headers, ...changed }).end(body);
    return true;
  };
  await expect(pull(parts, name())).rejects.toThrow(message);
  expectNothing(parts);
});

test.each([
  ["another document by digest", () => "{}"],
  ["no JSON", () => "<html>"],
  ["a layer's size", (body: string) => body.replace(/"size":\d+\}\]/, '"size":1}]')],
  [
    "a layer too few",
    (body: string) => JSON.stringify({ ...JSON.parse(body), layers: JSON.parse(body).layers.slice(1) }),
  ],
  ["a config of another kind", (body: string) => body.replace("image.config", "chart.config")],
  ["a layer of another kind", (body: string) => body.replace("image.layer.v1.tar+zstd", "chart.layer")],
])("a manifest with %s is refused", async (_what, change) => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, { status, headers, body }, response) => {
    if (!url?.includes("/manifests/")) return false;
    const { "docker-content-digest": _, "content-length": __, ...rest } = headers;
    response.writeHead(status, rest).end(change(body.toString()));
    return true;
  };
  await expect(pull(parts, name())).rejects.toMatchObject({ kind: "invalid" });
  expectNothing(parts);
});

test("429, 500, broken connections and stalls pass; what has arrived is not asked for again", async () => {
  await using parts = openTestParts();
  const ranges: (string | undefined)[] = [];
  proxy.meddle = (incoming, { status, headers, body }, response, earlier) => {
    if (incoming.url?.includes("/manifests/") && earlier === 0) {
      response.writeHead(429, { "retry-after": "0" }).end();
      return true;
    }
    if (!isLayer(0, incoming.url)) return false;
    ranges.push(incoming.headers.range);
    switch (earlier) {
      case 0:
        response.writeHead(500).end();
        return true;
      case 1:
        response.writeHead(status, headers);
        response.write(body.subarray(0, 1_000_000), () => response.destroy());
        return true;
      case 2:
        // Stalls: the client gives up by itself.
        response.writeHead(status, headers);
        response.write(body.subarray(0, 500_000));
        return true;
      default:
        return false;
    }
  };
  await pull(parts, name(), { idleMs: 1_500 });
  const [first, second, third = "", fourth = ""] = ranges;
  expect([first, second, ranges.length]).toEqual([undefined, undefined, 4]);
  // A connection that is torn down may take its last bytes along.
  const [afterBreak, afterStall] = [third, fourth].map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
  expect(afterBreak).toBeWithin(1, 1_000_001);
  expect(afterStall).toBeWithin((afterBreak ?? 0) + 1, (afterBreak ?? 0) + 500_001);
  expect(parts.images.resolve(name()).manifestDigest).toBe(manifestDigest as never);
});

test("a registry that never stops failing is given up, with its own words", async () => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, _answer, response) => {
    if (!isLayer(1, url)) return false;
    response.writeHead(503).end('{"errors":[{"code":"UNAVAILABLE","message":"out for lunch"}]}');
    return true;
  };
  await expect(pull(parts, name())).rejects.toThrow("unavailable: out for lunch");
  expectNothing(parts);
});

test.each([
  ["its manifest", (url = "") => url.includes("/manifests/"), () => {}],
  ["a layer's head", (url = "") => isLayer(1, url), () => {}],
  [
    "the middle of a layer",
    (url = "") => isLayer(1, url),
    (response: ServerResponse, body: Buffer) => response.writeHead(200).write(body.subarray(0, 10)),
  ],
] as const)(
  "a registry that stalls for good at %s is given up, and the address told",
  async (_where, isThere, begin) => {
    await using parts = openTestParts();
    proxy.meddle = ({ url }, { body }, response) => {
      if (!isThere(url)) return false;
      begin(response, body);
      return true;
    };
    await expect(pull(parts, name(), { idleMs: 200 })).rejects.toThrow(
      new RegExp(`^Get "http://${proxy.host}/v2/pull/image/(?:manifests/1|blobs/sha256:\\w+)": .*(?:timeout|EOF)`),
    );
    expectNothing(parts);
  },
);

test("a manifest without end is refused before it fills anything", async () => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, _answer, response) => {
    if (!url?.includes("/manifests/")) return false;
    response.writeHead(200, { "content-type": OCI_INDEX });
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(1_000_000, " "), more);
    };
    more();
    return true;
  };
  await expect(pull(parts, name())).rejects.toThrow(/longer than \d+ bytes/);
  expectNothing(parts);
});

test("a registry that wants to be left alone for long is believed", async () => {
  await using parts = openTestParts();
  proxy.meddle = ({ url }, _answer, response) => {
    if (!url?.includes("/manifests/")) return false;
    response
      .writeHead(429, { "retry-after": "3600" })
      .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
    return true;
  };
  await expect(pull(parts, name())).rejects.toThrow("toomanyrequests: slow down");
});

test("a pull that is given up keeps what has arrived, and the next one continues it", async () => {
  await using parts = openTestParts();
  const gone = new AbortController();
  proxy.meddle = ({ url }, { status, headers, body }, response, earlier) => {
    if (!isLayer(0, url) || earlier > 0) return false;
    response.writeHead(status, headers);
    response.write(body.subarray(0, 2_000_000));
    return true;
  };
  const partial = join(parts.paths.root, "content", "downloads", (layerDigests[0] ?? "").slice(7));
  const given = pull(parts, name(), { abort: gone.signal }).catch((error) => error);
  while (!existsSync(partial) || statSync(partial).size < 2_000_000) await Bun.sleep(5);
  gone.abort(new Error("enough"));
  expect(await given).toMatchObject({ message: "enough" });
  expectNothing(parts);
  const ranges: (string | undefined)[] = [];
  proxy.meddle = ({ url, headers }) => {
    if (isLayer(0, url)) ranges.push(headers.range);
    return false;
  };
  await using again = parts.reopen();
  await pull(again, name());
  expect(ranges).toEqual(["bytes=2000000-"]);
  expect(again.images.resolve(name()).manifestDigest).toBe(manifestDigest as never);
});

test("a begun download that is damaged is found out and made anew", async () => {
  await using parts = openTestParts();
  const partial = join(parts.paths.root, "content", "downloads", (layerDigests[0] ?? "").slice(7));
  writeFileSync(partial, randomBytes(1_000_000));
  await pull(parts, name());
  expect(parts.images.resolve(name()).manifestDigest).toBe(manifestDigest as never);
  await using more = openTestParts();
  const longer = join(more.paths.root, "content", "downloads", (layerDigests[0] ?? "").slice(7));
  writeFileSync(longer, "");
  truncateSync(longer, (layerSizes[0] ?? 0) + 1);
  await pull(more, name());
  expect(more.images.resolve(name()).manifestDigest).toBe(manifestDigest as never);
});

test("a registry that ignores ranges is taken from the start", async () => {
  await using parts = openTestParts();
  proxy.meddle = (incoming, { headers, body }, response, earlier) => {
    if (!isLayer(0, incoming.url)) return false;
    if (earlier === 0) {
      response.writeHead(200, headers);
      response.write(body.subarray(0, 1_000_000), () => response.destroy());
      return true;
    }
    // What the registry cut out is put back.
    void fetch(`${registry.url}${incoming.url?.slice(1)}`).then(async (whole) => {
      response.writeHead(200).end(Buffer.from(await whole.arrayBuffer()));
    });
    return true;
  };
  await pull(parts, name());
  expect(parts.images.resolve(name()).manifestDigest).toBe(manifestDigest as never);
});

test("two pulls at once download each layer once", async () => {
  await using parts = openTestParts();
  await Promise.all([pull(parts, name()), pull(parts, name())]);
  for (const digest of layerDigests) {
    expect(proxy.requests.filter((request) => request.startsWith("GET") && request.endsWith(digest))).toHaveLength(1);
  }
});

test("of an index the image for the platform, and Docker's words where there is none", async () => {
  await using parts = openTestParts();
  const manifest = await (await fetch(`${registry.url}v2/pull/image/manifests/1`)).text();
  const entry = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [
      { ...entry, platform: { os: "unknown", architecture: "unknown" } },
      { ...entry, platform: { os: "linux", architecture: "amd64" } },
    ],
  });
  await fetch(`${registry.url}v2/pull/image/manifests/many`, {
    method: "PUT",
    body: index,
    headers: { "Content-Type": OCI_INDEX },
  });
  const seen = words(await pull(parts, `${proxy.host}/pull/image:many`, { platform: "linux/amd64" }));
  expect(seen.at(-2)).toBe(`Digest: ${digestOf(index)}`);
  const image = parts.images.resolve(`${proxy.host}/pull/image@${digestOf(index)}`);
  expect(image.manifestDigest).toBe(manifestDigest as never);
  await expect(pull(parts, `${proxy.host}/pull/image:many`, { platform: "linux/s390x" })).rejects.toMatchObject({
    kind: "not-found",
    message: "no matching manifest for linux/s390x in the manifest list entries",
  });
  await expect(pull(parts, name(), { platform: "linux/s390x" })).rejects.toThrow(
    "wanted linux/s390x, actual: linux/amd64",
  );
});

test("what is not there, and who is not there, in Docker's words", async () => {
  await using parts = openTestParts();
  await expect(pull(parts, `${registry.host}/pull/image:2`)).rejects.toMatchObject({
    kind: "not-found",
    message: `manifest for ${registry.host}/pull/image:2 not found: manifest unknown: manifest unknown`,
  });
  await expect(pull(parts, `${registry.host}/pull/none`)).rejects.toMatchObject({ kind: "not-found" });
  await expect(pull(parts, "127.0.0.1:1/x:1")).rejects.toMatchObject({
    kind: "internal",
    message: 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
  });
  expectNothing(parts);
});

test("a layer that the registry need not have comes from where the manifest says", async () => {
  await using source = openTestParts();
  const repository = `${registry.url}v2/foreign/image`;
  const { image } = await makeImage(source, "foreign:1", [{ content: randomBytes(5_000), packing: "gzip" }]);
  const [layer] = source.layers.stack(image.chainId);
  const elsewhere = Bun.serve({
    port: 0,
    fetch: () => new Response(Bun.file(source.content.path(layer?.blob.digest ?? never()))),
  });
  try {
    const config = source.content.readDocument(image.id);
    await fetch(`${repository}/blobs/uploads/?digest=${image.id}`, { method: "POST", body: Buffer.from(config) });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: { mediaType: "application/vnd.docker.container.image.v1+json", digest: image.id, size: config.length },
      layers: [
        {
          mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
          digest: layer?.blob.digest,
          size: layer?.blob.sizeBytes,
          urls: ["ftp://not.this.example/", `http://127.0.0.1:${elsewhere.port}/layer`],
        },
      ],
    });
    const headers = { "Content-Type": DOCKER_MANIFEST };
    expect((await fetch(`${repository}/manifests/1`, { method: "PUT", body: manifest, headers })).status).toBe(201);
    await using parts = openTestParts();
    await pull(parts, `${registry.host}/foreign/image:1`);
    const pulled = parts.images.resolve(`${registry.host}/foreign/image:1`);
    expect([pulled.id, pulled.manifestDigest]).toEqual([image.id, digestOf(manifest)]);
    // Other tools read the layout in place: it says what the manifest is.
    const index = JSON.parse(readFileSync(join(parts.paths.root, "content", "index.json"), "utf8"));
    expect(index.manifests[0].mediaType).toBe(DOCKER_MANIFEST);
    await push(parts, `${registry.host}/foreign/image:1`);
  } finally {
    await elsewhere.stop(true);
  }
});

test("a mirror is asked before Docker Hub", async () => {
  await using source = openTestParts();
  await makeImage(source, `${registry.host}/library/mirrored:1`, [{ content: randomBytes(100), packing: "gzip" }]);
  await push(source, `${registry.host}/library/mirrored:1`);
  await using parts = openTestParts();
  const settings = { insecure: [], mirrors: [new URL(registry.url)], certificates: [] };
  await pull(parts, "mirrored:1", { settings });
  expect(parts.images.resolve("mirrored:1").config.config?.Labels).toEqual({
    name: `${registry.host}/library/mirrored:1`,
  });
});

function never(): never {
  throw new Error("it has no name");
}
