import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { runClient } from "../expect-output.ts";

/** Debian's docker-py is for Debian's Python, which need not be the first one on the PATH. */
const PYTHON = "/usr/bin/python3";
const TESTS = resolve(import.meta.dir, "../python/docker_py.py");

test("docker-py does what its tests, in Python, ask for", async () => {
  const { stderr, exitCode } = await runClient([PYTHON, "-W", "ignore", TESTS]);
  if (exitCode !== 0) throw new Error(stderr);
  expect(stderr).toMatch(/^Ran \d{2} tests in .*\n\nOK\n$/m);
});
