import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStale } from "./freshness.mjs";

test("a target is made again when its inputs, its recipe or the absence of its output ask for it, and only then", async () => {
  const directory = mkdtempSync(join(tmpdir(), "freshness-"));
  const input = join(directory, "input");
  const output = join(directory, "output");
  const made = (recipe: string) => {
    const make = async () => writeFileSync(output, "made");
    const target = { name: "thing", inputs: [input], recipe: [recipe], outputs: [output], make };
    return makeStale(target, join(directory, "stamps"));
  };
  try {
    writeFileSync(input, "one");
    expect(await made("cc")).toBeTrue();
    writeFileSync(input, "one");
    expect(await made("cc")).toBeFalse();
    writeFileSync(input, "two");
    expect(await made("cc")).toBeTrue();
    expect(await made("cc -O2")).toBeTrue();
    rmSync(output);
    expect(await made("cc -O2")).toBeTrue();
    expect(await made("cc -O2")).toBeFalse();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
