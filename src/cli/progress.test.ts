import { expect, test } from "bun:test";
import { drawnOver, lineByLine, type ProgressDocument, ProgressError, showProgress } from "./progress.ts";

async function* documents(...list: readonly ProgressDocument[]): AsyncGenerator<ProgressDocument> {
  yield* list;
}

const pull: readonly ProgressDocument[] = [
  { status: "Pulling from library/x", id: "latest" },
  { status: "Pulling fs layer", id: "aaa" },
  { status: "Downloading", id: "aaa", progress: "[=>  ] 1kB/2kB", progressDetail: { current: 1, total: 2 } },
  { status: "Pull complete", id: "aaa" },
  { stream: "text as it is\n" },
];

test("in a file, states are lines and bars are left out", () => {
  const show = lineByLine();
  expect(pull.map(show).join("")).toBe(
    "latest: Pulling from library/x\naaa: Pulling fs layer\naaa: Pull complete\ntext as it is\n",
  );
});

test("in a terminal, a layer's line is drawn over", () => {
  const show = drawnOver();
  expect(pull.slice(0, 4).map(show)).toEqual([
    "latest: Pulling from library/x\n",
    "aaa: Pulling fs layer\n",
    "\x1b[1A\x1b[2K\raaa: Downloading [=>  ] 1kB/2kB\x1b[1B\r",
    "\x1b[1A\x1b[2K\raaa: Pull complete\x1b[1B\r",
  ]);
});

test("an error inside the stream is thrown with the step's exit code", async () => {
  const failing = documents({ error: "no", errorDetail: { message: "the command failed", code: 9 } });
  const outcome = showProgress(failing, { quiet: true, to: "stdout" });
  await expect(outcome).rejects.toBeInstanceOf(ProgressError);
  await expect(outcome).rejects.toMatchObject({ message: "the command failed", exitCode: 9 });
});

test.each([
  ["told beside the text", { aux: { ID: "sha256:a" } }],
  ["the text of a quiet build", { stream: "sha256:a\n" }],
])("the ID is %s", async (_name, document) => {
  expect(await showProgress(documents(document), { quiet: true, to: "stdout" })).toBe("sha256:a");
});
