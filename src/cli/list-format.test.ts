import { expect, test } from "bun:test";
import { formatList, type ListFormat } from "./list-format.ts";

interface Thing {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

const format: ListFormat<Thing> = {
  columns: {
    ID: { header: "THING ID", value: ({ id }) => id },
    Labels: { header: "LABELS", value: ({ labels }) => Object.keys(labels).join(",") },
    Count: { header: "COUNT", value: ({ labels }) => String(Object.keys(labels).length), json: () => null },
  },
  methods: { Label: ({ labels }, name) => labels[name] ?? "" },
  defaultColumns: ["ID", "Labels"],
  quietColumn: "ID",
};
const things: readonly Thing[] = [
  { id: "one", labels: { "com.example.rack-number": "7" } },
  { id: "two", labels: {} },
];

test.each([
  [{ format: undefined }, "THING ID   LABELS\none        com.example.rack-number\ntwo        \n"],
  [{ format: "table" }, "THING ID   LABELS\none        com.example.rack-number\ntwo        \n"],
  [{ format: undefined, quiet: true }, "one\ntwo\n"],
  [{ format: "{{.ID}}={{.Count}}" }, "one=1\ntwo=0\n"],
  [{ format: "{{.ID}}", quiet: true }, "one\ntwo\n"],
  [
    { format: 'table {{.ID}}\\t{{.Label "com.example.rack-number"}}' },
    "THING ID   rack number\none        7\ntwo        \n",
  ],
  [
    { format: "json" },
    '{"Count":null,"ID":"one","Labels":"com.example.rack-number"}\n{"Count":null,"ID":"two","Labels":""}\n',
  ],
  [
    { format: "{{json .}}" },
    '{"Count":null,"ID":"one","Labels":"com.example.rack-number"}\n{"Count":null,"ID":"two","Labels":""}\n',
  ],
])("%p", async (choice, output) => {
  expect(await formatList(things, format, choice)).toBe(output);
});

test("an unknown field is an error, even of an empty list", async () => {
  const wrong = formatList([], format, { format: "{{.Nosuch}}" });
  await expect(wrong).rejects.toThrow(
    'failed to execute template: template: :1:2: executing "" at <.Nosuch>: can\'t evaluate field Nosuch',
  );
});

test("a template that cannot be parsed says so", async () => {
  await expect(formatList(things, format, { format: "{{.ID" })).rejects.toThrow(
    "failed to parse template: template: :1: unclosed action",
  );
});
