import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { nativePath } from "../../src/base/native.ts";
import { DEFAULT_CAPABILITIES } from "../../src/runtime/capabilities.ts";
import { SeccompCompiler } from "../../src/runtime/seccomp-compile.ts";
import type { SeccompChoice } from "../../src/runtime/security-options.ts";
import { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, runFilter, type SystemCall, X32_BIT } from "./bpf.ts";

const ALLOW = 0x7fff0000;
const errno = (number: number): number => 0x00050000 | number;
const EPERM = errno(1);
const ENOSYS = errno(38);
const KILL_THREAD = 0;

let directory: string;
const host = { kernel: { major: 6, minor: 18 }, architecture: "amd64" } as const;
const newCompiler = (): SeccompCompiler => new SeccompCompiler(nativePath("lighter-seccomp"), directory, host);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lighter-seccomp-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function filter(capabilities: readonly string[], choice: SeccompChoice = { kind: "default" }) {
  const program = await newCompiler().filterFor({ choice, privileged: false, capabilities });
  if (!program) throw new Error("no filter was made");
  return (call: SystemCall): number => runFilter(program, call);
}

const x86_64 = (number: number, ...args: bigint[]): SystemCall => ({ arch: AUDIT_ARCH_X86_64, number, args });
const i386 = (number: number, ...args: bigint[]): SystemCall => ({ arch: AUDIT_ARCH_I386, number, args });
const x32 = (number: number): SystemCall => ({ arch: AUDIT_ARCH_X86_64, number: number | X32_BIT });
const profile = (content: object): SeccompChoice => ({ kind: "custom", json: JSON.stringify(content) });

describe("the default filter", () => {
  const cases: [string, SystemCall, number][] = [
    ["read", x86_64(0), ALLOW],
    ["read of i386", i386(3), ALLOW],
    ["read of x32", x32(0), ALLOW],
    ["mount", x86_64(165), EPERM],
    ["mount of i386", i386(21), EPERM],
    ["mount of x32", x32(165), EPERM],
    ["unshare", x86_64(272), EPERM],
    ["keyctl", x86_64(250), EPERM],
    ["kexec_load", x86_64(246), EPERM],
    ["io_uring_setup", x86_64(425), EPERM],
    ["userfaultfd", x86_64(323), EPERM],
    ["chroot, for CAP_SYS_CHROOT is a default", x86_64(161), ALLOW],
    ["ptrace, since kernel 4.8", x86_64(101), ALLOW],
    ["socket of AF_INET", x86_64(41, 2n), ALLOW],
    ["socket of AF_VSOCK", x86_64(41, 40n), EPERM],
    ["socket of AF_VSOCK of i386", i386(359, 40n), EPERM],
    ["clone of a thread", x86_64(56, 0x3d0f00n), ALLOW],
    ["clone with CLONE_NEWUSER", x86_64(56, 0x10000000n), EPERM],
    ["clone with CLONE_NEWCGROUP among others", x86_64(56, 0x02000011n), EPERM],
    ["clone3", x86_64(435), ENOSYS],
    ["personality of Linux", x86_64(135, 0n), ALLOW],
    ["personality being asked", x86_64(135, 0xffffffffn), ALLOW],
    ["personality ADDR_NO_RANDOMIZE", x86_64(135, 0x40000n), EPERM],
    ["arch_prctl", x86_64(158), ALLOW],
    ["mseal, newer than libseccomp", x86_64(462), ALLOW],
    ["mseal of i386", i386(462), ALLOW],
    ["mseal of x32", x32(462), ALLOW],
    ["removexattrat, the newest that the profile names", x86_64(466), ALLOW],
    ["lsm_list_modules, for CAP_SYS_ADMIN only", x86_64(461), EPERM],
    ["uretprobe", x86_64(335), ALLOW],
    ["a call newer than the profile", x86_64(467), ENOSYS],
    ["a call newer than the profile of i386", i386(467), ENOSYS],
    ["a call newer than the profile of x32, whose own calls end at 547", x32(548), ENOSYS],
    ["another machine's call", { arch: 0xc00000b7, number: 63 }, KILL_THREAD],
  ];
  for (const [title, call, answer] of cases) {
    test(title, async () => {
      expect((await filter(DEFAULT_CAPABILITIES))(call).toString(16)).toBe(answer.toString(16));
    });
  }

  test("opens with capabilities", async () => {
    const administrator = await filter([...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"]);
    for (const number of [165, 272, 435, 461]) expect(administrator(x86_64(number))).toBe(ALLOW);
    expect(administrator(x86_64(56, 0x10000000n))).toBe(ALLOW);
    const bare = await filter([]);
    expect(bare(x86_64(161))).toBe(EPERM);
  });
});

describe("a user's filter", () => {
  test("denies what it names and allows the rest, also what is newer", async () => {
    const answer = await filter(
      [],
      profile({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          { names: ["mkdir", "no_such_call"], action: "SCMP_ACT_ERRNO", errnoRet: 13 },
          { names: ["kill"], action: "SCMP_ACT_KILL_PROCESS", args: [{ index: 1, value: 9, op: "SCMP_CMP_EQ" }] },
        ],
      }),
    );
    expect(answer(x86_64(83))).toBe(errno(13));
    expect(answer(x86_64(62, 1n, 9n))).toBe(0x80000000);
    expect(answer(x86_64(62, 1n, 15n))).toBe(ALLOW);
    expect(answer(x86_64(9999))).toBe(ALLOW);
  });

  test("allows a call by number for those machines alone where it has this number", async () => {
    const answer = await filter(
      [],
      profile({
        defaultAction: "SCMP_ACT_KILL_PROCESS",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        syscalls: [{ names: ["uretprobe"], action: "SCMP_ACT_ALLOW" }],
      }),
    );
    expect(answer(x86_64(335))).toBe(ALLOW);
    expect(answer(i386(335))).not.toBe(ALLOW);
  });

  test("that the helper cannot compile is refused with the line", async () => {
    const choice = profile({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mseal"], action: "SCMP_ACT_ERRNO", args: [{ index: 1, value: 9, op: "SCMP_CMP_EQ" }] }],
    });
    await expect(filter([], choice)).rejects.toThrow(
      "the seccomp profile cannot be compiled: line 3: conditions on mseal need a newer libseccomp",
    );
  });
});

describe("the helper", () => {
  const word = fc.constantFrom(
    "default",
    "arch",
    "rule",
    "allow",
    "errno:1",
    "read",
    "x86",
    "0",
    "eq",
    "masked_eq",
    "9",
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 9 }).map((words) => words.join(" ")),
    fc.string({ unit: "binary", maxLength: 600 }),
  );
  test("compiles or refuses whatever it reads, in one line", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const input = ["default errno:1", ...lines, ""].join("\n");
        const { status, stdout, stderr } = spawnSync(nativePath("lighter-seccomp"), { input });
        expect(status).toBeOneOf([0, 1]);
        if (status === 0) expect(stdout.length % 8).toBe(0);
        else expect(stderr.toString()).toMatch(/^lighter-seccomp: [^\n]+\n$/);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a container without a filter", () => {
  test.each([
    [{ kind: "unconfined" }, false, true],
    [{ kind: "default" }, true, true],
    [profile({ defaultAction: "SCMP_ACT_ALLOW" }), true, false],
  ] as const)("%j, privileged %p: %p", async (choice, privileged, none) => {
    const made = await newCompiler().filterFor({ choice, privileged, capabilities: [] });
    expect(made === null).toBe(none);
  });
});

describe("compiled filters", () => {
  const request = { choice: { kind: "default" }, privileged: false, capabilities: ["CAP_KILL"] } as const;

  test("are remembered in memory: the same bytes, no second run", async () => {
    const compiler = newCompiler();
    expect(await compiler.filterFor(request)).toBe((await compiler.filterFor(request)) ?? new Uint8Array());
  });

  test("are read back by the next engine, whose helper is not run", async () => {
    const first = await newCompiler().filterFor(request);
    const noHelper = join(directory, "same-helper");
    // The same bytes, but nothing that can be executed.
    writeFileSync(noHelper, readFileSync(nativePath("lighter-seccomp")), { mode: 0o600 });
    const second = await new SeccompCompiler(noHelper, directory, host).filterFor(request);
    expect(second).toEqual(first);
  });

  test("that were damaged on disk are made again", async () => {
    const good = await newCompiler().filterFor(request);
    for (const name of readdirSync(directory).filter((file) => file.endsWith(".bpf"))) {
      const path = join(directory, name);
      const bytes = readFileSync(path);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    }
    expect(await newCompiler().filterFor(request)).toEqual(good);
  });

  test("leave no unfinished file", () => {
    expect(readdirSync(directory).filter((name) => !/^[0-9a-f]{64}\.bpf$|^same-helper$/.test(name))).toEqual([]);
  });
});
