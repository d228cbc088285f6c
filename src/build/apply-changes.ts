import { fail } from "../base/errors.ts";
import { expandInstruction } from "./dockerfile/expand-instruction.ts";
import type { Instruction } from "./dockerfile/instruction.ts";
import { parseFragment } from "./dockerfile/parse-dockerfile.ts";
import {
  type ConfigPatch,
  changeConfig,
  type MetadataInstruction,
  type ReadableConfig,
  variableName,
} from "./frontend/change-config.ts";

/**
 * What the changes of `docker commit -c` and `docker import -c` make of a configuration: the fields to lay over it,
 * `{ ...config, ...applyChanges(config, changes) }`. Each change is one instruction; variables are the configuration's own.
 * @throws invalid for an instruction that changes no configuration, or that is none.
 */
export function applyChanges(config: ReadableConfig, changes: readonly string[]): ConfigPatch {
  let patch: ConfigPatch = {};
  let commandIsSet = false;
  for (const instruction of parseFragment(changes.join("\n"), "change")) {
    if (!isChange(instruction)) {
      fail("invalid", "INVALID_CHANGE", `${instruction.kind.toLowerCase()} is not a valid change command`);
    }
    const current = { ...config, ...patch };
    const lookup = (name: string) => current.Env?.find((entry) => variableName(entry) === name)?.slice(name.length + 1);
    const expanded = expandInstruction(instruction, lookup, "\\");
    patch = { ...patch, ...changeConfig(current, expanded, commandIsSet).patch };
    if (expanded.kind === "CMD") commandIsSet = true;
  }
  return patch;
}

type Change = Exclude<MetadataInstruction, { kind: "SHELL" }>;

function isChange(instruction: Instruction): instruction is Change & Instruction {
  switch (instruction.kind) {
    case "CMD":
    case "ENTRYPOINT":
    case "ENV":
    case "EXPOSE":
    case "HEALTHCHECK":
    case "LABEL":
    case "ONBUILD":
    case "STOPSIGNAL":
    case "USER":
    case "VOLUME":
    case "WORKDIR":
      return true;
    case "ADD":
    case "ARG":
    case "COPY":
    case "MAINTAINER":
    case "RUN":
    case "SHELL":
      return false;
    default:
      return instruction satisfies never;
  }
}
