import { expect, test } from "bun:test";
import type { Port } from "../../client/container-documents.ts";
import { ellipsis, formatPorts } from "./container-list.ts";

const published = (PrivatePort: number, PublicPort: number, IP = "0.0.0.0", Type = "tcp"): Port => ({
  IP,
  PrivatePort,
  PublicPort,
  Type,
});
const exposed = (PrivatePort: number, Type = "tcp"): Port => ({ PrivatePort, Type });

const cases: readonly [ports: readonly Port[], shown: string][] = [
  [[], ""],
  [[exposed(80)], "80/tcp"],
  [[published(80, 8080)], "0.0.0.0:8080->80/tcp"],
  [[published(80, 8080), published(80, 8080, "::")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"],
  [[exposed(90), exposed(91), exposed(92), exposed(95)], "90-92/tcp, 95/tcp"],
  [[published(90, 90), published(91, 91)], "0.0.0.0:90-91->90-91/tcp"],
  [[exposed(53, "udp"), exposed(53)], "53/tcp, 53/udp"],
  [[published(443, 8443), exposed(80)], "0.0.0.0:8443->443/tcp, 80/tcp"],
];

test.each(cases)("%p", (ports, shown) => {
  expect(formatPorts(ports)).toBe(shown);
});

test.each([
  ["short", "short"],
  ["exactly ten", "exactly t…"],
  ["größenwahn", "größenwahn"],
])("%p in ten characters is %p", (text, shown) => {
  expect(ellipsis(text, 10)).toBe(shown);
});
