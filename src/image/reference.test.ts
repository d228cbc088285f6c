import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError, messageOf } from "../base/errors.ts";
import {
  canonicalName,
  canonicalRepository,
  familiarName,
  parseName,
  parseReference,
  parseRepositoryAndTag,
} from "./reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("a name as a user types it is completed and shortened again", () => {
  const cases: [typed: string, canonical: string, familiar: string][] = [
    ["alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"],
    ["library/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["user/app", "docker.io/user/app:latest", "user/app:latest"],
    ["library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"],
    ["registry.example/a/b-c__d.e", "registry.example/a/b-c__d.e:latest", "registry.example/a/b-c__d.e:latest"],
    ["[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
    [`alpine:3@${digest}`, `docker.io/library/alpine:3@${digest}`, `alpine:3@${digest}`],
    ["Host/app", "Host/app:latest", "Host/app:latest"],
  ];
  test.each(cases)("%s", (typed, canonical, familiar) => {
    const reference = parseReference(typed);
    expect(canonicalName(reference)).toBe(canonical);
    expect(familiarName(reference)).toBe(familiar);
    expect(parseReference(familiar)).toEqual(reference);
  });
});

describe("a name outside the grammar is refused in Docker's words", () => {
  const cases: [typed: string, message: string][] = [
    ["", "invalid reference format"],
    [":tag", "invalid reference format"],
    ["Alpine", "invalid reference format: repository name (library/Alpine) must be lowercase"],
    ["alpine:", "invalid reference format"],
    ["alpine:-x", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["-alpine", "invalid reference format"],
    ["a___b", "invalid reference format"],
    ["a..b", "invalid reference format"],
    ["../x", "invalid reference format"],
    ["alpine@sha256:12", "invalid reference format"],
    [`alpine@sha512:${"0".repeat(128)}`, "invalid reference format"],
    [`alpine:${"x".repeat(129)}`, "invalid reference format"],
    ["a".repeat(256), "repository name must not be more than 255 characters"],
    ["0".repeat(64), `invalid repository name (${"0".repeat(64)}), cannot specify 64-byte hexadecimal strings`],
  ];
  test.each(cases)("%s", (typed, message) => {
    expect(() => parseName(typed)).toThrow(message);
  });
});

test("a name in two parts takes the tag from its own parameter", () => {
  expect(canonicalName(parseRepositoryAndTag("app", "v1"))).toBe("docker.io/library/app:v1");
  expect(canonicalName(parseRepositoryAndTag("app:v2", ""))).toBe("docker.io/library/app:v2");
  expect(canonicalRepository(parseRepositoryAndTag("host:1/app", ""))).toBe("host:1/app");
  expect(() => parseRepositoryAndTag("app", "no spaces")).toThrow("invalid tag format");
  expect(() => parseRepositoryAndTag(`app@${digest}`, "x")).toThrow("digest reference");
});

test("whatever is typed is refused with one error or survives being written and read again", () => {
  const piece = fc.constantFrom(
    "a",
    "B",
    "0",
    "/",
    ":",
    "@",
    ".",
    "-",
    "_",
    "localhost",
    "sha256",
    digest,
    " ",
    "é",
    "[",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const typed = pieces.join("");
      try {
        const reference = parseReference(typed);
        expect(parseReference(canonicalName(reference))).toEqual(reference);
        expect(parseReference(familiarName(reference))).toEqual(reference);
      } catch (error) {
        if (!(error instanceof LighterError)) throw error;
        expect(messageOf(error)).toContain("inval");
      }
    }),
  );
});
