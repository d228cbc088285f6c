import { expect, test } from "bun:test";
import { addressBytes, checkSignal } from "./shim-request.ts";

test.each([
  ["172.17.0.2", "ac110002"],
  ["::", "00000000000000000000000000000000"],
  ["fd00::1", "fd000000000000000000000000000001"],
  ["2001:db8:1:2:3:4:5:6", "20010db8000100020003000400050006"],
  ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
])("%s in network order", (address, hex) => {
  expect(Buffer.from(addressBytes(address)).toString("hex")).toBe(hex);
});

test("what is no address is refused", () => {
  expect(() => addressBytes("10.0.0.256")).toThrow('"10.0.0.256" is not an IP address');
});

test("signals are those of Linux", () => {
  expect([0, 9, 64].map(checkSignal)).toEqual([0, 9, 64]);
  for (const wrong of [-1, 65, 1.5]) expect(() => checkSignal(wrong)).toThrow("Invalid signal");
});
