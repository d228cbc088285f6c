// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../../base/errors.ts";
import { expandHeredoc, expandWord, expandWords } from "./expand.ts";

const VARIABLES: Readonly<Record<string, string>> = {
  NAME: "value",
  EMPTY: "",
  BLANKS: "a b  c",
  PATH: "/usr/local/bin:/usr/bin",
  FILE: "archive.tar.gz",
  STARS: "a*b*c",
  "1": "one",
  Ü: "umlaut",
};
const lookup = (name: string) => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined);

describe("a word", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["plain", "plain"],
    ["$NAME", "value"],
    ["${NAME}", "value"],
    ["a$NAME/b", "avalue/b"],
    ["a${NAME}b", "avalueb"],
    ["$NAMEX", ""],
    ["$UNSET", ""],
    ["$", "$"],
    ["a$", "a$"],
    ["$/", "$/"],
    ["$1x", "onex"],
    ["$Ü", "umlaut"],
    ["\\$NAME", "$NAME"],
    ["\\\\$NAME", "\\value"],
    ["a\\ b", "a b"],
    ["a\\", "a"],
    ["'$NAME'", "$NAME"],
    ["'a\\b'", "a\\b"],
    ['"$NAME"', "value"],
    ['"\\$NAME"', "$NAME"],
    ['"a\\b"', "a\\b"],
    ['"a\\"b"', 'a"b'],
    ['"it\'s"', "it's"],
    ["'say \"x\"'", 'say "x"'],
    ["\"a\"'b'c", "abc"],
    ["${NAME:-other}", "value"],
    ["${EMPTY:-other}", "other"],
    ["${EMPTY-other}", ""],
    ["${UNSET:-other}", "other"],
    ["${UNSET-other}", "other"],
    ["${UNSET:-$NAME}", "value"],
    ["${UNSET:-${EMPTY:-deep}}", "deep"],
    ["${UNSET:-'$NAME'}", "$NAME"],
    ["${UNSET:-a\\}b}", "a}b"],
    ["${NAME:+other}", "other"],
    ["${EMPTY:+other}", ""],
    ["${EMPTY+other}", "other"],
    ["${UNSET+other}", ""],
    ["${NAME:?must}", "value"],
    ["${EMPTY?must}", ""],
    ["${PATH#*:}", "/usr/bin"],
    ["${PATH#*/}", "usr/local/bin:/usr/bin"],
    ["${PATH##*/}", "bin"],
    ["${FILE%.*}", "archive.tar"],
    ["${FILE%%.*}", "archive"],
    ["${FILE%.zip}", "archive.tar.gz"],
    ["${FILE#????}", "ive.tar.gz"],
    ["${STARS#a\\*}", "b*c"],
    ["${UNSET#a}", ""],
    ["${PATH/bin/sbin}", "/usr/local/sbin:/usr/bin"],
    ["${PATH//bin/sbin}", "/usr/local/sbin:/usr/sbin"],
    ["${PATH//\\//-}", "-usr-local-bin:-usr-bin"],
    ["${PATH//bin/}", "/usr/local/:/usr/"],
    ["${FILE/.*/}", "archive"],
    ["${NAME/nothing/x}", "value"],
  ];
  for (const [word, expected] of rows) {
    test(word, () => {
      expect(expandWord(word, lookup, "\\")).toBe(expected);
    });
  }
});

describe("a word that is refused", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["${NAME", "syntax error: missing '}'"],
    ["${", "syntax error: missing '}'"],
    ["${}", "syntax error: bad substitution"],
    ["${{NAME}}", "syntax error: bad substitution"],
    ["${NAME!x}", "unsupported modifier (!) in substitution"],
    ["${NAME:=x}", "unsupported modifier (:=) in substitution"],
    ["${UNSET:?}", "UNSET: is not allowed to be unset"],
    ["${EMPTY:?}", "EMPTY: is not allowed to be empty"],
    ["${UNSET?needed here}", "UNSET: needed here"],
    ["'open", "unexpected end of statement while looking for matching single-quote"],
    ['"open', "unexpected end of statement while looking for matching double-quote"],
    ["${NAME:-open", "unexpected end of statement while looking for matching }"],
    ["${NAME#a\\b}", "invalid pattern (a\\b) in substitution: invalid escape '\\b'"],
  ];
  for (const [word, message] of rows) {
    test(word, () => {
      expect(() => expandWord(word, lookup, "\\")).toThrow(`failed to process ${JSON.stringify(word)}: ${message}`);
    });
  }
});

describe("words after expansion", () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["$BLANKS", ["a", "b", "c"]],
    ['"$BLANKS"', ["a b  c"]],
    ["x$BLANKS", ["xa", "b", "c"]],
    ["$UNSET", []],
    ["a\\ b", ["a b"]],
    ["80 $NAME", ["80", "value"]],
  ];
  for (const [word, expected] of rows) {
    test(word, () => {
      expect(expandWords(word, lookup, "\\")).toEqual([...expected]);
    });
  }
});

test("a backquote escapes where the directive says so", () => {
  expect(expandWord("C:\\dir\\`$NAME", lookup, "`")).toBe("C:\\dir\\$NAME");
});

test("a here-document keeps its quotes", () => {
  expect(expandHeredoc("say '$NAME' \"x\" \\$y\n", lookup, "\\")).toBe("say 'value' \"x\" $y\n");
});

test("any word ends with a text or a refusal", () => {
  const word = fc.array(fc.constantFrom(..."$ {}:-+?#%/\\'\"*ab NAME".split(""), "${NAME", "${UNSET:-"), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(word, (parts) => {
      try {
        expandWord(parts.join(""), lookup, "\\");
      } catch (error) {
        expect(error).toBeInstanceOf(LighterError);
      }
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000 },
  );
});

test("substitutions nested without end are refused, not followed", () => {
  expect(() => expandWord("${a:-".repeat(10_000), lookup, "\\")).toThrow("nest deeper than");
});
