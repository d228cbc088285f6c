/** The fields of one CSV record, as `--mount`, `--network` and `--gpus` are written: a field with a comma is in quotes. */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(text);
    if (!match) throw new Error(`parse error on line 1, column ${pattern.lastIndex + 1}: bare " in non-quoted field`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
  }
}

/** `key=value`, split at the first `=`; the value is undefined without one. */
export function keyAndValue(field: string): [key: string, value: string | undefined] {
  const at = field.indexOf("=");
  return at < 0 ? [field, undefined] : [field.slice(0, at), field.slice(at + 1)];
}
