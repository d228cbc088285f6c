import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import {
  Attach,
  bodyLength,
  encodeMessage,
  Field,
  HEADER_BYTES,
  Records,
  Status,
  Stdin,
  Tag,
  Type,
  takeMessages,
} from "./wire.ts";

const header = readFileSync(join(import.meta.dir, "../../native/shim/wire.h"), "utf8");

/** The constants of wire.h that begin so, with the prefix cut off. */
function constantsOf(prefix: string): Record<string, number> {
  const found = [...header.matchAll(new RegExp(`\\b${prefix}_([A-Z_]+) = (\\d+)`, "g"))];
  return Object.fromEntries(found.map(([, name = "", value]) => [name, Number(value)]));
}

describe("the constants equal those of wire.h", () => {
  const { MAGIC: _magic, VERSION: _version, MESSAGE_MAX: _max, ...types } = constantsOf("WIRE");
  test.each([
    ["types", Type, types],
    ["tags", Tag, constantsOf("TAG")],
    ["fields", Field, constantsOf("FIELD")],
    ["status", Status, constantsOf("STATUS")],
    ["attach", Attach, constantsOf("ATTACH")],
    ["stdin", Stdin, constantsOf("STDIN")],
  ])("%s", (_, ours, theirs) => {
    expect(ours as Record<string, number>).toEqual(theirs);
  });
});

test("a message has the bytes that wire.h describes", () => {
  const group = new Records().text(Field.SOURCE, "/a").u32(Field.FLAGS, 7);
  const message = encodeMessage(
    Type.CREATE,
    258,
    new Records().text(Tag.HOSTNAME, "é").group(Tag.NAMESPACE_JOIN, group),
  );
  expect(message.toString("hex")).toBe(
    [
      "53484d52 0100 0200 02010000 2a000000", // SHMR, version 1, CREATE, request 258, 42 bytes
      "2b00 0000 03000000 c3a900", // HOSTNAME
      "1f00 0000 17000000", // NAMESPACE_JOIN
      "0200 0000 03000000 2f6100", // its SOURCE
      "0500 0000 04000000 07000000", // its FLAGS
    ]
      .join("")
      .replaceAll(" ", ""),
  );
});

test("a text with a NUL is refused, as no process could be given it", () => {
  expect(() => new Records().text(Tag.ARGUMENT, "a\0b")).toThrow("contains a NUL byte");
});

test("a request beyond the limit is refused before it is sent", () => {
  const records = new Records().bytes(Tag.SECCOMP, new Uint8Array(5 * 1024 * 1024));
  expect(() => encodeMessage(Type.CREATE, 1, records)).toThrow("shorten environment or arguments");
});

describe("taking messages", () => {
  const stream = Buffer.concat([
    encodeMessage(Type.OK, 1, new Records().u32(Tag.PORT, 80).u32(Tag.PORT, 443).text(Tag.CGROUP_PATH, "/lighter/x")),
    encodeMessage(Type.EXIT, 0, new Records().text(Tag.PROCESS, "init")),
  ]);

  test("gives the same ones wherever the bytes were cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const first = takeMessages(stream.subarray(0, cut));
      const second = takeMessages(Buffer.concat([first.rest, stream.subarray(cut)]));
      const [ok, exit] = [...first.messages, ...second.messages];
      expect([ok?.type, ok?.request, ok?.u32s(Tag.PORT), ok?.text(Tag.CGROUP_PATH)]).toEqual([
        Type.OK,
        1,
        [80, 443],
        "/lighter/x",
      ]);
      expect([exit?.type, exit?.text(Tag.PROCESS), exit?.u32(Tag.EXIT_CODE)]).toEqual([Type.EXIT, "init", undefined]);
      expect(second.rest.length).toBe(0);
    }
  });

  test("never ends in anything but messages or one clear error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(stream.length), (noise, at) => {
        const bytes = Buffer.concat([stream.subarray(0, at), noise]);
        try {
          expect(takeMessages(bytes).rest.length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });

  test.each([
    ["another magic number", "00000000 0100 2000 00000000 00000000"],
    ["another version", "53484d52 0200 2000 00000000 00000000"],
    ["a length without bounds", "53484d52 0100 2000 00000000 ffffffff"],
  ])("refuses %s", (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    expect(bytes.length).toBe(HEADER_BYTES);
    expect(() => bodyLength(bytes)).toThrow("shim and engine are of different builds");
  });
});
