import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { stdcopyFrame } from "../base/stdcopy.ts";
import { unframe } from "./unframe.ts";

test.each([1, 3, 8, 9, 1000])("frames come off, however the bytes are cut (%d)", async (step) => {
  const framed = Buffer.concat([
    stdcopyFrame(1, Buffer.from("out")),
    stdcopyFrame(2, Buffer.from("")),
    stdcopyFrame(2, Buffer.from("err")),
    stdcopyFrame(1, Buffer.from("x".repeat(300))),
  ]);
  const pieces = Array.from({ length: Math.ceil(framed.length / step) }, (_, at) =>
    framed.subarray(at * step, (at + 1) * step),
  );
  expect(await text(Readable.from(pieces).pipe(unframe()))).toBe(`outerr${"x".repeat(300)}`);
});
