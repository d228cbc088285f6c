import { expect, test } from "bun:test";
import { stripVTControlCharacters } from "node:util";
import { BuildRecord } from "./build-progress.ts";
import { picture } from "./show-terminal.ts";

const VERTEX = { digest: "d", inputs: [], name: "[1/2] RUN make", completed: null, cached: false, error: "" };

test("a running step shows its time and the end of its output, without what would move the cursor", () => {
  const record = new BuildRecord();
  const started = new Date(Date.now() - 2_000).toISOString();
  const data = Buffer.from("one\n\x1b[2Jtwo\rthree\n").toString("base64");
  record.take({ vertexes: [{ ...VERTEX, started }], logs: [{ vertex: "d", stream: "stdout", data }] });
  const [head = "", step = "", ...tail] = picture(record.steps(), 2, false);
  expect(head).toBe("[+] Building 2.0s (0/1)");
  expect(step).toMatch(/ => \[1\/2\] RUN make {2}2\.\ds/);
  expect(tail.map(stripVTControlCharacters)).toEqual([" => => # one", " => => # three"]);
});

test("what is done is told once, and failures stand out", () => {
  const record = new BuildRecord();
  const time = new Date().toISOString();
  record.take({ vertexes: [{ ...VERTEX, started: time, completed: time, cached: true }] });
  expect(picture(record.steps(), 1, true).join("\n")).toContain("(1/1) FINISHED");
  expect(picture(record.steps(), 1, true)[1]).toContain("CACHED [1/2] RUN make");
  record.take({ vertexes: [{ ...VERTEX, started: time, completed: time, error: "broken" }] });
  expect(picture(record.steps(), 1, true)[1]).toContain("ERROR [1/2] RUN make");
  expect(record.failed()?.vertex.error).toBe("broken");
});
