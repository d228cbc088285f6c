import { z } from "zod";
import { fail, messageOf } from "../base/errors.ts";
import { isAtLeast, type KernelVersion, parseKernelVersion } from "./host.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "./oci-spec.ts";

const ACTIONS = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
] as const;

const OPERATORS = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;

/** A system call's or an architecture's name: it becomes a word of a line. */
const name = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);
/** SECCOMP_RET_DATA, but the kernel takes no error beyond MAX_ERRNO. */
const errno = z.int().min(0).max(4095);
/** JSON's numbers are exact to 2^53. */
const word = z.int().nonnegative();
const optionalList = z.array(z.string()).nullish();

/** Conditions of the machine and the container under which a rule counts, or does not. */
const FilterSchema = z.object({
  caps: optionalList,
  /** As Go names them: amd64, x86, x32. */
  arches: optionalList,
  minKernel: z
    .string()
    .regex(/^\d+\.\d+$/)
    .nullish(),
});

/** The profile format that Docker publishes and `--security-opt seccomp=` takes. */
export const SeccompProfileSchema = z.object({
  defaultAction: z.enum(ACTIONS),
  defaultErrnoRet: errno.nullish(),
  architectures: z.array(name).nullish(),
  archMap: z.array(z.object({ architecture: name, subArchitectures: z.array(name).nullish() })).nullish(),
  syscalls: z
    .array(
      z.object({
        /** The old format's single name. */
        name: name.nullish(),
        names: z.array(name).nullish(),
        action: z.enum(ACTIONS),
        errnoRet: errno.nullish(),
        args: z
          .array(
            z.object({
              index: z.int().min(0).max(5),
              value: word,
              valueTwo: word.nullish(),
              op: z.enum(OPERATORS),
            }),
          )
          .nullish(),
        includes: FilterSchema.nullish(),
        excludes: FilterSchema.nullish(),
      }),
    )
    .nullish(),
});

export type SeccompProfile = z.infer<typeof SeccompProfileSchema>;
type ProfileRule = NonNullable<SeccompProfile["syscalls"]>[number];

/**
 * Reads a profile that a user wrote.
 * @throws invalid `INVALID_SECCOMP_PROFILE`, naming the place
 */
export function parseSeccompProfile(json: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    failProfile(messageOf(error), error);
  }
  const parsed = SeccompProfileSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    failProfile(`${issue?.path.join(".") || "profile"}: ${issue?.message ?? "not understood"}`);
  }
  const profile = parsed.data;
  if (profile.architectures?.length && profile.archMap?.length) {
    failProfile(
      "both 'architectures' and 'archMap' were specified in the seccomp profile, use either one or the other",
    );
  }
  if (profile.syscalls?.some((rule) => rule.name && rule.names?.length)) {
    failProfile("both 'name' and 'names' were specified in the seccomp profile, use either one or the other");
  }
  return profile;
}

function failProfile(reason: string, cause?: unknown): never {
  return fail("invalid", "INVALID_SECCOMP_PROFILE", `decoding seccomp profile failed: ${reason}`, { cause });
}

/** For whom a profile is resolved. */
export interface SeccompSubject {
  readonly capabilities: ReadonlySet<string>;
  readonly kernel: KernelVersion;
  readonly architecture: "amd64" | "arm64";
}

const NATIVE = { amd64: "SCMP_ARCH_X86_64", arm64: "SCMP_ARCH_AARCH64" } as const;

/** The rules of a profile that count for a container on this machine, as the OCI runtime spec lists them. */
export function resolveSeccomp(profile: SeccompProfile, subject: SeccompSubject): Seccomp {
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: architecturesOf(profile, NATIVE[subject.architecture]),
    syscalls: (profile.syscalls ?? []).filter((rule) => counts(rule, subject)).flatMap(ociRules),
  };
}

function architecturesOf(profile: SeccompProfile, native: string): string[] {
  if (profile.architectures?.length) return profile.architectures;
  const mapped = profile.archMap?.find((entry) => entry.architecture === native);
  return mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : [native];
}

function counts({ includes, excludes }: ProfileRule, subject: SeccompSubject): boolean {
  const isNew = (minimum: string): boolean => {
    const { major, minor } = parseKernelVersion(minimum);
    return isAtLeast(subject.kernel, major, minor);
  };
  if (excludes?.arches?.includes(subject.architecture)) return false;
  if (excludes?.caps?.some((capability) => subject.capabilities.has(capability))) return false;
  if (excludes?.minKernel && isNew(excludes.minKernel)) return false;
  if (includes?.arches?.length && !includes.arches.includes(subject.architecture)) return false;
  if (includes?.caps && !includes.caps.every((capability) => subject.capabilities.has(capability))) return false;
  return !includes?.minKernel || isNew(includes.minKernel);
}

function ociRules(rule: ProfileRule): SeccompRule[] {
  const names = rule.names?.length ? rule.names : rule.name ? [rule.name] : [];
  const base = { names, action: rule.action, ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }) };
  const args = (rule.args ?? []).map(
    ({ index, value, valueTwo, op }): SeccompArgument => ({ index, value, valueTwo: valueTwo ?? 0, op }),
  );
  if (args.length === 0) return [base];
  // libseccomp takes one condition for each argument. Runtimes have always read several on one as alternatives.
  const isRepeated = new Set(args.map(({ index }) => index)).size < args.length;
  return isRepeated ? args.map((arg) => ({ ...base, args: [arg] })) : [{ ...base, args }];
}

/** The lines that `lighter-seccomp` reads; the same policy gives the same text. */
export function seccompLines(policy: Seccomp): string {
  const lines = [`default ${actionWord(policy.defaultAction, policy.defaultErrnoRet)}`];
  for (const architecture of policy.architectures) {
    lines.push(`arch ${architecture.replace(/^SCMP_ARCH_/, "").toLowerCase()}`);
  }
  for (const rule of policy.syscalls) {
    const action = actionWord(rule.action, rule.errnoRet);
    const conditions = (rule.args ?? []).map(conditionWords).join("");
    for (const syscall of rule.names) lines.push(`rule ${action} ${syscall}${conditions}`);
  }
  return `${lines.join("\n")}\n`;
}

const EPERM = 1;

function actionWord(action: Seccomp["defaultAction"], errnoRet: number | undefined): string {
  const word = action.replace("SCMP_ACT_", "").toLowerCase();
  return word === "errno" || word === "trace" ? `${word}:${errnoRet ?? EPERM}` : word;
}

function conditionWords({ index, value, valueTwo, op }: SeccompArgument): string {
  const word = op.replace("SCMP_CMP_", "").toLowerCase();
  return ` ${index} ${word} ${value}${op === "SCMP_CMP_MASKED_EQ" ? ` ${valueTwo ?? 0}` : ""}`;
}
