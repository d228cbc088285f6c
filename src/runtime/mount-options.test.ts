import { expect, test } from "bun:test";
import { errnoName, parseMountOptions, parsePropagation } from "./mount-options.ts";

const none = { set: 0, clear: 0, recursiveSet: 0, propagation: 0, bind: "none", data: "" } as const;

test.each([
  [[], none],
  [["nosuid", "noexec", "nodev", "ro"], { ...none, set: 0xf }],
  [["ro", "rw"], { ...none, set: 0, clear: 1 }],
  [["rw", "ro"], { ...none, set: 1 }],
  [
    ["nosuid", "strictatime", "mode=755", "size=65536k"],
    { ...none, set: 0x22, clear: 0x70, data: "mode=755,size=65536k" },
  ],
  [["rbind", "rprivate"], { ...none, bind: "recursive", propagation: (1 << 18) | (1 << 14) }],
  [["bind", "slave", "ro"], { ...none, bind: "single", propagation: 1 << 19, set: 1 }],
  [["rbind", "ro", "rro"], { ...none, bind: "recursive", set: 1, recursiveSet: 1 }],
  [["newinstance", "ptmxmode=0666"], { ...none, data: "newinstance,ptmxmode=0666" }],
  [["relatime"], { ...none, clear: 0x70 }],
] as const)("%p", (options, expected) => {
  expect(parseMountOptions(options)).toEqual(expected);
});

test.each([
  [undefined, 0],
  ["private", (1 << 18) | (1 << 14)],
  ["rslave", (1 << 19) | (1 << 14)],
  ["shared", (1 << 20) | (1 << 14)],
  ["nonsense", 0],
])("the root's propagation %p", (name, expected) => {
  expect(parsePropagation(name)).toBe(expected);
});

test("an errno has its name", () => {
  expect([errnoName(2), errnoName(13), errnoName(4095)]).toEqual(["ENOENT", "EACCES", "errno 4095"]);
});
