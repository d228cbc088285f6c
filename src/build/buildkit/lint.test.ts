import { expect, test } from "bun:test";
import { parseDigest } from "../../image/digest.ts";
import { lintAnswer } from "./lint.ts";

const source = { name: "Dockerfile", text: "from busybox\n" };
const warning = {
  vertex: parseDigest(`sha256:${"0".repeat(64)}`),
  level: 1,
  short: "ConsistentInstructionCasing: Command 'from' should match the case (uppercase): so (line 1)",
  detail: [],
  url: "https://docs.example/rule/",
  file: "Dockerfile",
  firstLine: 1,
  lastLine: 1,
};

test("each finding has its rule, its text and its place, and the code says that there are some", () => {
  const answer = lintAnswer({ source, warnings: [warning] });
  expect(JSON.parse(answer["result.json"] ?? "")).toEqual({
    warnings: [
      {
        ruleName: "ConsistentInstructionCasing",
        detail: "Command 'from' should match the case (uppercase): so",
        url: "https://docs.example/rule/",
        location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] },
      },
    ],
    sources: [{ filename: "Dockerfile", language: "Dockerfile", data: btoa(source.text) }],
  });
  expect(answer["result.statuscode"]).toBe("1");
  expect(answer["result.txt"]).toContain("WARNING: ConsistentInstructionCasing - https://docs.example/rule/");
});

test("nothing found is success", () => {
  expect(lintAnswer({ source, warnings: [] })).toMatchObject({ "result.statuscode": "0", "result.txt": "" });
});
