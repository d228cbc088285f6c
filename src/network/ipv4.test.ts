import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { contains, formatIpv4, formatSubnet, lastAddress, overlaps, parseCidr, parseIpv4 } from "./ipv4.ts";

function subnet(text: string) {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`${text} is no subnet`);
  return parsed.subnet;
}

test("an address survives printing and parsing", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (n) => parseIpv4(formatIpv4(n)) === n));
});

test("text that is no address is refused and never throws", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const address = parseIpv4(text);
      return address === undefined || formatIpv4(address) === text;
    }),
  );
});

test.each(["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "::1", "1.2.3.-4"])(
  "%p is no address",
  (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  },
);

test.each(["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/08", "fd00::/64", "a/8"])(
  "%p is no subnet",
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);

describe("subnets", () => {
  test.each([
    ["172.17.0.5/16", "172.17.0.0/16", "172.17.255.255"],
    ["10.1.1.7/24", "10.1.1.0/24", "10.1.1.255"],
    ["10.1.1.7/32", "10.1.1.7/32", "10.1.1.7"],
    ["200.1.1.7/0", "0.0.0.0/0", "255.255.255.255"],
  ])("%s lies in %s, which ends at %s", (text, base, last) => {
    expect(formatSubnet(subnet(text))).toBe(base);
    expect(formatIpv4(lastAddress(subnet(text)))).toBe(last);
  });

  test.each([
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.1.0.0/16", "10.2.0.0/16", false],
    ["172.16.0.0/12", "172.32.0.0/16", false],
  ])("%s and %s overlap: %p", (one, other, expected) => {
    expect(overlaps(subnet(one), subnet(other))).toBe(expected);
  });

  test("a subnet contains its first and last address and not the ones beside", () => {
    const block = subnet("10.1.1.0/24");
    expect(
      [block.base - 1, block.base, lastAddress(block), lastAddress(block) + 1].map((a) => contains(block, a)),
    ).toEqual([false, true, true, false]);
  });
});
