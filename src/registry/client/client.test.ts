import { describe, expect, test } from "bun:test";
import { type credentialsOf, parseRegistryAuth } from "./credentials.ts";
import { endpointsOf } from "./endpoints.ts";
import { domainOf } from "./login.ts";
import { drawBar, progressOf } from "./progress.ts";

const SETTINGS = { insecure: [], mirrors: [], certificates: [] };
const encode = (document: unknown) => Buffer.from(JSON.stringify(document)).toString("base64url");
const config = { username: "u", password: "p", auth: "", serveraddress: "", identitytoken: "", registrytoken: "" };

test.each([
  [undefined, { kind: "none" }],
  [encode({}), { kind: "none" }],
  ["bnVsbA==", { kind: "none" }],
  [encode({ username: "u", password: "p" }), { kind: "basic", username: "u", password: "p" }],
  [encode({ auth: Buffer.from("u:p:q").toString("base64") }), { kind: "basic", username: "u", password: "p:q" }],
  [encode({ ...config, identitytoken: "t" }), { kind: "identity", username: "u", token: "t" }],
  [encode({ ...config, registrytoken: "t" }), { kind: "bearer", token: "t" }],
])("X-Registry-Auth %p", (header, expected) => {
  expect(parseRegistryAuth(header)).toEqual(expected as ReturnType<typeof credentialsOf>);
});

test("X-Registry-Auth that is no JSON is refused", () => {
  expect(() => parseRegistryAuth("!!!")).toThrow("invalid X-Registry-Auth header");
});

describe("endpoints", () => {
  const bases = (domain: string, settings: Parameters<typeof endpointsOf>[1], purpose: "pull" | "push" = "pull") =>
    endpointsOf(domain, settings, purpose).map(({ base }) => base.href);
  const mirrored = { ...SETTINGS, mirrors: [new URL("http://mirror.example:5000")] };

  test("short names are Docker Hub's, through its mirrors to read and never to write", () => {
    expect(bases("docker.io", SETTINGS)).toEqual(["https://registry-1.docker.io/"]);
    expect(bases("docker.io", mirrored)).toEqual(["http://mirror.example:5000/", "https://registry-1.docker.io/"]);
    expect(bases("docker.io", mirrored, "push")).toEqual(["https://registry-1.docker.io/"]);
    expect(bases("ghcr.io", mirrored)).toEqual(["https://ghcr.io/"]);
  });

  test.each([
    ["localhost:5000", [], true],
    ["127.0.0.1", [], true],
    ["127.99.0.1:80", [], true],
    ["[::1]:5000", [], true],
    ["registry.example", [], false],
    ["registry.example:5000", ["registry.example:5000"], true],
    ["10.1.2.3:5000", ["10.0.0.0/8"], true],
    ["11.1.2.3:5000", ["10.0.0.0/8"], false],
    ["localhost.example", [], false],
  ])("%s with %j may do without TLS: %p", (domain, insecure, expected) => {
    expect(bases(domain, { ...SETTINGS, insecure })).toEqual(
      expected ? [`https://${domain}/`, `http://${domain}/`].map((url) => new URL(url).href) : [`https://${domain}/`],
    );
  });

  test.each([
    ["", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["registry.example:5000", "registry.example:5000"],
    ["https://registry.example/v2/", "registry.example"],
  ])("the server address %p is %s", (address, domain) => {
    expect(domainOf(address)).toBe(domain);
  });
});

test.each([
  [33280, 3_000_000, "[>                                                  ]  33.28kB/3MB"],
  [107, 107, "[==================================================>]     107B/107B"],
  [512, 3, "[==================================================>]     512B"],
  [2_001_920, 2_000_000, "[==================================================>]  2.002MB"],
  [0, 0, ""],
])("a bar at %d of %d is Docker's", (current, total, expected) => {
  expect(drawBar(current, total)).toBe(expected);
});

describe("progress", () => {
  test("a bar that nobody has taken gives way to the next one, and the result comes last", async () => {
    const stream = progressOf(new AbortController().signal, async (report) => {
      for (const current of [1, 2, 3])
        report({ status: "Downloading", id: "a", progressDetail: { current, total: 3 } });
      report({ status: "Download complete", id: "a", progressDetail: {} });
      return "done";
    });
    expect((await stream.next()).value).toMatchObject({ progressDetail: { current: 3 } });
    expect((await stream.next()).value).toMatchObject({ status: "Download complete" });
    expect(await stream.next()).toEqual({ done: true, value: "done" });
  });

  test("who stops listening stops the work, and waits until it has", async () => {
    let stopped = false;
    const stream = progressOf(new AbortController().signal, async (report, signal) => {
      report({ status: "begun" });
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      stopped = true;
    });
    for await (const _ of stream) break;
    expect(stopped).toBe(true);
  });

  test("a failure is thrown after what was reported before it", async () => {
    const stream = progressOf(new AbortController().signal, async (report) => {
      report({ status: "begun" });
      throw new Error("failed");
    });
    expect((await stream.next()).value).toEqual({ status: "begun" });
    expect(stream.next()).rejects.toThrow("failed");
  });
});
