import { expect, test } from "bun:test";
import { ContainerConfigSchema } from "./container-config.ts";
import { mergeConfig } from "./merge-config.ts";

const image = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["PATH=/bin", "A=image"],
  Labels: { from: "image", kept: "yes" },
  WorkingDir: "/srv",
};

const merge = (user: object) => mergeConfig(ContainerConfigSchema.parse(user), image);

test("what the user leaves open comes from the image", () => {
  expect(merge({})).toMatchObject({ Entrypoint: ["/entry"], Cmd: ["serve"], WorkingDir: "/srv" });
});

test("a command of the user's keeps the image's entrypoint", () => {
  expect(merge({ Cmd: ["sh"] })).toMatchObject({ Entrypoint: ["/entry"], Cmd: ["sh"] });
});

test("an entrypoint of the user's drops the image's command", () => {
  expect(merge({ Entrypoint: ["sh"] })).toMatchObject({ Entrypoint: ["sh"], Cmd: null });
});

test("an empty entrypoint clears the image's", () => {
  expect(merge({ Entrypoint: [""], Cmd: ["ls"] })).toMatchObject({ Entrypoint: null, Cmd: ["ls"] });
});

test("variables and labels are united, the user's win", () => {
  const merged = merge({ Env: ["A=user", "B=1"], Labels: { from: "user" } });
  expect(merged.Env).toEqual(["A=user", "B=1", "PATH=/bin"]);
  expect(merged.Labels).toEqual({ from: "user", kept: "yes" });
});
