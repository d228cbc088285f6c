import { expect, test } from "bun:test";
import { parseIpv4 } from "./ipv4.ts";
import { macAddressOf, parseMacAddress, randomMacAddress } from "./mac-address.ts";

test("an address gives the hardware address that Docker gives it", () => {
  expect(String(macAddressOf(parseIpv4("172.17.0.2") ?? 0))).toBe("02:42:ac:11:00:02");
  expect(String(macAddressOf(parseIpv4("255.255.255.255") ?? 0))).toBe("02:42:ff:ff:ff:ff");
});

test.each([
  ["02:42:AC:11:00:02", "02:42:ac:11:00:02"],
  ["92-d0-c6-0a-29-33", "92:d0:c6:0a:29:33"],
])("%s is read as %s", (text, expected) => {
  expect(String(parseMacAddress(text))).toBe(expected);
});

test.each(["", "zz", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "01:00:5e:00:00:01", "00:00:00:00:00:00"])(
  "%p is refused",
  (text) => {
    expect(() => parseMacAddress(text)).toThrow(`invalid MAC address: ${text}`);
  },
);

test("a random one is valid", () => {
  const address = randomMacAddress();
  expect(parseMacAddress(address)).toBe(address);
});
