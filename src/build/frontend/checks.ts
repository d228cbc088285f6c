import { posix } from "node:path";
import { compileIgnore } from "../../base/dockerignore.ts";
import type { Instruction, Place, Stage } from "../dockerfile/instruction.ts";
import type { Dockerfile } from "../dockerfile/parse-dockerfile.ts";
import { isHttpUrl, parseGitUrl } from "../git-url.ts";
import { hasWildcard } from "../path-match.ts";
import { variableName } from "./change-config.ts";
import type { CompiledStage } from "./compilation.ts";

/** Something in a Dockerfile that works but should not be so, by the name of BuildKit's rule for it. */
export interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly place: Pick<Place, "firstLine" | "lastLine">;
}

/** Where a rule is explained. */
export function ruleUrl(rule: string): string {
  const name = rule.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
  return `https://docs.docker.com/go/dockerfile/rule/${name}/`;
}

/**
 * Checks a Dockerfile by BuildKit's rules (docs.docker.com/reference/build-checks), but for those that its `check`
 * directive skips.
 * @param compiled the stages that were compiled, whose variables are known. @param ignore patterns of the ignore file.
 */
export function checkDockerfile(
  dockerfile: Dockerfile,
  compiled: readonly CompiledStage[],
  ignore: readonly string[],
): Finding[] {
  const { check } = dockerfile.directives;
  const [, skipped = ""] = /skip=([^;]*)/i.exec(check ?? "") ?? [];
  const skips = new Set(skipped.split(",").map((rule) => rule.trim().toLowerCase()));
  if (skips.has("all")) return [];
  const findings = [
    ...casing(dockerfile),
    ...dockerfile.stages.flatMap((stage) => [...fromRules(stage, dockerfile), ...stageRules(stage)]),
    ...dockerfile.globalArgs.flatMap((arg) => arg.args.flatMap(({ name }) => secretName(arg, name))),
    ...compiled.flatMap((stage) => undefinedVariables(stage)),
    ...compiled.flatMap(({ stage }) => ignoredFiles(stage, ignore)),
  ];
  return findings
    .filter(({ rule }) => !skips.has(rule.toLowerCase()))
    .sort((one, other) => one.place.firstLine - other.place.firstLine);
}

/** `# check=error=true`: findings fail the build. */
export function failsOnFindings({ directives }: Dockerfile): boolean {
  return /error=true/i.test(directives.check ?? "");
}

function finding(rule: string, place: Place, message: string): Finding {
  return { rule, message, place: { firstLine: place.firstLine, lastLine: place.lastLine } };
}

function wordOf({ code }: Place): string {
  return /^\S+/.exec(code)?.[0] ?? "";
}

function casing({ stages, globalArgs }: Dockerfile): Finding[] {
  const all: Place[] = [...globalArgs, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])];
  const lower = all.filter((place) => wordOf(place) === wordOf(place).toLowerCase()).length;
  const isLower = lower > all.length / 2;
  return all.flatMap((place) => {
    const word = wordOf(place);
    if (word === (isLower ? word.toLowerCase() : word.toUpperCase())) return [];
    const majority = isLower ? "lowercase" : "uppercase";
    return [
      finding(
        "ConsistentInstructionCasing",
        place,
        `Command '${word}' should match the case of the command majority (${majority})`,
      ),
    ];
  });
}

function fromRules({ from }: Stage, { globalArgs }: Dockerfile): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: string, message: string) => findings.push(finding(rule, from, message));
  const [, as, name = ""] = /\s(as)\s+(\S+)$/i.exec(from.code) ?? [];
  if (name !== name.toLowerCase()) add("StageNameCasing", `Stage name '${name}' should be lowercase`);
  if (name === "scratch" || name === "context") {
    add("ReservedStageName", `Stage name should not use the same name as reserved stage "${name}"`);
  }
  const keyword = wordOf(from);
  if (as !== undefined && (as === as.toLowerCase()) !== (keyword === keyword.toLowerCase())) {
    add("FromAsCasing", `'${as}' and '${keyword}' keywords' casing do not match`);
  }
  if (from.platform !== null && /^\$\{?TARGETPLATFORM\}?$/.test(from.platform)) {
    add(
      "RedundantTargetPlatform",
      `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`,
    );
  } else if (from.platform !== null && !from.platform.includes("$")) {
    add("FromPlatformFlagConstDisallowed", `FROM --platform flag should not use constant value "${from.platform}"`);
  }
  const declared = new Set(globalArgs.flatMap(({ args }) => args.map((arg) => arg.name)));
  for (const variable of variablesIn(`${from.base} ${from.platform ?? ""}`)) {
    if (!declared.has(variable) && !PLATFORM_ARG.test(variable)) {
      add("UndefinedArgInFrom", `FROM argument '${variable}' is not declared`);
    }
  }
  return findings;
}

const PLATFORM_ARG = /^(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT|STAGE)$/;

/** Words in names of what should not be seen, and those that make such a name harmless. */
const SECRET = /(?:^|_)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS = /(?:^|_)(?:public|file|id|url|path)(?:_|$)/i;

function secretName(place: Instruction, name: string): Finding[] {
  if (!SECRET.test(name) || HARMLESS.test(name)) return [];
  return [
    finding(
      "SecretsUsedInArgOrEnv",
      place,
      `Do not use ARG or ENV instructions for sensitive data (${place.kind} "${name}")`,
    ),
  ];
}

function stageRules({ instructions }: Stage): Finding[] {
  let hasWorkdir = false;
  const last = new Map<string, Instruction>();
  for (const instruction of instructions) last.set(instruction.kind, instruction);
  return instructions.flatMap((instruction): Finding[] => {
    const { kind, code } = instruction;
    switch (kind) {
      case "MAINTAINER":
        return [
          finding("MaintainerDeprecated", instruction, "Maintainer instruction is deprecated in favor of using label"),
        ];
      case "CMD":
      case "ENTRYPOINT":
        return [
          ...overridden(instruction, last),
          ...(instruction.command.form === "shell"
            ? [
                finding(
                  "JSONArgsRecommended",
                  instruction,
                  `JSON arguments recommended for ${kind} to prevent unintended behavior related to OS signals`,
                ),
              ]
            : []),
        ];
      case "HEALTHCHECK":
        return overridden(instruction, last);
      case "ENV":
      case "LABEL": {
        const isLegacy = /^\S+\s+[^\s=]+\s/.test(code);
        const legacy = `"${kind} key=value" should be used instead of legacy "${kind} key value" format`;
        return [
          ...(isLegacy ? [finding("LegacyKeyValueFormat", instruction, legacy)] : []),
          ...(kind === "ENV" ? instruction.pairs.flatMap(({ key }) => secretName(instruction, key)) : []),
        ];
      }
      case "ARG":
        return instruction.args.flatMap(({ name }) => secretName(instruction, name));
      case "WORKDIR": {
        const isRelative = !hasWorkdir && !/^[/$"']/.test(instruction.path);
        hasWorkdir = true;
        const message = `Relative workdir "${instruction.path}" can have unexpected results if the base image changes`;
        return isRelative ? [finding("WorkdirRelativePath", instruction, message)] : [];
      }
      default:
        return [];
    }
  });
}

function overridden(instruction: Instruction, last: ReadonlyMap<string, Instruction>): Finding[] {
  if (last.get(instruction.kind) === instruction) return [];
  return [
    finding(
      "MultipleInstructionsDisallowed",
      instruction,
      `Multiple ${instruction.kind} instructions should not be used in the same stage because only the last one will be used`,
    ),
  ];
}

/** Names in `$name` and `${name…}`; those with a default of their own are not missed. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/(?<!\\)\$(?:\{(\w+)\}|(\w+))/g)].map(([, braced, plain]) => braced ?? plain ?? "");
}

function undefinedVariables({ stage, start }: CompiledStage): Finding[] {
  const known = new Set((start.config.Env ?? []).map(variableName));
  const findings: Finding[] = [];
  for (const instruction of stage.instructions) {
    for (const variable of new Set(wordsOf(instruction).flatMap(variablesIn))) {
      if (known.has(variable) || PLATFORM_ARG.test(variable)) continue;
      findings.push(finding("UndefinedVar", instruction, `Usage of undefined variable '$${variable}'`));
    }
    if (instruction.kind === "ARG") for (const { name } of instruction.args) known.add(name);
    if (instruction.kind === "ENV") for (const { key } of instruction.pairs) known.add(key);
  }
  return findings;
}

/** What of an instruction the builder expands. */
function wordsOf(instruction: Instruction): string[] {
  switch (instruction.kind) {
    case "ADD":
    case "COPY":
      return [...instruction.sources, instruction.destination];
    case "ENV":
    case "LABEL":
      return instruction.pairs.flatMap(({ key, value }) => [key, value]);
    case "ARG":
      return instruction.args.flatMap(({ value }) => value ?? []);
    case "WORKDIR":
      return [instruction.path];
    case "USER":
      return [instruction.user];
    case "EXPOSE":
      return [...instruction.ports];
    case "VOLUME":
      return [...instruction.paths];
    case "STOPSIGNAL":
      return [instruction.signal];
    default:
      return [];
  }
}

function ignoredFiles({ instructions }: Stage, ignore: readonly string[]): Finding[] {
  if (ignore.length === 0) return [];
  const isIgnored = compileIgnore(ignore);
  return instructions.flatMap((instruction) => {
    const isOfContext = instruction.kind === "ADD" || (instruction.kind === "COPY" && instruction.from === null);
    if (!isOfContext) return [];
    return instruction.sources.flatMap((source) => {
      if (isHttpUrl(source) || parseGitUrl(source) || hasWildcard(source) || source.includes("$")) return [];
      const path = posix.normalize(source).replace(/^\/+|\/+$/g, "");
      if (path === "" || path === "." || !isIgnored(path)) return [];
      const verb = instruction.kind === "ADD" ? "Add" : "Copy";
      const message = `Attempting to ${verb} file "${source}" that is excluded by .dockerignore`;
      return [finding("CopyIgnoredFile", instruction, message)];
    });
  });
}
