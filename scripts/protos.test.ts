import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateProtos, PROTOS } from "./protos.mjs";

test("the modules are those of the .proto files: run `npm run protos` after a change", () => {
  const fresh = mkdtempSync(join(tmpdir(), "lighter-protos-"));
  try {
    generateProtos(fresh);
    const names = readdirSync(PROTOS).filter((name) => name.endsWith("_pb.ts"));
    expect(readdirSync(fresh).sort()).toEqual(names.sort());
    for (const name of names)
      expect(readFileSync(join(fresh, name), "utf8")).toBe(readFileSync(join(PROTOS, name), "utf8"));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}, 30_000);
