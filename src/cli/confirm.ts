import { STDOUT, write } from "./output.ts";
import { openStdin } from "./streams/read-stdin.ts";

/** Asks before something is lost. Only `y` or `yes` mean yes; the end of input means no. */
export async function confirm(warning: string): Promise<boolean> {
  await write(STDOUT, `WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const read = openStdin();
  const decoder = new TextDecoder();
  let answer = "";
  while (!answer.includes("\n")) {
    const typed = await read();
    if (typed === null) break;
    answer += decoder.decode(typed, { stream: true });
  }
  return /^\s*y(es)?\s*$/i.test(answer.split("\n", 1)[0] ?? "");
}
