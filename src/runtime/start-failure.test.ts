import { expect, test } from "bun:test";
import { constants } from "node:os";
import { type FailedStep, startFailure } from "./start-failure.ts";

const { errno } = constants;

function failed(step: string, detail: string, number: number, errnoText: string): FailedStep {
  return { step, detail, errno: number, errnoText };
}

test.each([
  [
    failed("find program", "foo", errno.ENOENT, "No such file or directory"),
    127,
    'exec: "foo": executable file not found in $PATH: unknown',
  ],
  [
    failed("find program", "/foo", errno.ENOENT, "No such file or directory"),
    127,
    'exec: "/foo": stat /foo: no such file or directory: unknown',
  ],
  [
    failed("find program", "/etc", errno.EISDIR, "Is a directory"),
    126,
    'exec: "/etc": is a directory: permission denied: unknown',
  ],
  [failed("exec", "/x", errno.EACCES, "Permission denied"), 126, 'exec: "/x": permission denied: unknown'],
  [failed("exec", "/x", errno.ENOEXEC, "Exec format error"), 126, 'exec: "/x": exec format error: unknown'],
  [
    failed("working directory", "/x", errno.ENOTDIR, "Not a directory"),
    128,
    'chdir to cwd ("/x") set in config.json failed: not a directory: unknown',
  ],
  [failed("pivot root", "/", errno.EINVAL, "Invalid argument"), 128, "pivot root (/): invalid argument: unknown"],
] as const)("%p", (step, exitCode, ending) => {
  const failure = startFailure("create", step);
  expect(failure.exitCode).toBe(exitCode);
  expect(failure.message).toBe(
    `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${ending}`,
  );
});

test("a failing exec has Docker's other sentence", () => {
  expect(startFailure("exec", failed("find program", "foo", errno.ENOENT, "No such file or directory")).message).toBe(
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "foo": executable file not found in $PATH: unknown',
  );
});

test.each([
  ["create", 128],
  ["exec", 126],
] as const)("a user that %s does not find is said in one short sentence, as Docker does", (during, exitCode) => {
  const text = "unable to find user bob: no matching entries in passwd file";
  const failure = startFailure(during, failed("user", text, errno.ENOENT, "No such file or directory"));
  expect([failure.message, failure.kind, failure.exitCode]).toEqual([text, "invalid", exitCode]);
});
