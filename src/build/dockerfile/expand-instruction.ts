import { expandHeredoc, expandWord, expandWords, type Lookup } from "./expand.ts";
import { type Heredoc, heredocText } from "./heredoc.ts";
import type { CopyArguments, Instruction } from "./instruction.ts";
import type { EscapeCharacter, KeyValue } from "./words.ts";

/**
 * An instruction with its variables replaced, where the language has them: not in commands, which the shell expands, nor
 * in ONBUILD, which is for a later build. All of one instruction see the variables as they were before it.
 * @throws invalid, naming the word.
 */
export function expandInstruction<T extends Instruction>(
  instruction: T,
  lookup: Lookup,
  escapeChar: EscapeCharacter,
): T {
  return { ...instruction, ...expandedFields(instruction, lookup, escapeChar) };
}

function expandedFields(instruction: Instruction, lookup: Lookup, escapeChar: EscapeCharacter): Partial<Instruction> {
  const word = (text: string) => expandWord(text, lookup, escapeChar);
  const pairs = (list: readonly KeyValue[]) => list.map(({ key, value }) => ({ key: word(key), value: word(value) }));
  const inline = (heredoc: Heredoc): Heredoc => {
    const content = heredocText(heredoc);
    return {
      ...heredoc,
      content: heredoc.expand ? expandHeredoc(content, lookup, escapeChar) : content,
      stripTabs: false,
    };
  };
  const copy = (args: CopyArguments) => ({
    sources: args.sources.map(word),
    inline: args.inline.map(inline),
    destination: word(args.destination),
    chown: args.chown === null ? null : word(args.chown),
    chmod: args.chmod === null ? null : word(args.chmod),
    exclude: args.exclude.map(word),
  });
  switch (instruction.kind) {
    case "ADD":
      return { ...copy(instruction), checksum: instruction.checksum === null ? null : word(instruction.checksum) };
    case "COPY":
      return copy(instruction);
    case "ARG":
      return {
        args: instruction.args.map(({ name, value }) => ({
          name: word(name),
          value: value === null ? null : word(value),
        })),
      };
    case "ENV":
      return { pairs: pairs(instruction.pairs) };
    case "LABEL":
      return instruction.literal ? {} : { pairs: pairs(instruction.pairs) };
    case "EXPOSE":
      return { ports: instruction.ports.flatMap((port) => expandWords(port, lookup, escapeChar)) };
    case "STOPSIGNAL":
      return { signal: word(instruction.signal) };
    case "USER":
      return { user: word(instruction.user) };
    case "VOLUME":
      return { paths: instruction.paths.map(word) };
    case "WORKDIR":
      return { path: word(instruction.path) };
    case "CMD":
    case "ENTRYPOINT":
    case "HEALTHCHECK":
    case "MAINTAINER":
    case "ONBUILD":
    case "RUN":
    case "SHELL":
      return {};
    default:
      return instruction satisfies never;
  }
}
