import { expect, test } from "bun:test";
import fc from "fast-check";
import { compileTemplate } from "./go-template.ts";

const document = {
  Id: "0123456789abcdef",
  Name: "/web",
  Count: 3,
  Size: 1.5,
  Up: true,
  Nothing: null,
  Cmd: ["sh", "-c", "true"],
  Empty: [],
  Labels: { b: "2", a: "1", "com.example.x": "y<z" },
  Nested: { Deep: { Value: "v" } },
  Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "81/tcp": null },
  Label: (name: unknown) => `label ${name}`,
};

/** Each with what Go's text/template and Docker's functions print for the same value. */
const cases: readonly [template: string, output: string][] = [
  ["", ""],
  ["plain } text", "plain } text"],
  ["{{.Name}}", "/web"],
  ["{{ .Name }}:{{.Count}}", "/web:3"],
  ["{{.Nested.Deep.Value}}", "v"],
  ["{{.Up}} {{.Size}} {{.Nothing}}", "true 1.5 <nil>"],
  ["{{.Cmd}} {{.Empty}}", "[sh -c true] []"],
  ["{{.Labels}}", "map[a:1 b:2 com.example.x:y<z]"],
  ["{{.Missing}}", "<no value>"],
  ["{{json .Labels}}", '{"b":"2","a":"1","com.example.x":"y\\u003cz"}'],
  ["{{json .Nothing}} {{json .Name}}", 'null "/web"'],
  ['{{index .Cmd 1}} {{index .Labels "a"}}', "-c 1"],
  ['{{(index (index .Ports "80/tcp") 0).HostPort}}', "8080"],
  ['{{index .Labels "nosuch"}}', "<no value>"],
  ["{{len .Cmd}} {{len .Labels}} {{len .Name}}", "3 3 4"],
  ["{{if .Up}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Empty}}yes{{else}}no{{end}}", "no"],
  ["{{if .Nothing}}a{{else if eq .Count 3}}b{{else}}c{{end}}", "b"],
  ["{{if and .Up (gt .Count 2)}}x{{end}}{{if not .Up}}y{{end}}", "x"],
  ["{{or .Nothing .Name}} {{and .Up .Count}}", "/web 3"],
  ["{{range .Cmd}}[{{.}}]{{end}}", "[sh][-c][true]"],
  ["{{range $i, $word := .Cmd}}{{$i}}={{$word}} {{end}}", "0=sh 1=-c 2=true "],
  ["{{range $k, $v := .Labels}}{{$k}}:{{$v}};{{end}}", "a:1;b:2;com.example.x:y<z;"],
  ["{{range $word := .Cmd}}{{$word}},{{end}}", "sh,-c,true,"],
  ["{{range .Empty}}x{{else}}none{{end}}", "none"],
  ['{{range .Cmd}}{{if eq . "-c"}}{{break}}{{end}}{{.}}{{end}}', "sh"],
  ['{{range .Cmd}}{{if eq . "-c"}}{{continue}}{{end}}{{.}}{{end}}', "shtrue"],
  ["{{range .Cmd}}{{$.Name}}{{end}}", "/web/web/web"],
  ["{{with .Nested.Deep}}{{.Value}}{{end}}{{with .Nothing}}x{{else}}y{{end}}", "vy"],
  ["{{$n := .Count}}{{if true}}{{$n = 4}}{{end}}{{$n}}", "4"],
  ['{{.Name | upper | printf "%s!"}}', "/WEB!"],
  [
    '{{printf "%q %5d|%-5s|%05d|%.3s|%v|%x|%%" .Name 42 "ab" 7 "abcdef" .Cmd 255}}',
    '"/web"    42|ab   |00007|abc|[sh -c true]|ff|%',
  ],
  ['{{join .Cmd ", "}} {{split "a,b" ","}} {{title "web app"}} {{lower "ABC"}}', "sh, -c, true [a b] Web App abc"],
  ["{{slice .Id 0 4}} {{truncate .Id 3}} {{pad .Name 1 2}}|", "0123 012  /web  |"],
  ['{{println "a" 1}}{{print "a" "b" 1 2}}', "a 1\nab1 2"],
  ['{{eq .Count 1 2 3}} {{ne .Name "x"}} {{lt 1 2}} {{le 2 2}} {{ge 1 2}}', "true true true true false"],
  ["a {{- .Count -}} b", "a3b"],
  ["a{{/* nothing */}}b {{- /* nor here */ -}} c", "abc"],
  ['{{`raw \\n`}} {{"tab\\t"}}|', "raw \\n tab\t|"],
  ['{{.Label "x"}}', "label x"],
  ['{{html "<a>"}} {{urlquery "a b&c"}}', "&lt;a&gt; a+b%26c"],
  ["{{-3}} {{1.5}} {{true}}", "-3 1.5 true"],
];

test.each(cases)("%p prints %p", (template, output) => {
  expect(compileTemplate(template)(document)).toBe(output);
});

test.each([
  ["{{.Foo", "template: :1: unclosed action"],
  ["{{", "template: :1: unclosed action"],
  ["{{}}", "template: :1: missing value for command"],
  ["{{if .Up}}", "template: :1: unexpected EOF"],
  ["{{end}}", 'template: :1: unexpected "{{" in input'],
  ["{{nosuch .Up}}", 'template: :1: function "nosuch" not defined'],
  ["{{if .Up}}{{nosuch}}{{end}}", 'template: :1: function "nosuch" not defined'],
  ['{{"open}}', "template: :1: unterminated quoted string"],
  ["\n{{.A ]}}", 'template: :2: unexpected "]" in command'],
  ["{{(.A}}", 'template: :1: unexpected "}}" in parenthesized pipeline'],
])("%p is refused when compiled", (template, message) => {
  expect(() => compileTemplate(template)).toThrow(message);
});

test.each([
  ["{{.Nothing.Field}}", "nil pointer evaluating .Field"],
  ["{{index .Cmd 9}}", "index out of range: 9"],
  ["{{len .Count}}", "error calling len"],
  ['{{lt .Count "a"}}', "incompatible types for comparison"],
  ["{{$x}}", 'undefined variable "$x"'],
  ["{{.Name .Count}}", "can't give argument to non-function"],
])("%p fails when rendered", (template, message) => {
  expect(() => compileTemplate(template)(document)).toThrow(message);
});

test("a missing field is an error where one is asked for, unless its zero value is known", () => {
  const options = {
    missingField: (name: string) => `no ${name}`,
    zeroValue: (name: string) => (name === "Health" ? null : name === "Nothing" ? [] : undefined),
  };
  expect(() => compileTemplate("{{.Foo}}", options)(document)).toThrow('executing "" at <.Foo>: no Foo');
  expect(compileTemplate("{{if .Health}}x{{end}}{{.Health}} {{.Nothing}}", options)(document)).toBe("<nil> []");
});

test("names that every object of JavaScript has are not fields", () => {
  expect(compileTemplate("{{.constructor}} {{.Labels.toString}}")(document)).toBe("<no value> <no value>");
});

test("any text is either a template or refused with a reason", () => {
  const word = fc.constantFrom(
    "{{",
    "}}",
    "{{-",
    "-}}",
    "if ",
    "range ",
    "end",
    "else",
    ".A",
    "$x",
    ":=",
    "|",
    "(",
    ")",
    '"',
    "`",
    "1",
    " ",
    "x",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      try {
        compileTemplate(words.join(""))({ A: [1] });
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(TypeError);
      }
    }),
    { numRuns: 500 },
  );
});
