import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from "../../src/image/media-types.ts";
import { checkLogin } from "../../src/registry/client/login.ts";
import { collectGarbage } from "../../src/registry/server/collect-garbage.ts";
import { openStorage } from "../../src/registry/server/registry-storage.ts";
import { runProgram } from "../harness/program.ts";
import { openTestParts } from "./engine-parts.ts";
import { makeImage } from "./make-image.ts";
import { startMeddlingProxy } from "./meddling-proxy.ts";
import { startOwnRegistry } from "./own-registry.ts";
import { pull, push, words } from "./transfer.ts";

const BOB = { kind: "basic", username: "bob", password: "secret" } as const;
const SETTINGS = { insecure: [], mirrors: [], certificates: [] };

/** A password file with bob in it. */
async function passwordFile(directory: string): Promise<string> {
  const path = join(directory, "htpasswd");
  writeFileSync(path, `# people\nbob:${await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })}\n`);
  return path;
}

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "registry-scratch-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function upload(url: string, repository: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> {
  const target = `${url}v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`;
  return fetch(target, { method: "POST", body: bytes, headers: { "Content-Type": "application/octet-stream" } });
}

async function uploadImage(url: string, repository: string, tag: string): Promise<{ layer: string; manifest: string }> {
  const [config, layer] = [Buffer.from("{}"), randomBytes(1000)];
  for (const blob of [config, layer]) await upload(url, repository, blob);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: OCI_LAYER, digest: digestOf(layer), size: layer.length }],
  });
  const headers = { "Content-Type": OCI_MANIFEST };
  await fetch(`${url}v2/${repository}/manifests/${tag}`, { method: "PUT", body: manifest, headers });
  return { layer: digestOf(layer), manifest: digestOf(manifest) };
}

for (const kind of ["password", "own-tokens"] as const) {
  test(`with ${kind}, strangers are kept out, and bob may do all`, async () => {
    using files = scratch();
    const access = { kind, htpasswd: await passwordFile(files.path), anonymousPull: false };
    await using registry = await startOwnRegistry({ access });
    await using parts = openTestParts();
    const name = `${registry.host}/bobs/image:1`;
    await makeImage(parts, name, [{ content: randomBytes(1000), packing: "gzip" }]);
    await expect(push(parts, name)).rejects.toMatchObject({ kind: "unauthorized" });
    await expect(push(parts, name, { auth: { ...BOB, password: "wrong" } })).rejects.toMatchObject({
      kind: "unauthorized",
    });
    await push(parts, name, { auth: BOB });
    await using other = openTestParts();
    await expect(pull(other, name)).rejects.toMatchObject({
      code: kind === "password" ? "NO_CREDENTIALS" : "UNAUTHORIZED",
    });
    await pull(other, name, { auth: BOB });
    expect(other.images.resolve(name).id).toBe(parts.images.resolve(name).id);
    const signal = new AbortController().signal;
    const login = await checkLogin(registry.host, BOB, { settings: SETTINGS, signal });
    expect(login.Status).toBe("Login Succeeded");
    if (kind === "own-tokens") {
      // The token takes the password's place.
      await using third = openTestParts();
      await pull(third, name, { auth: { kind: "identity", username: "bob", token: login.IdentityToken } });
      expect(third.images.list()).toHaveLength(1);
    }
    await expect(
      checkLogin(registry.host, { ...BOB, password: "x" }, { settings: SETTINGS, signal }),
    ).rejects.toMatchObject({
      kind: "unauthorized",
    });
  });
}

test("strangers may read, and no more, where that is allowed", async () => {
  using files = scratch();
  const access = { kind: "own-tokens", htpasswd: await passwordFile(files.path), anonymousPull: true } as const;
  await using registry = await startOwnRegistry({ access });
  await using parts = openTestParts();
  const name = `${registry.host}/public/image:1`;
  await makeImage(parts, name, [{ content: randomBytes(1000), packing: "gzip" }]);
  await push(parts, name, { auth: BOB });
  await using stranger = openTestParts();
  await pull(stranger, name);
  await expect(push(stranger, name)).rejects.toMatchObject({ kind: "unauthorized" });
});

test("a token for one repository does not open another, and no mount leads around that", async () => {
  using files = scratch();
  const access = { kind: "own-tokens", htpasswd: await passwordFile(files.path), anonymousPull: false } as const;
  await using registry = await startOwnRegistry({ access });
  const basic = `Basic ${Buffer.from("bob:secret").toString("base64")}`;
  const answer = await fetch(`${registry.url}token?service=lighter-registry&scope=repository:a/b:pull,push`, {
    headers: { Authorization: basic },
  });
  const { token } = z.object({ token: z.string() }).parse(await answer.json());
  const as = (bearer: string, path: string, method = "GET") =>
    fetch(`${registry.url}${path}`, { method, headers: { Authorization: `Bearer ${bearer}` } });
  expect((await as(token, "v2/a/b/tags/list")).status).toBe(404);
  expect((await as(token, "v2/c/d/tags/list")).status).toBe(401);
  expect((await as(token, "v2/a/b/manifests/x", "DELETE")).status).toBe(401);
  const mount = await as(token, `v2/a/b/blobs/uploads/?mount=${digestOf("x")}&from=c/d`, "POST");
  expect(mount.status).toBe(202);
  const [head = "", body = "", signature = ""] = token.split(".");
  const none = Buffer.from('{"typ":"JWT","alg":"none"}').toString("base64url");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const more = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1 })).toString("base64url");
  for (const forged of [
    `${none}.${body}.`,
    `${head}.${more}.${signature}`,
    `${head}.${body}`,
    `${head}.${body}.AAAA`,
    "x",
  ]) {
    expect((await as(forged, "v2/a/b/tags/list")).status).toBe(401);
  }
});

test("read-only: everything can be read, nothing written", async () => {
  await using writable = await startOwnRegistry();
  await uploadImage(writable.url, "a", "1");
  await using registry = await startOwnRegistry({ root: writable.root, readOnly: true });
  expect((await fetch(`${registry.url}v2/a/manifests/1`)).status).toBe(200);
  for (const [method, path] of [
    ["POST", "v2/a/blobs/uploads/"],
    ["DELETE", "v2/a/manifests/1"],
    ["PUT", "v2/a/manifests/2"],
  ]) {
    expect((await fetch(`${registry.url}${path}`, { method })).status).toBe(405);
  }
});

test("quotas are kept while bytes arrive", async () => {
  await using registry = await startOwnRegistry({ quotas: { totalBytes: 5_000, repositoryBytes: 3_000 } });
  expect((await upload(registry.url, "a", randomBytes(2_500))).status).toBe(201);
  const over = await upload(registry.url, "a", randomBytes(1_000));
  expect([over.status, await over.text()]).toEqual([403, expect.stringContaining("repository a may hold 3000 bytes")]);
  expect((await upload(registry.url, "b", randomBytes(2_000))).status).toBe(201);
  expect((await upload(registry.url, "c", randomBytes(1_000))).status).toBe(403);
  expect(readdirSync(join(registry.root, "uploads"))).toEqual([]);
});

test("an upload goes on after the registry was killed", async () => {
  using files = scratch();
  const bytes = randomBytes(2_000);
  const root = files.path;
  let path: string;
  {
    await using first = await startOwnRegistry({ root });
    const begun = await fetch(`${first.url}v2/a/blobs/uploads/`, { method: "POST" });
    path = (begun.headers.get("location") ?? "").slice(1);
    await fetch(`${first.url}${path}`, { method: "PATCH", body: bytes.subarray(0, 1_500) });
  }
  await using second = await startOwnRegistry({ root });
  expect((await fetch(`${second.url}${path}`)).headers.get("range")).toBe("0-1499");
  const put = await fetch(`${second.url}${path}?digest=${digestOf(bytes)}`, {
    method: "PUT",
    body: bytes.subarray(1_500),
  });
  expect(put.status).toBe(201);
  expect(
    Buffer.from(await (await fetch(`${second.url}v2/a/blobs/${digestOf(bytes)}`)).arrayBuffer()).equals(bytes),
  ).toBe(true);
});

test("garbage goes, and what is in use, fresh or on its way stays", async () => {
  await using registry = await startOwnRegistry();
  const kept = await uploadImage(registry.url, "kept", "1");
  const dropped = await uploadImage(registry.url, "dropped", "1");
  const loose = randomBytes(500);
  await upload(registry.url, "loose", loose);
  const begun = await fetch(`${registry.url}v2/loose/blobs/uploads/`, { method: "POST" });
  await fetch(`${registry.url}v2/dropped/manifests/${dropped.manifest}`, { method: "DELETE" });
  const has = async (repository: string, digest: string) =>
    (await fetch(`${registry.url}v2/${repository}/blobs/${digest}`)).status === 200;
  using storage = openStorage(registry.root);
  const fresh = { graceMs: 60_000, uploadMs: 60_000, untagged: false };
  expect(collectGarbage(storage, fresh)).toEqual({ blobs: 0, bytes: 0, manifests: 0, uploads: 0 });
  const collected = collectGarbage(storage, { ...fresh, graceMs: -1 });
  expect(collected).toEqual({ blobs: 2, bytes: 1_500, manifests: 0, uploads: 0 });
  expect([
    await has("kept", kept.layer),
    await has("dropped", dropped.layer),
    await has("loose", digestOf(loose)),
  ]).toEqual([true, false, false]);
  expect((await fetch(new URL(begun.headers.get("location") ?? "", registry.url))).status).toBe(204);
  expect(existsSync(join(registry.root, "blobs", "sha256", hexOf(digestOf(loose))))).toBe(false);
  // A tag that moves on leaves its old manifest behind.
  const moved = await uploadImage(registry.url, "kept", "1");
  expect(collectGarbage(storage, { ...fresh, graceMs: -1, untagged: true })).toMatchObject({ manifests: 1, blobs: 1 });
  expect([await has("kept", kept.layer), await has("kept", moved.layer)]).toEqual([false, true]);
});

test("images can be pushed while garbage is collected without a pause", async () => {
  await using registry = await startOwnRegistry();
  using storage = openStorage(registry.root);
  let isPushing = true;
  const collecting = (async () => {
    while (isPushing) {
      collectGarbage(storage, { graceMs: 1_000, uploadMs: 60_000, untagged: true });
      await new Promise(setImmediate);
    }
  })();
  const pushed = await Promise.all(
    Array.from({ length: 10 }, (_, index) => uploadImage(registry.url, `busy/${index}`, "1")),
  );
  isPushing = false;
  await collecting;
  for (const [index, { layer }] of pushed.entries()) {
    expect((await fetch(`${registry.url}v2/busy/${index}/manifests/1`)).status).toBe(200);
    expect((await fetch(`${registry.url}v2/busy/${index}/blobs/${layer}`)).status).toBe(200);
  }
});

test("a process killed in the middle of a removal leaves the blob where it was", async () => {
  await using registry = await startOwnRegistry();
  const { layer } = await uploadImage(registry.url, "a", "1");
  const place = join(registry.root, "blobs", "sha256", layer.slice(7));
  // As removeBlobs has it before its transaction is over.
  linkSync(place, join(registry.root, "trash", layer.slice(7)));
  rmSync(place);
  using _storage = openStorage(registry.root);
  expect((await fetch(`${registry.url}v2/a/blobs/${layer}`)).status).toBe(200);
});

test("blobs that an engine has are one file with it", async () => {
  using engine = scratch();
  await using registry = await startOwnRegistry({ shareWith: engine.path });
  const bytes = randomBytes(5_000);
  const directory = join(engine.path, "content", "blobs", "sha256");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, hexOf(digestOf(bytes))), bytes);
  expect((await upload(registry.url, "a", bytes)).status).toBe(201);
  const ours = statSync(join(registry.root, "blobs", "sha256", hexOf(digestOf(bytes))));
  expect([ours.ino, ours.nlink]).toEqual([statSync(join(directory, hexOf(digestOf(bytes)))).ino, 2]);
});

test("a cache fetches what it does not have, once, and serves it when the upstream is away", async () => {
  await using upstream = await startOwnRegistry();
  await using between = await startMeddlingProxy(upstream.url);
  await using parts = openTestParts();
  await makeImage(parts, `${upstream.host}/far/image:1`, [
    { content: randomBytes(2_000_000), packing: "gzip" },
    { content: randomBytes(1_000), packing: "zstd" },
  ]);
  await push(parts, `${upstream.host}/far/image:1`);
  const proxy = { url: `http://${between.host}`, credentials: { kind: "none" } as const };
  await using cache = await startOwnRegistry({ proxy });
  const name = `${cache.host}/far/image:1`;
  const many = await Promise.all(
    Array.from({ length: 3 }, async () => {
      await using client = openTestParts();
      await pull(client, name);
      return client.images.resolve(name).manifestDigest;
    }),
  );
  expect(new Set(many)).toEqual(new Set([parts.images.resolve(`${upstream.host}/far/image:1`).manifestDigest]));
  const fetched = between.requests.filter((request) => request.startsWith("GET") && request.includes("/blobs/"));
  expect(fetched).toHaveLength(new Set(fetched).size);
  between.meddle = (_incoming, _answer, response) => {
    response.destroy();
    return true;
  };
  await using late = openTestParts();
  await pull(late, name);
  expect((await fetch(`${cache.url}v2/far/image/manifests/2`)).status).toBe(500);
  expect((await fetch(`${cache.url}v2/far/image/blobs/uploads/`, { method: "POST" })).status).toBe(405);
});

test("a cache whose upstream lies keeps nothing and hands on no whole blob", async () => {
  await using upstream = await startOwnRegistry();
  const { layer } = await uploadImage(upstream.url, "far", "1");
  await using between = await startMeddlingProxy(upstream.url);
  between.meddle = ({ url }, { status, headers, body }, response) => {
    if (!url?.endsWith(layer)) return false;
    response.writeHead(status, headers).end(Buffer.alloc(body.length));
    return true;
  };
  await using cache = await startOwnRegistry({
    proxy: { url: `http://${between.host}`, credentials: { kind: "none" } },
  });
  await fetch(`${cache.url}v2/far/manifests/1`);
  const got = await fetch(`${cache.url}v2/far/blobs/${layer}`)
    .then((response) => response.arrayBuffer())
    .then(
      ({ byteLength }) => byteLength,
      () => 0,
    );
  expect(got).toBeLessThan(1_000);
  expect(existsSync(join(cache.root, "blobs", "sha256", layer.slice(7)))).toBe(false);
});

/** An address of this machine that Docker's rule for the loopback does not cover, so that certificates count. */
const outward = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

test.if(outward !== undefined)("TLS with a certificate of one's own: refused unless it is known", async () => {
  using files = scratch();
  const [cert, key] = [join(files.path, "cert.pem"), join(files.path, "key.pem")];
  const made = await runProgram(
    [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      key,
    ].concat(["-out", cert, "-days", "2", "-subj", "/CN=registry.test", "-addext", `subjectAltName=IP:${outward}`]),
    { env: process.env },
  );
  expect(made.exitCode).toBe(0);
  await using registry = await startOwnRegistry({ address: `${outward}:0`, tls: { certFile: cert, keyFile: key } });
  await using parts = openTestParts();
  const { host } = registry;
  const name = `${host}/a:1`;
  await makeImage(parts, name, [{ content: randomBytes(100), packing: "gzip" }]);
  await expect(push(parts, name)).rejects.toThrow("x509: certificate signed by unknown authority");
  const place = join(files.path, "certs.d", host);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "ca.crt"), await Bun.file(cert).text());
  const settings = { ...SETTINGS, certificates: [join(files.path, "certs.d")] };
  await push(parts, name, { settings });
  await using unchecked = openTestParts();
  await pull(unchecked, name, { settings: { ...SETTINGS, insecure: [host] } });
});

test("metrics tell what was done and what is there", async () => {
  await using registry = await startOwnRegistry({ metricsAddress: "127.0.0.1:0" });
  await upload(registry.url, "a", randomBytes(700));
  await fetch(`${registry.url}v2/${"x".repeat(50)}/manifests/none`);
  const text = await (await fetch(registry.metricsUrl ?? "")).text();
  for (const line of [
    'lighter_registry_requests_total{method="POST",route="uploads",code="201"} 1',
    'lighter_registry_requests_total{method="GET",route="manifest",code="404"} 1',
    "lighter_registry_blobs 1",
    "lighter_registry_stored_bytes 700",
    'lighter_registry_request_duration_seconds_count{route="uploads"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect((await fetch(`${registry.url}metrics`)).status).toBe(404);
});

test("a push mounts what the registry has in another repository, and sends nothing twice", async () => {
  await using registry = await startOwnRegistry();
  await using parts = openTestParts();
  const one = `${registry.host}/mount/one:1`;
  const { image, reference } = await makeImage(parts, one, [
    { content: randomBytes(1_000), packing: "gzip" },
    { content: randomBytes(1_000), packing: "plain" },
  ]);
  expect(words(await push(parts, one)).filter((word) => word === "Pushed")).toHaveLength(2);
  expect(words(await push(parts, one)).filter((word) => word === "Layer already exists")).toHaveLength(2);
  parts.images.tag(image.id, { ...reference, path: "mount/two" });
  const mounted = words(await push(parts, `${registry.host}/mount/two:1`));
  expect(mounted.filter((word) => word === "Mounted from mount/one")).toHaveLength(2);
  expect(mounted.at(-1)).toMatch(new RegExp(`^1: digest: ${image.manifestDigest} size: \\d+$`));
});
