import { expect, test } from "bun:test";
import { hostArchitecture } from "../../image/config.ts";
import { platformOf } from "../platform.ts";
import { BuildArgs } from "./build-args.ts";

function argsOf(given: readonly (readonly [string, string | null])[]): BuildArgs {
  return new BuildArgs(new Map(given), platformOf(""), "");
}

test("a stage sees the arguments that it names, with the given value before its default before the global one", () => {
  const args = argsOf([["GIVEN", "given"]]);
  args.declareGlobal("GLOBAL", "global");
  args.declareGlobal("BOTH", "global");
  args.beginStage();
  const see = args.stageLookup([]);
  expect(see("GLOBAL")).toBeUndefined();
  args.declare("GLOBAL", null);
  args.declare("BOTH", "stage");
  args.declare("GIVEN", "default");
  args.declare("NOTHING", null);
  expect(["GLOBAL", "BOTH", "GIVEN", "NOTHING"].map(see)).toEqual(["global", "stage", "given", undefined]);
  args.beginStage();
  expect(see("GIVEN")).toBeUndefined();
});

test("FROM sees what stands before it, and the platform", () => {
  const args = argsOf([["VERSION", "2"]]);
  args.declareGlobal("VERSION", "1");
  expect(args.globalLookup("VERSION")).toBe("2");
  expect(args.globalLookup("BUILDPLATFORM")).toBe(`linux/${hostArchitecture()}`);
});

test("the environment wins over an argument of the same name", () => {
  const args = argsOf([["A", "given"]]);
  args.beginStage();
  args.declare("A", null);
  expect(args.stageLookup(["A=image"])("A")).toBe("image");
  expect(args.forRun(["A=image"])).toEqual([]);
  expect(args.forRun([])).toEqual(["A=given"]);
});

test("proxies reach RUN unasked but leave a trace only where an ARG names them", () => {
  const args = argsOf([["http_proxy", "p"]]);
  args.beginStage();
  expect(args.forRun([])).toEqual(["http_proxy=p"]);
  expect(args.recorded(args.forRun([]))).toEqual([]);
  args.declare("http_proxy", null);
  expect(args.recorded(args.forRun([]))).toEqual(["http_proxy=p"]);
});

test("arguments that nobody asked for are told", () => {
  const args = argsOf([
    ["b", "1"],
    ["a", "1"],
    ["HTTPS_PROXY", "p"],
    ["used", "1"],
  ]);
  args.declare("used", null);
  expect(args.unused()).toEqual(["a", "b"]);
});
