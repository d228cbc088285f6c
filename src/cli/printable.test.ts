import { expect, test } from "bun:test";
import { printable } from "./printable.ts";

test.each([
  ["/etc/motd", "/etc/motd"],
  ["/ä ö/日本", "/ä ö/日本"],
  ["/x\u001b[2Jy", "/x\\x1b[2Jy"],
  ["a\nb\tc\r", "a\\x0ab\\x09c\\x0d"],
  ["\u0085\u009b\u007f", "\\x85\\x9b\\x7f"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});
