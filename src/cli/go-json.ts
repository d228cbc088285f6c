/** JSON as Go's encoder writes it: `<`, `>` and `&` escaped, so that it may stand inside HTML. */
export function goJson(value: unknown): string {
  const escapes: Readonly<Record<string, string>> = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
  };
  return JSON.stringify(value ?? null).replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] ?? char);
}
