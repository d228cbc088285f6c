import { expect, test } from "bun:test";
import { HostConfigSchema } from "./container-config.ts";
import { requireModes } from "./require-modes.ts";

test.each([
  [{ PidMode: "private" }, "invalid PID mode: private"],
  [{ PidMode: "container:" }, "invalid PID mode: container:"],
  [{ IpcMode: "hots" }, "invalid IPC mode: hots"],
  [{ UTSMode: "container:x" }, "invalid UTS mode: container:x"],
  [{ CgroupnsMode: "none" }, "invalid cgroup namespace mode: none"],
  [{ UsernsMode: "auto" }, "invalid userns mode: auto"],
  [{ Isolation: "hyperv" }, "invalid isolation mode: hyperv"],
  [{ Runtime: "crun" }, "unknown or invalid runtime name: crun"],
])("%j is refused", (part, message) => {
  expect(() => requireModes(HostConfigSchema.parse(part))).toThrow(message);
});

test.each([
  {},
  { PidMode: "host", IpcMode: "shareable", UTSMode: "host", CgroupnsMode: "private", UsernsMode: "host" },
  { PidMode: "container:x", IpcMode: "container:x", Isolation: "default", Runtime: "runc" },
  { IpcMode: "none" },
])("%j is taken", (part) => {
  requireModes(HostConfigSchema.parse(part));
});
