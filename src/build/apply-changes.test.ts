import { describe, expect, test } from "bun:test";
import { applyChanges } from "./apply-changes.ts";
import type { Instruction } from "./dockerfile/instruction.ts";
import { parseFragment } from "./dockerfile/parse-dockerfile.ts";
import {
  type ConfigPatch,
  changeConfig,
  type MetadataInstruction,
  type ReadableConfig,
} from "./frontend/change-config.ts";

const BASE: ReadableConfig = {
  Env: ["PATH=/bin", "A=1"],
  Cmd: ["sh"],
  Labels: { a: "b" },
  ExposedPorts: { "1/tcp": {} },
  WorkingDir: "/w",
};

describe("a change of commit and import", () => {
  const rows: readonly (readonly [readonly string[], ConfigPatch])[] = [
    [[], {}],
    [["CMD ls -l"], { Cmd: ["/bin/sh", "-c", "ls -l"] }],
    [['CMD ["ls","-l"]'], { Cmd: ["ls", "-l"] }],
    [['ENTRYPOINT ["/e"]'], { Entrypoint: ["/e"], Cmd: null }],
    [['CMD ["a"]', 'ENTRYPOINT ["/e"]'], { Cmd: ["a"], Entrypoint: ["/e"] }],
    [["ENTRYPOINT []"], { Entrypoint: null, Cmd: null }],
    [["ENV A=2 B=$A"], { Env: ["PATH=/bin", "A=2", "B=1"] }],
    [["ENV A=2", "ENV B=$A"], { Env: ["PATH=/bin", "A=2", "B=2"] }],
    [
      ["EXPOSE 80 53/UDP 8000-8001"],
      { ExposedPorts: { "1/tcp": {}, "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
    ],
    [["LABEL a=c x='y z'"], { Labels: { a: "c", x: "y z" } }],
    [["USER 1000:100"], { User: "1000:100" }],
    [["VOLUME /data", 'VOLUME ["/b c"]'], { Volumes: { "/data": {}, "/b c": {} } }],
    [["WORKDIR rel", "WORKDIR ../x/"], { WorkingDir: "/w/x" }],
    [["WORKDIR /"], { WorkingDir: "/" }],
    [["STOPSIGNAL SIGINT"], { StopSignal: "SIGINT" }],
    [["ONBUILD RUN x"], { OnBuild: ["RUN x"] }],
    [["cmd true"], { Cmd: ["/bin/sh", "-c", "true"] }],
    [
      ["HEALTHCHECK --interval=5s --retries=3 CMD true"],
      {
        Healthcheck: {
          Test: ["CMD-SHELL", "true"],
          Interval: 5e9,
          Timeout: 0,
          StartPeriod: 0,
          StartInterval: 0,
          Retries: 3,
        },
      },
    ],
  ];
  for (const [changes, expected] of rows) {
    test(changes.join("; ") || "none", () => {
      expect(applyChanges(BASE, changes)).toEqual(expected);
    });
  }

  const refused: readonly (readonly [string, string])[] = [
    ["RUN x", "run is not a valid change command"],
    ["SHELL []", "SHELL requires at least one argument"],
    ["COPY a b", "copy is not a valid change command"],
    ["FROM x", "FROM isn't allowed here"],
    ["FOO x", "unknown instruction: FOO"],
    ["EXPOSE 70000", "Invalid containerPort: 70000"],
    ["EXPOSE 1-", "Invalid containerPort: 1-"],
    ["EXPOSE 9-8", "Invalid containerPort: 9-8"],
    ["EXPOSE 1/icmp", "Invalid proto: icmp"],
    ["STOPSIGNAL SIGFOO", "invalid signal: SIGFOO"],
    ["VOLUME $nothing", "VOLUME specified can not be an empty string"],
  ];
  for (const [change, message] of refused) {
    test(`${change} is refused`, () => {
      expect(() => applyChanges(BASE, [change])).toThrow(message);
    });
  }
});

describe("history shows", () => {
  const rows: readonly (readonly [string, string])[] = [
    ['CMD ["a","b c"]', 'CMD ["a" "b c"]'],
    ["CMD a b", 'CMD ["/bin/sh" "-c" "a b"]'],
    ["ENTRYPOINT []", "ENTRYPOINT []"],
    ['ENV A="b c" D=e', 'ENV A="b c" D=e'],
    ["EXPOSE 80 443/tcp 100-102", "EXPOSE 100-102 443/tcp 80"],
    ["VOLUME /a /b", "VOLUME [/a /b]"],
    ['SHELL ["/bin/ash","-c"]', "SHELL [/bin/ash -c]"],
    ["WORKDIR x", "WORKDIR /w/x"],
    ["HEALTHCHECK NONE", 'HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}'],
    [
      "HEALTHCHECK --interval=90s --timeout=250ms --retries=10 CMD a",
      'HEALTHCHECK &{["CMD-SHELL" "a"] "1m30s" "250ms" "0s" "0s" \'\\n\'}',
    ],
  ];
  for (const [line, expected] of rows) {
    test(expected, () => {
      const [instruction] = parseFragment(line, "test");
      expect(changeConfig(BASE, metadata(instruction), false).comment).toBe(expected);
    });
  }
});

function metadata(instruction: Instruction | undefined): MetadataInstruction {
  if (!instruction) throw new Error("nothing parsed");
  switch (instruction.kind) {
    case "ADD":
    case "ARG":
    case "COPY":
    case "MAINTAINER":
    case "RUN":
      throw new Error(`${instruction.kind} does not change the configuration`);
    default:
      return instruction;
  }
}
