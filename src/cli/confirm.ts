import { STDOUT, write } from "./output.ts";

/** Asks before something is lost. Only `y` or `yes` mean yes; the end of input means no. */
export async function confirm(warning: string): Promise<boolean> {
  await write(STDOUT, `WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const decoder = new TextDecoder();
  let answer = "";
  for await (const chunk of Bun.stdin.stream()) {
    answer += decoder.decode(chunk, { stream: true });
    if (answer.includes("\n")) break;
  }
  return /^\s*y(es)?\s*$/i.test(answer.split("\n", 1)[0] ?? "");
}
