import { describe, expect, test } from "bun:test";
import { applyChanges } from "../build/apply-changes.ts";
import type { HistoryEntry, ImageRunConfig } from "./config.ts";
import { configBefore, instructionOf } from "./replay-history.ts";

function apply(config: ImageRunConfig, instruction: string): ImageRunConfig {
  return { ...config, ...applyChanges(config, [instruction]) };
}

function nop(text: string): HistoryEntry {
  return { created_by: `/bin/sh -c #(nop)  ${text}`, empty_layer: true };
}

function buildkit(text: string): HistoryEntry {
  return { created_by: text, comment: "buildkit.dockerfile.v0" };
}

test.each<[HistoryEntry, string | null]>([
  [nop('CMD ["sh"]'), 'CMD ["sh"]'],
  [nop('CMD ["echo" "a \\" b"]'), 'CMD ["echo", "a \\" b"]'],
  [nop("COPY file:abc in /x "), null],
  [{ created_by: "/bin/sh -c apt-get update" }, null],
  [{ created_by: "CMD of a person's own" }, null],
  [buildkit("ENV A=b"), "ENV A=b"],
  [buildkit("RUN /bin/sh -c true # buildkit"), null],
  [buildkit("EXPOSE map[53/udp:{} 80/tcp:{}]"), "EXPOSE 53/udp 80/tcp"],
  [buildkit("EXPOSE [80/tcp]"), "EXPOSE 80/tcp"],
  [buildkit("VOLUME [/data /more]"), "VOLUME /data /more"],
  [buildkit('VOLUME ["/data"]'), 'VOLUME ["/data"]'],
  [buildkit("WORKDIR /srv"), "WORKDIR /srv"],
  [{}, null],
])("%j is the instruction %j", (entry, instruction) => {
  expect(instructionOf(entry)).toBe(instruction);
});

describe("the configuration before some steps", () => {
  const steps = [nop("ENV A=1"), nop('CMD ["one"]'), nop("ENV B=2"), nop('CMD ["two"]'), nop("USER ann")];
  const actual = { Env: ["A=1", "B=2"], Cmd: ["two"], User: "ann" };

  test("is what the steps until then made", () => {
    expect(configBefore({}, steps.slice(0, 2), steps.slice(2), actual, apply)).toEqual({
      config: { Env: ["A=1"], Cmd: ["one"] },
      kept: [],
    });
  });

  test("begins with that of an image that is known", () => {
    const start = { Env: ["A=1", "PATH=/bin"], Cmd: ["one"] };
    const end = { ...actual, Env: ["A=1", "PATH=/bin", "B=2"] };
    expect(configBefore(start, [], steps.slice(2), end, apply)).toEqual({ config: start, kept: [] });
  });

  test("keeps the fields that the history does not explain", () => {
    const changed = { ...actual, Entrypoint: ["run"], Labels: { by: "commit" } };
    const { config, kept } = configBefore({}, steps.slice(0, 2), steps.slice(2), changed, apply);
    expect(kept).toEqual(["Entrypoint", "Labels"]);
    expect(config).toEqual({ Env: ["A=1"], Cmd: ["one"], Entrypoint: ["run"], Labels: { by: "commit" } });
  });

  test("keeps those variables that no step tells of", () => {
    const changed = { ...actual, Env: ["PATH=/bin", "A=1", "B=2"] };
    const { config, kept } = configBefore({}, steps.slice(0, 2), steps.slice(2), changed, apply);
    expect(kept).toEqual(["Env"]);
    expect(config.Env).toEqual(["PATH=/bin", "A=1"]);
  });

  test("keeps all variables where one has another value than the steps gave it", () => {
    const changed = { ...actual, Env: ["A=other", "B=2"] };
    expect(configBefore({}, steps.slice(0, 2), steps.slice(2), changed, apply).config.Env).toEqual(["A=other", "B=2"]);
  });

  test("is not led astray by steps that are no instructions", () => {
    const odd = [nop("HEALTHCHECK nonsense"), ...steps];
    expect(configBefore({}, odd.slice(0, 3), odd.slice(3), actual, apply).config).toEqual({
      Env: ["A=1"],
      Cmd: ["one"],
    });
  });
});
