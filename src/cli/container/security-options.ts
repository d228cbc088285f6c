import { errnoOf, messageOf } from "../../base/errors.ts";
import { fs } from "../builtin.ts";

export interface SecurityOptions {
  readonly options: readonly string[];
  /** `systempaths=unconfined`: nothing is masked. */
  readonly unmasked: boolean;
}

/** Reads all of `--security-opt`; a seccomp profile named by its file is sent as its text. */
export function parseSecurityOptions(words: readonly string[]): SecurityOptions {
  const unmasked = words.includes("systempaths=unconfined");
  const options = words
    .filter((word) => word !== "systempaths=unconfined")
    .map((word) => {
      const [, key, value] = /^([^=:]+)[=:](.*)$/s.exec(word) ?? [];
      if (key === undefined || value === undefined) {
        if (word === "no-new-privileges") return word;
        throw new Error(`Invalid --security-opt: ${JSON.stringify(word)}`);
      }
      if (key !== "seccomp" || value === "unconfined" || value === "builtin") return word;
      return `seccomp=${readProfile(value)}`;
    });
  return { options, unmasked };
}

function readProfile(file: string): string {
  try {
    return JSON.stringify(JSON.parse(fs().readFileSync(file, "utf8")));
  } catch (error) {
    const reason = errnoOf(error) === "ENOENT" ? `open ${file}: no such file or directory` : messageOf(error);
    throw new Error(`opening seccomp profile (${file}) failed: ${reason}`);
  }
}
