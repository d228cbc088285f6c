import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AuthChallenge, formatAuthChallenge, parseAuthChallenges } from "./auth-challenge.ts";

const bearer = { realm: "https://auth.example/token", service: "registry", scope: "repository:a/b:pull,push" };

test.each<[string, AuthChallenge[]]>([
  ['Basic realm="a"', [{ scheme: "basic", parameters: { realm: "a" } }]],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  [
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',
    [{ scheme: "bearer", parameters: bearer }],
  ],
  [
    'bearer Realm = "x" , service=y, Basic realm="z"',
    [
      { scheme: "bearer", parameters: { realm: "x", service: "y" } },
      { scheme: "basic", parameters: { realm: "z" } },
    ],
  ],
  [
    'Negotiate YII==, Basic realm="z"',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "z" } },
    ],
  ],
  [
    'Basic realm="with \\"quotes\\", and a comma"',
    [{ scheme: "basic", parameters: { realm: 'with "quotes", and a comma' } }],
  ],
  ['Bearer realm="never ends', [{ scheme: "bearer", parameters: {} }]],
  ["", []],
  [",, ,", []],
])("%s", (header, expected) => {
  const plain = parseAuthChallenges(header).map(({ scheme, parameters }) => ({
    scheme,
    parameters: { ...parameters },
  }));
  expect(plain.slice(0, expected.length)).toEqual(expected);
});

test("any challenge that is written reads the same again", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const value = fc.stringMatching(/^[ -~]{0,40}$/);
  const challenge = fc.record({ scheme: name, parameters: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }) });
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 3 }), (challenges) => {
      const parsed = parseAuthChallenges(challenges.map(formatAuthChallenge).join(", "));
      expect(parsed.map((one) => ({ ...one, parameters: { ...one.parameters } }))).toEqual(
        challenges.map((one) => ({ ...one, parameters: { ...one.parameters } })),
      );
    }),
    { interruptAfterTimeLimit: 500 },
  );
});

test("garbage neither throws nor takes long", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000, unit: fc.constantFrom(...'Basic =",\\;a/ \t') }), (header) => {
      expect(parseAuthChallenges(header).length).toBeLessThanOrEqual(header.length);
    }),
    { interruptAfterTimeLimit: 500 },
  );
});
