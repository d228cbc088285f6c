import { expect, test } from "bun:test";
import { parseDockerfile } from "../dockerfile/parse-dockerfile.ts";
import { checkDockerfile } from "./checks.ts";

const rows: readonly (readonly [string, string, string])[] = [
  ["from busybox\nRUN a\nRUN b", "ConsistentInstructionCasing", "Command 'from' should match"],
  ["FROM busybox AS Build", "StageNameCasing", "Stage name 'Build' should be lowercase"],
  ["FROM busybox as b", "FromAsCasing", "'as' and 'FROM'"],
  ["FROM busybox AS scratch", "ReservedStageName", 'reserved stage "scratch"'],
  ["FROM --platform=$TARGETPLATFORM busybox", "RedundantTargetPlatform", "is redundant"],
  ["FROM --platform=linux/amd64 busybox", "FromPlatformFlagConstDisallowed", '"linux/amd64"'],
  ["FROM busybox:$V", "UndefinedArgInFrom", "FROM argument 'V' is not declared"],
  ["FROM busybox\nMAINTAINER me", "MaintainerDeprecated", "in favor of using label"],
  ["FROM busybox\nCMD a", "JSONArgsRecommended", "recommended for CMD"],
  ['FROM busybox\nCMD ["a"]\nCMD ["b"]', "MultipleInstructionsDisallowed", "Multiple CMD"],
  ["FROM busybox\nENV a b", "LegacyKeyValueFormat", 'legacy "ENV key value"'],
  ["FROM busybox\nARG API_TOKEN", "SecretsUsedInArgOrEnv", '(ARG "API_TOKEN")'],
  ["FROM busybox\nWORKDIR a", "WorkdirRelativePath", 'Relative workdir "a"'],
];

test.each(rows)("%p breaks the rule %s", (text, rule, message) => {
  const findings = checkDockerfile(parseDockerfile(text, "Dockerfile"), [], []);
  expect(findings).toEqual([expect.objectContaining({ rule, message: expect.stringContaining(message) })]);
});

test.each([
  'FROM busybox AS build\nENV a=b PUBLIC_KEY=c\nWORKDIR /a\nWORKDIR b\nCMD ["a"]',
  "ARG V\nFROM busybox:$V\nARG TOKEN_FILE",
  "# check=skip=all\nFROM busybox as B\nCMD a",
  "# check=skip=JSONArgsRecommended,StageNameCasing\nFROM busybox AS B\nCMD a",
])("%p breaks none", (text) => {
  expect(checkDockerfile(parseDockerfile(text, "Dockerfile"), [], [])).toEqual([]);
});
