import { expect, test } from "bun:test";
import { ContainerConfigSchema, HostConfigSchema } from "./container-config.ts";
import { attributeText, logAttributes } from "./log-attributes.ts";

function attributes(options: Record<string, string>) {
  return logAttributes({
    id: "a".repeat(64),
    name: "web",
    imageId: `sha256:${"b".repeat(64)}`,
    config: ContainerConfigSchema.parse({
      Image: "busybox",
      Labels: { tier: "front end", team: "x" },
      Env: ["MODE=a=b", "MODEL=1", "BARE"],
    }),
    hostConfig: HostConfigSchema.parse({ LogConfig: { Type: "json-file", Config: options } }),
  });
}

test.each([
  [{}, {}],
  [{ labels: "tier,nosuch" }, { tier: "front end" }],
  [{ "labels-regex": "^t" }, { tier: "front end", team: "x" }],
  [{ env: "MODE,BARE" }, { MODE: "a=b", BARE: "" }],
  [{ "env-regex": "^MODE" }, { MODE: "a=b", MODEL: "1" }],
  [{ tag: "{{.Name}}/{{ .ID }}-{{.ImageName}}" }, { tag: `web/${"a".repeat(12)}-busybox` }],
])("the options %j choose %j", (options, expected) => {
  expect(attributes(options)).toEqual(expected);
});

test.each([[{ "env-regex": "(" }], [{ tag: "{{.Nosuch}}" }], [{ tag: "{{toString}}" }]])("%j is refused", (options) => {
  expect(() => attributes(options)).toThrow();
});

test("attributes stand sorted and escaped before a line", () => {
  expect(attributeText({ b: "x y", a: "1=2" })).toBe("a=1%3D2,b=x+y ");
  expect(attributeText({})).toBe("");
});
