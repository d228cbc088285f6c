import { expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { LighterError } from "../base/errors.ts";
import { CreateBodySchema, ExecConfigSchema } from "../engine/container-config.ts";
import { parseInput } from "./parse-input.ts";

test("the message names the first field that is wrong", () => {
  const parse = (input: unknown) => () => parseInput(CreateBodySchema, input, "invalid JSON");
  expect(parse({ HostConfig: { Memory: "1g" } })).toThrow(
    "invalid JSON: HostConfig.Memory: expected number, received string",
  );
  expect(parse({ Env: ["A=1", 2] })).toThrow("invalid JSON: Env.1: expected string, received number");
  expect(parse([])).toThrow("invalid JSON: expected object, received array");
  expect(() => parseInput(z.string(), 1, "what")).toThrow(
    new LighterError("invalid", "INVALID_INPUT", "what: expected string, received number"),
  );
});

test.each([
  ["create", CreateBodySchema],
  ["exec", ExecConfigSchema],
])("whatever JSON comes as a body of %s is taken or refused", (_name, schema) => {
  const fields = Object.keys(schema.parse({})).concat(["HostConfig", "__proto__", "constructor", "toString"]);
  const body = fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), fc.jsonValue());
  fc.assert(
    fc.property(body, (document) => {
      const input: unknown = JSON.parse(JSON.stringify(document));
      try {
        parseInput(schema as z.ZodType<unknown>, input, "invalid JSON");
      } catch (error) {
        expect(error).toMatchObject({ kind: "invalid", code: "INVALID_INPUT" });
      }
    }),
    { interruptAfterTimeLimit: 500, numRuns: 2000 },
  );
});
