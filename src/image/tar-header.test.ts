import { describe, expect, test } from "bun:test";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

const field = (header: Buffer, at: number, length: number) => header.toString("latin1", at, at + length);

test("a file's header has its name, size and the sum of its bytes", () => {
  const header = tarHeader("index.json", 1234);
  expect(field(header, 0, 11)).toBe("index.json\0");
  expect(field(header, 124, 12)).toBe("00000002322\0");
  expect(field(header, 156, 1)).toBe("0");
  const told = Number.parseInt(field(header, 148, 6), 8);
  header.write(" ".repeat(8), 148);
  expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(told);
});

test("a name with a slash at its end is a directory", () => {
  expect(field(tarHeader("blobs/", 0), 156, 1)).toBe("5");
});

test("a size of more than eleven octal digits is written in base 256", () => {
  const size = 8 ** 11 + 5;
  const header = tarHeader("large", size);
  expect(header[124]).toBe(0x80);
  expect(header.readBigUInt64BE(128)).toBe(BigInt(size));
  expect(field(tarHeader("large", 8 ** 11 - 1), 124, 12)).toBe("77777777777\0");
});

describe("content is filled up to whole blocks", () => {
  test.each([
    [0, 0],
    [1, 511],
    [511, 1],
    [512, 0],
    [513, 511],
  ])("%d bytes by %d", (size, padding) => expect(tarPadding(size).length).toBe(padding));
  test("and an archive ends with two", () => expect(TAR_END.length).toBe(1024));
});
