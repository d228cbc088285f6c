import { expect, test } from "bun:test";
import { median } from "./statistics.ts";
import { table } from "./table.ts";

test("the median is the middle one, or halfway between the two in the middle", () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(median([])).toBeNaN();
});

test("the table shows medians, and ratios to the rival where it was measured", () => {
  const row = { key: "run", title: "run true", unit: "ms", target: 12 } as const;
  const measured = [{ row, values: { docker: [320, 300, 340], lighter: [20, 10, 19] } }];
  expect(table(measured, ["docker", "lighter"], "docker")).toBe(
    [
      "|          | docker | lighter         | target |",
      "| ---      | ---    | ---             | ---    |",
      "| run true | 320 ms | 19.0 ms (16.8x) | 12x    |",
    ].join("\n"),
  );
  expect(table(measured, ["lighter"], "docker")).toContain("| run true | 19.0 ms |");
});
