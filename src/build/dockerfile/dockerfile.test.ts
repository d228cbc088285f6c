import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { LighterError } from "../../base/errors.ts";
import { parseDockerfile } from "./parse-dockerfile.ts";

/** Each folder is a case: `Dockerfile` and what it parses to, or the error. `UPDATE_GOLDEN=1` writes them anew (then `npm run format`). */
const CASES = join(import.meta.dir, "cases");
const UPDATE = process.env.UPDATE_GOLDEN === "1";

describe("golden Dockerfiles", () => {
  for (const name of readdirSync(CASES).sort()) {
    test(name, () => {
      const folder = join(CASES, name);
      const outcome = parse(readFileSync(join(folder, "Dockerfile"), "utf8"));
      if ("error" in outcome) {
        const golden = join(folder, "error.txt");
        if (UPDATE) writeFileSync(golden, `${outcome.error}\n`);
        expect(`${outcome.error}\n`).toBe(readFileSync(golden, "utf8"));
      } else {
        const golden = join(folder, "expected.json");
        if (UPDATE) writeFileSync(golden, JSON.stringify(outcome.tree, null, 2));
        expect(outcome.tree).toEqual(JSON.parse(readFileSync(golden, "utf8")));
      }
    });
  }
});

function parse(source: string): { tree: unknown } | { error: string } {
  try {
    return { tree: parseDockerfile(source, "Dockerfile") };
  } catch (error) {
    if (error instanceof LighterError && error.kind === "invalid") return { error: error.message };
    throw error;
  }
}

const FRAGMENTS = [
  ..."FROM RUN COPY ENV ONBUILD HEALTHCHECK ARG LABEL SHELL busybox <<EOF EOF <<-'E' [\"a\"] [ \\ ` # --from= -- =".split(
    " ",
  ),
  ..."'\"$ \t\n\r\u0000é",
  "# escape=`\n",
  "${a",
  "\r\n",
];

test("whatever the text, parsing ends with a tree or with one line that says what is wrong", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (source) => {
      const outcome = parse(source);
      if ("error" in outcome) expect(outcome.error.length).toBeGreaterThan(0);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 3000 },
  );
});
