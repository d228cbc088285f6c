import { describe, expect, test } from "bun:test";
import { parseImageConfig } from "./config.ts";
import { chainIdsOf, digestOf, parseDigest } from "./digest.ts";

const minimal = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [digestOf("a")] } };
const bytes = (document: unknown) => new TextEncoder().encode(JSON.stringify(document));

test("a config keeps the fields that this version does not know", () => {
  const config = parseImageConfig(bytes({ ...minimal, "os.features": ["x"], config: { Cmd: ["sh"], Future: 1 } }));
  expect(config["os.features"]).toEqual(["x"]);
  expect(config.config?.Future).toBe(1);
});

describe("a config that cannot be one is refused, naming the field", () => {
  const cases: [document: unknown, field: string][] = [
    [[], "document"],
    [{ ...minimal, os: 1 }, "os"],
    [{ ...minimal, rootfs: { type: "layers", diff_ids: ["sha256:../../etc"] } }, "rootfs.diff_ids.0"],
    [{ ...minimal, config: { Env: "PATH=/" } }, "config.Env"],
  ];
  test.each(cases)("%j", (document, field) => {
    expect(() => parseImageConfig(bytes(document))).toThrow(`invalid image config: ${field}`);
  });
  test("not JSON", () => expect(() => parseImageConfig(Uint8Array.of(0xff, 0xfe))).toThrow("not a JSON document"));
});

test("chain ids follow the image specification's rule", () => {
  const [a, b] = [digestOf("a"), digestOf("b")];
  expect(chainIdsOf([a, b]) as string[]).toEqual([a, digestOf(`${a} ${b}`)]);
  expect(() => parseDigest("sha512:00")).toThrow("invalid digest");
});
