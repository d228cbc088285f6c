import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  containsIpv6,
  formatIpv6,
  formatIpv6Subnet,
  isUsableIpv6,
  lowestFreeIpv6,
  overlapsIpv6,
  parseIpv6,
  parseIpv6Cidr,
  randomIpv6Subnet,
} from "./ipv6.ts";

test.each([
  ["::", 0n],
  ["::1", 1n],
  ["fd00::2", (0xfd00n << 112n) + 2n],
  ["0:0:0:0:0:0:0:1", 1n],
  ["::ffff:1.2.3.4", (0xffffn << 32n) + 0x01020304n],
  ["1:2:3:4:5:6:7:8", 0x00010002000300040005000600070008n],
])("%s is an address", (text, address) => {
  expect(parseIpv6(text)).toBe(address);
});

test.each(["", "fd00", "fe80::1%eth0", "1.2.3.4", ":::", "g::1"])("%p is none", (text) => {
  expect(parseIpv6(text)).toBeUndefined();
});

test("an address is written in one form, and read back", () => {
  expect(formatIpv6(parseIpv6("FD00:0:0:0::000A") ?? 0n)).toBe("fd00::a");
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (address) => {
      expect(parseIpv6(formatIpv6(address))).toBe(address);
    }),
  );
});

test("a block has its base without the host's bits", () => {
  const block = parseIpv6Cidr("fd00:1::7/64") ?? { base: 0n, prefixLength: 0 };
  expect(formatIpv6Subnet(block)).toBe("fd00:1::/64");
  expect(containsIpv6(block, parseIpv6("fd00:1::ffff") ?? 0n)).toBe(true);
  expect(containsIpv6(block, parseIpv6("fd00:1:0:1::") ?? 0n)).toBe(false);
  expect(parseIpv6Cidr("fd00::/129")).toBeUndefined();
  expect(parseIpv6Cidr("10.0.0.0/8")).toBeUndefined();
});

test.each([
  ["fd00::/64", true],
  ["2001:db8::/126", true],
  ["fd00::/127", false],
  ["::/64", false],
  ["fe80::/64", false],
  ["ff05::/64", false],
  ["2000::/4", false],
])("%s is %p for a network", (text, usable) => {
  expect(isUsableIpv6(parseIpv6Cidr(text) ?? { base: 0n, prefixLength: 0 })).toBe(usable);
});

test("addresses are given from the lowest, until there are none", () => {
  const block = parseIpv6Cidr("fd00::/126") ?? { base: 0n, prefixLength: 0 };
  expect(lowestFreeIpv6(block, new Set([block.base + 1n]))).toBe(block.base + 2n);
  expect(() => lowestFreeIpv6(block, new Set([1n, 2n, 3n].map((host) => block.base + host)))).toThrow(
    "no available IPv6",
  );
});

test("a block of one's own is unique local", () => {
  const block = randomIpv6Subnet();
  expect(formatIpv6Subnet(block)).toMatch(/^fd.*::\/64$/);
  expect(overlapsIpv6(block, block)).toBe(true);
});
