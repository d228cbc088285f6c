import { expect, test } from "bun:test";
import { checkPropagation, requirePropagation } from "./mount-propagation.ts";

const mountinfo = [
  "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
  "30 22 0:26 / /shared rw shared:5 - tmpfs tmpfs rw",
  "31 22 0:27 / /slave rw master:5 - tmpfs tmpfs rw",
].join("\n");

test.each([
  ["/shared/x", "rshared"],
  ["/shared", "slave"],
  ["/slave", "rslave"],
] as const)("%s can be %s", (path, propagation) => {
  expect(() => checkPropagation(path, propagation, mountinfo)).not.toThrow();
});

test.each([
  ["/tmp", "shared", "path /tmp is mounted on / but it is not a shared mount"],
  ["/sharedx", "rslave", "path /sharedx is mounted on / but it is not a shared or slave mount"],
  ["/slave/a", "rshared", "path /slave/a is mounted on /slave but it is not a shared mount"],
] as const)("%s cannot be %s", (path, propagation, message) => {
  expect(() => checkPropagation(path, propagation, mountinfo)).toThrow(message);
});

test("private needs nothing of the host", async () => {
  await requirePropagation("/no/such/source", "rprivate");
});
