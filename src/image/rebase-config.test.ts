import { expect, test } from "bun:test";
import { rebaseConfig } from "./rebase-config.ts";

test("what comes from the old image comes from the new one, what was changed stays", () => {
  const old = { Env: ["PATH=/bin", "A=1", "GONE=1"], Cmd: ["old"], User: "", Labels: { v: "1" } };
  const next = {
    Env: ["PATH=/bin:/opt", "A=2", "NEW=1"],
    Cmd: ["new"],
    User: "app",
    Labels: { v: "2" },
    WorkingDir: "/w",
  };
  const config = {
    Env: ["PATH=/bin", "A=mine", "B=mine", "GONE=1"],
    Cmd: ["mine"],
    User: "",
    Labels: { v: "1", own: "x" },
  };
  expect(rebaseConfig(config, old, next)).toEqual({
    Env: ["PATH=/bin:/opt", "A=mine", "NEW=1", "B=mine"],
    Cmd: ["mine"],
    User: "app",
    Labels: { v: "2", own: "x" },
    WorkingDir: "/w",
  });
});

test("what was taken away stays away", () => {
  expect(rebaseConfig({ Env: [] }, { Env: ["A=1"] }, { Env: ["A=1", "B=2"] })).toEqual({ Env: ["B=2"] });
});
