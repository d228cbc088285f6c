import { fail } from "../base/errors.ts";

/** The parsed `--security-opt` values of one container. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  readonly seccomp: SeccompChoice;
  /** A profile's name, `unconfined`, or null for the default. */
  readonly apparmor: string | null;
  /** SELinux, `disable` or `type:level` parts. */
  readonly labels: readonly string[];
  /** Nothing masked or read-only in /proc and /sys. */
  readonly systemPathsUnconfined: boolean;
}

export type SeccompChoice =
  | { readonly kind: "default" }
  | { readonly kind: "unconfined" }
  /** A profile in Docker's JSON format, not parsed yet. */
  | { readonly kind: "custom"; readonly json: string };

/** Go's strconv.ParseBool, which reads the value of no-new-privileges. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word): [string, boolean] => [word, true]),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word): [string, boolean] => [word, false]),
]);

/**
 * Reads `--security-opt` values; `:` is the old separator. Of two of one kind the later counts, labels add up.
 * @throws invalid `INVALID_SECURITY_OPTION` in Docker's words
 */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp: SeccompChoice = { kind: "default" };
  let apparmor: string | null = null;
  let systemPathsUnconfined = false;
  const labels: string[] = [];
  for (const option of options) {
    const { key, value } = splitOption(option);
    if (key === "no-new-privileges") {
      noNewPrivileges = value === null ? true : (BOOLEANS.get(value) ?? failOption(2, option));
    } else if (key === "disable" && value === null) labels.push("disable");
    else if (value === null) failOption(1, option);
    else if (key === "label") labels.push(value);
    else if (key === "apparmor") apparmor = value;
    else if (key === "seccomp") seccomp = seccompChoice(value);
    else if (key === "systempaths" && value === "unconfined") systemPathsUnconfined = true;
    else failOption(2, option);
  }
  return { noNewPrivileges, seccomp, apparmor, labels, systemPathsUnconfined };
}

function splitOption(option: string): { key: string; value: string | null } {
  const separator = option.includes("=") ? "=" : ":";
  const at = option.indexOf(separator);
  return at < 0 ? { key: option, value: null } : { key: option.slice(0, at), value: option.slice(at + 1) };
}

function seccompChoice(value: string): SeccompChoice {
  if (value === "unconfined") return { kind: "unconfined" };
  return value === "" || value === "builtin" ? { kind: "default" } : { kind: "custom", json: value };
}

/** The number tells, as in Docker, whether the form or the content is wrong. */
function failOption(reason: 1 | 2, option: string): never {
  return fail("invalid", "INVALID_SECURITY_OPTION", `invalid --security-opt ${reason}: ${JSON.stringify(option)}`);
}
