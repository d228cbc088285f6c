import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStale } from "./freshness.mjs";

test("a target is made again when its inputs, its recipe or the absence of its output ask for it, and only then", async () => {
  const directory = mkdtempSync(join(tmpdir(), "freshness-"));
  const input = join(directory, "input");
  const output = join(directory, "output");
  let made = 0;
  const bringUpToDate = async (recipe: string) => {
    const make = async () => {
      made++;
      writeFileSync(output, "made");
    };
    await makeStale(
      { name: "thing", inputs: [input], recipe: [recipe], outputs: [output], make },
      join(directory, "stamps"),
    );
    return made;
  };
  try {
    writeFileSync(input, "one");
    expect(await bringUpToDate("cc")).toBe(1);
    writeFileSync(input, "one");
    expect(await bringUpToDate("cc")).toBe(1);
    writeFileSync(input, "two");
    expect(await bringUpToDate("cc")).toBe(2);
    expect(await bringUpToDate("cc -O2")).toBe(3);
    rmSync(output);
    expect(await bringUpToDate("cc -O2")).toBe(4);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
