import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../../src/image/media-types.ts";
import { startOwnRegistry } from "./own-registry.ts";
import { startReferenceRegistry, type TestRegistry } from "./reference-registry.ts";

/** What both registries must do, by the distribution spec; what only version 1.1 has is skipped for the older one. */
const REGISTRIES = [
  { name: "lighter registry", start: startOwnRegistry, isCurrent: true },
  { name: "docker-registry", start: startReferenceRegistry, isCurrent: false },
];

const AnswerSchema = z.looseObject({
  errors: z.array(z.looseObject({ code: z.string() })).optional(),
  name: z.string().optional(),
  tags: z.array(z.string()).default([]),
  repositories: z.array(z.string()).default([]),
  manifests: z.array(z.unknown()).default([]),
});

const jsonOf = async (response: Response) => AnswerSchema.parse(await response.json());

describe.each(REGISTRIES)("$name", ({ start, isCurrent }) => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await start();
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  const call = (
    method: string,
    path: string | URL,
    init: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> } = {},
  ) => fetch(new URL(path, registry.url), { method, ...init });
  const location = (response: Response) => new URL(response.headers.get("location") ?? "", registry.url);
  const withDigest = (url: URL, digest: string) => {
    url.searchParams.set("digest", digest);
    return url;
  };
  const errorOf = async (response: Response) => (await jsonOf(response)).errors?.[0]?.code;

  async function pushBlob(repository: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const begun = await call("POST", `v2/${repository}/blobs/uploads/`);
    const put = await call("PUT", withDigest(location(begun), digestOf(bytes)), { body: bytes });
    expect(put.status).toBe(201);
    return digestOf(bytes);
  }

  async function pushImage(
    repository: string,
    tag: string,
    extra: object = {},
  ): Promise<{ digest: string; bytes: string }> {
    const [config, layer] = [Buffer.from(`{"of":"${repository}"}`), randomBytes(100)];
    for (const blob of [config, layer]) await pushBlob(repository, blob);
    const bytes = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: OCI_LAYER, digest: digestOf(layer), size: layer.length }],
      ...extra,
    });
    const put = await call("PUT", `v2/${repository}/manifests/${tag}`, {
      body: bytes,
      headers: { "Content-Type": OCI_MANIFEST },
    });
    expect(put.status).toBe(201);
    return { digest: digestOf(bytes), bytes };
  }

  test("says that it is a registry", async () => {
    const response = await call("GET", "v2/");
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
  });

  test("takes a blob whole and gives it back, whole and in parts", async () => {
    const bytes = randomBytes(1000);
    const digest = await pushBlob("blobs/whole", bytes);
    const head = await call("HEAD", `v2/blobs/whole/blobs/${digest}`);
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "1000"]);
    const whole = await call("GET", `v2/blobs/whole/blobs/${digest}`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    for (const [range, from, to] of [
      ["bytes=0-9", 0, 10],
      ["bytes=990-", 990, 1000],
      ["bytes=-5", 995, 1000],
      ["bytes=500-5000", 500, 1000],
    ] as const) {
      const part = await call("GET", `v2/blobs/whole/blobs/${digest}`, { headers: { Range: range } });
      expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes ${from}-${to - 1}/1000`]);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to))).toBe(true);
    }
    const beyond = await call("GET", `v2/blobs/whole/blobs/${digest}`, { headers: { Range: "bytes=1000-" } });
    expect(beyond.status).toBe(416);
  });

  test("takes a blob in pieces, in order and nothing else", async () => {
    const bytes = randomBytes(300);
    const begun = await call("POST", "v2/blobs/pieces/blobs/uploads/");
    expect(begun.status).toBe(202);
    const piece = (url: URL, from: number, to: number) =>
      call("PATCH", url, {
        body: bytes.subarray(from, to),
        headers: { "Content-Range": `${from}-${to - 1}`, "Content-Type": "application/octet-stream" },
      });
    const first = await piece(location(begun), 0, 100);
    expect([first.status, first.headers.get("range")]).toEqual([202, "0-99"]);
    // The older registry takes a piece from anywhere for the next one, and fails at the digest.
    if (isCurrent) expect((await piece(location(first), 200, 300)).status).toBe(416);
    const status = await call("GET", location(first));
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-99"]);
    const second = await piece(location(status), 100, 200);
    expect([second.status, second.headers.get("range")]).toEqual([202, "0-199"]);
    const last = await call("PUT", withDigest(location(second), digestOf(bytes)), {
      body: bytes.subarray(200),
      headers: { "Content-Range": "200-299", "Content-Type": "application/octet-stream" },
    });
    expect(last.status).toBe(201);
    expect((await call("HEAD", `v2/blobs/pieces/blobs/${digestOf(bytes)}`)).status).toBe(200);
  });

  test("refuses a blob that is not what it is said to be, and keeps nothing of it", async () => {
    const begun = await call("POST", "v2/blobs/liar/blobs/uploads/");
    const put = await call("PUT", withDigest(location(begun), digestOf("other")), { body: "this" });
    expect([put.status, await errorOf(put)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await call("HEAD", `v2/blobs/liar/blobs/${digestOf("other")}`)).status).toBe(404);
    expect((await call("HEAD", `v2/blobs/liar/blobs/${digestOf("this")}`)).status).toBe(404);
  });

  test("an upload can be given up", async () => {
    const begun = await call("POST", "v2/blobs/quit/blobs/uploads/");
    expect((await call("DELETE", location(begun))).status).toBe(204);
    const after = await call("GET", location(begun));
    expect([after.status, await errorOf(after)]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  test("mounts a blob from another repository, and shows it nowhere else", async () => {
    const digest = await pushBlob("mount/from", randomBytes(64));
    expect((await call("HEAD", `v2/mount/to/blobs/${digest}`)).status).toBe(404);
    const mounted = await call("POST", `v2/mount/to/blobs/uploads/?mount=${digest}&from=mount/from`);
    expect(mounted.status).toBe(201);
    expect((await call("HEAD", `v2/mount/to/blobs/${digest}`)).status).toBe(200);
    const missing = await call("POST", `v2/mount/to/blobs/uploads/?mount=${digestOf("no")}&from=mount/from`);
    expect(missing.status).toBe(202);
  });

  test("keeps manifests byte for byte, by tag and by digest", async () => {
    const { digest, bytes } = await pushImage("images/one", "v1");
    for (const reference of ["v1", digest]) {
      const got = await call("GET", `v2/images/one/manifests/${reference}`, { headers: { Accept: OCI_MANIFEST } });
      expect([got.status, got.headers.get("docker-content-digest"), got.headers.get("content-type")]).toEqual([
        200,
        digest,
        OCI_MANIFEST,
      ]);
      expect(await got.text()).toBe(bytes);
    }
    const head = await call("HEAD", "v2/images/one/manifests/v1", { headers: { Accept: OCI_MANIFEST } });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
    const missing = await call("GET", "v2/images/one/manifests/v2");
    expect([missing.status, await errorOf(missing)]).toEqual([404, "MANIFEST_UNKNOWN"]);
  });

  test("refuses a manifest of blobs that it does not have, and one that is none", async () => {
    const bytes = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf("nowhere"), size: 7 },
      layers: [],
    });
    const headers = { "Content-Type": OCI_MANIFEST };
    const incomplete = await call("PUT", "v2/images/bad/manifests/v1", { body: bytes, headers });
    expect(incomplete.status).toBeOneOf([400, 404]);
    expect(await errorOf(incomplete)).toBe("MANIFEST_BLOB_UNKNOWN");
    const nonsense = await call("PUT", "v2/images/bad/manifests/v1", { body: "{", headers });
    expect([nonsense.status, await errorOf(nonsense)]).toEqual([400, "MANIFEST_INVALID"]);
  });

  test("keeps an index of images", async () => {
    const { digest, bytes } = await pushImage("images/many", "amd64");
    const platform = { os: "linux", architecture: "amd64" };
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: OCI_MANIFEST, digest, size: bytes.length, platform }],
    });
    const headers = { "Content-Type": OCI_INDEX };
    expect((await call("PUT", "v2/images/many/manifests/all", { body: index, headers })).status).toBe(201);
    const got = await call("GET", "v2/images/many/manifests/all", { headers: { Accept: OCI_INDEX } });
    expect([await got.text(), got.headers.get("content-type")]).toEqual([index, OCI_INDEX]);
  });

  test("lists tags by pages", async () => {
    for (const tag of ["a", "c", "b"]) await pushImage("pages/tags", tag);
    const all = await jsonOf(await call("GET", "v2/pages/tags/tags/list"));
    // The older registry neither sorts lists of tags nor divides them.
    if (!isCurrent) all.tags.sort();
    expect(all).toMatchObject({ name: "pages/tags", tags: ["a", "b", "c"] });
    const seen: string[] = [];
    let next: URL | null = new URL("v2/pages/tags/tags/list?n=2", registry.url);
    while (next) {
      const page: Response = await call("GET", next);
      seen.push(...(await jsonOf(page)).tags);
      const link: string | undefined = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
      next = link ? new URL(link, registry.url) : null;
    }
    expect(isCurrent ? seen : seen.sort()).toEqual(["a", "b", "c"]);
    const missing = await call("GET", "v2/pages/none/tags/list");
    expect([missing.status, await errorOf(missing)]).toEqual([404, "NAME_UNKNOWN"]);
  });

  test("lists repositories by pages", async () => {
    for (const name of ["catalog/a", "catalog/b", "catalog/c"]) await pushImage(name, "1");
    const page = await call("GET", "v2/_catalog?n=2&last=catalog/");
    expect((await jsonOf(page)).repositories).toEqual(["catalog/a", "catalog/b"]);
    const link = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? "";
    const rest = await jsonOf(await call("GET", link));
    expect(rest.repositories[0]).toBe("catalog/c");
  });

  test("forgets a manifest with its tags, and a blob", async () => {
    const { digest, bytes } = await pushImage("forget/me", "v1");
    expect((await call("DELETE", `v2/forget/me/manifests/${digest}`)).status).toBe(202);
    expect((await call("GET", "v2/forget/me/manifests/v1")).status).toBe(404);
    expect((await call("DELETE", `v2/forget/me/manifests/${digest}`)).status).toBe(404);
    const layer = JSON.parse(bytes).layers[0].digest;
    expect((await call("DELETE", `v2/forget/me/blobs/${layer}`)).status).toBe(202);
    const gone = await call("GET", `v2/forget/me/blobs/${layer}`);
    expect([gone.status, await errorOf(gone)]).toEqual([404, "BLOB_UNKNOWN"]);
  });

  // The package is of an older specification.
  if (isCurrent) {
    test("lists what refers to an image, by type, also where the image is not here yet", async () => {
      const later = { mediaType: OCI_MANIFEST, digest: digestOf("not here"), size: 8 };
      const attached = await pushImage("referrers/one", "signature", {
        subject: later,
        artifactType: "application/vnd.example.signature",
        annotations: { "org.example.by": "someone" },
      });
      const put = await call("PUT", `v2/referrers/one/manifests/${attached.digest}`, {
        body: attached.bytes,
        headers: { "Content-Type": OCI_MANIFEST },
      });
      expect(put.headers.get("oci-subject")).toBe(later.digest);
      const list = async (query: string) => {
        const response = await call("GET", `v2/referrers/one/referrers/${later.digest}${query}`);
        expect([response.status, response.headers.get("content-type")]).toEqual([200, OCI_INDEX]);
        return { manifests: (await jsonOf(response)).manifests, filters: response.headers.get("oci-filters-applied") };
      };
      const entry = {
        mediaType: OCI_MANIFEST,
        digest: attached.digest,
        size: attached.bytes.length,
        artifactType: "application/vnd.example.signature",
        annotations: { "org.example.by": "someone" },
      };
      expect(await list("")).toEqual({ manifests: [entry], filters: null });
      expect(await list("?artifactType=application/vnd.example.other")).toEqual({
        manifests: [],
        filters: "artifactType",
      });
      expect((await list("?artifactType=application/vnd.example.signature")).manifests).toEqual([entry]);
    });

    test("a tag can go alone", async () => {
      const { digest } = await pushImage("forget/tag", "v1");
      expect((await call("DELETE", "v2/forget/tag/manifests/v1")).status).toBe(202);
      expect((await call("GET", "v2/forget/tag/manifests/v1")).status).toBe(404);
      expect((await call("GET", `v2/forget/tag/manifests/${digest}`)).status).toBe(200);
    });

    test("CVE-2021-41190: a document that is an index and an image at once is refused", async () => {
      const { bytes } = await pushImage("images/both", "v1");
      const both = JSON.stringify({ ...JSON.parse(bytes), manifests: [] });
      const put = await call("PUT", "v2/images/both/manifests/v2", {
        body: both,
        headers: { "Content-Type": OCI_MANIFEST },
      });
      expect([put.status, await errorOf(put)]).toEqual([400, "MANIFEST_INVALID"]);
    });
  }

  test("refuses names and digests that are none", async () => {
    for (const [path, code] of [
      ["v2/UPPER/manifests/v1", "NAME_INVALID"],
      ["v2/one/blobs/sha256:short", "DIGEST_INVALID"],
    ] as const) {
      const response = await call("GET", path);
      expect(response.status).toBeOneOf([400, 404]);
      if (isCurrent) expect(await errorOf(response)).toBe(code);
    }
  });
});
