import { goJson } from "./go-json.ts";
import { STDOUT, write } from "./output.ts";
import { formatTable } from "./table.ts";

/** One thing that a list can show of each document: `{{.Names}}`. */
export interface Column<D> {
  readonly header: string;
  value(document: D): string;
  /** What `--format json` has, where it is not the same text. */
  json?(document: D): unknown;
}

/** How the documents of one kind are listed. */
export interface ListFormat<D> {
  readonly columns: Readonly<Record<string, Column<D>>>;
  /** Shown without `--format`. */
  readonly defaultColumns: readonly string[];
  /** Shown alone with `--quiet`. */
  readonly quietColumn?: string;
  /** Fields with an argument: `{{.Label "com.example.x"}}`. */
  readonly methods?: Readonly<Record<string, (document: D, argument: string) => string>>;
}

export interface ListChoice {
  /** `--format`: nothing, `table`, `table TEMPLATE`, `json` or a template. */
  readonly format: string | undefined;
  readonly quiet?: boolean;
}

/** Prints a list as `--format` and `--quiet` ask. The template engine is loaded only when a template is given. */
export async function printList<D>(documents: readonly D[], format: ListFormat<D>, choice: ListChoice): Promise<void> {
  await write(STDOUT, await formatList(documents, format, choice));
}

/** What {@link printList} prints. */
export async function formatList<D>(
  documents: readonly D[],
  format: ListFormat<D>,
  choice: ListChoice,
): Promise<string> {
  const asked = choice.format?.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const { quietColumn } = format;
  if (choice.quiet && quietColumn !== undefined && (asked === undefined || asked === "table" || asked === "")) {
    return documents.map((document) => `${format.columns[quietColumn]?.value(document)}\n`).join("");
  }
  if (asked === undefined || asked === "" || asked === "table") return defaultTable(documents, format);
  if (asked === "json") return documents.map((document) => `${goJson(allColumns(document, format))}\n`).join("");
  const table = asked.startsWith("table ");
  const { compileListTemplate } = await import("./list-template.ts");
  const render = compileListTemplate(table ? asked.slice("table ".length) : asked, format);
  const header = render.header(); // Even where it is not shown: a wrong field is an error without any document.
  const rows = documents.map((document) => render.row(document));
  if (!table) return rows.map((row) => `${row}\n`).join("");
  return formatTable([header, ...rows].flatMap((row) => row.split("\n")).map((line) => line.split("\t")));
}

/** Every column, by name, in alphabetical order: Docker's `--format json`. */
export function allColumns<D>(document: D, format: ListFormat<D>): Record<string, unknown> {
  const columns = Object.entries(format.columns).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(columns.map(([name, { value, json = value }]) => [name, json(document)]));
}

function defaultTable<D>(documents: readonly D[], format: ListFormat<D>): string {
  const columns = format.defaultColumns.map((name) => format.columns[name]);
  const header = columns.map((column) => column?.header ?? "");
  const rows = documents.map((document) => columns.map((column) => column?.value(document) ?? ""));
  return formatTable([header, ...rows]);
}
