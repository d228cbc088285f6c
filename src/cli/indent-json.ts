/**
 * Indents JSON text without parsing it, as Go's json.Indent: numbers, escapes and the order of keys stay as the engine
 * wrote them, which a parser would not keep (64-bit integers, `\u003c`).
 */
export function indentJson(text: string, indent: string, prefix = ""): string {
  let depth = 0;
  let output = "";
  const newline = () => `\n${prefix}${indent.repeat(depth)}`;
  // Strings first, so that no bracket inside one counts; then an empty pair, which stays on its line.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    if (token === "{" || token === "[") {
      depth++;
      output += token + newline();
    } else if (token === "}" || token === "]") {
      depth--;
      output += newline() + token;
    } else if (token === ",") output += token + newline();
    else if (token === ":") output += ": ";
    else output += /^[{[]/.test(token) ? token.replaceAll(/\s/g, "") : token;
  }
  return output;
}
