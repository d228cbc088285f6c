import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, fail } from "../base/errors.ts";
import type { Host } from "./host.ts";
import { parseSeccompProfile, resolveSeccomp, seccompLines } from "./seccomp.ts";
import { DEFAULT_SECCOMP_PROFILE } from "./seccomp-profile.ts";
import type { SeccompChoice } from "./security-options.ts";

/** struct sock_filter, and how many of them the kernel takes: BPF_MAXINSNS. */
const INSTRUCTION_BYTES = 8;
const MAX_PROGRAM_BYTES = 4096 * INSTRUCTION_BYTES;
const DIGEST_BYTES = 32;
const COMPILE_TIMEOUT_MS = 10_000;
const MAX_COMPLAINT_BYTES = 4096;
/** Distinct profile and capability sets kept in memory; a machine uses a handful. */
const MAX_REMEMBERED = 64;

/** For whom a filter is made. */
export interface SeccompRequest {
  readonly choice: SeccompChoice;
  readonly privileged: boolean;
  readonly capabilities: readonly string[];
}

/**
 * Makes filters for the kernel out of profiles, each once: in memory for the starts of this engine, in a directory for the
 * next one. What is not remembered costs a run of `lighter-seccomp`, several milliseconds.
 */
export class SeccompCompiler {
  readonly #remembered = new Map<string, Promise<Uint8Array>>();
  #helperDigest: Promise<string> | undefined;

  /**
   * @param helper the path of `lighter-seccomp`
   * @param directory `<root>/cache/seccomp`, made when first needed
   */
  constructor(
    readonly helper: string,
    readonly directory: string,
    readonly host: Pick<Host, "kernel" | "architecture">,
  ) {}

  /**
   * The filter of a container, or null for one without. A privileged container has one only if it names a profile.
   * @throws invalid `INVALID_SECCOMP_PROFILE`; internal `SECCOMP_COMPILE`
   */
  filterFor({ choice, privileged, capabilities }: SeccompRequest): Promise<Uint8Array | null> {
    if (choice.kind === "unconfined" || (choice.kind === "default" && privileged)) return Promise.resolve(null);
    const key = `${capabilities.join()} ${choice.kind === "custom" ? choice.json : ""}`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const made = this.#make(choice, capabilities);
    this.#remember(key, made);
    return made;
  }

  #remember(key: string, made: Promise<Uint8Array>): void {
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size >= MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(key, made);
    // Whoever asked sees the failure; the next one tries again.
    made.catch(() => this.#remembered.delete(key));
  }

  async #make(choice: SeccompChoice, capabilities: readonly string[]): Promise<Uint8Array> {
    const profile = choice.kind === "custom" ? parseSeccompProfile(choice.json) : DEFAULT_SECCOMP_PROFILE;
    const lines = seccompLines(resolveSeccomp(profile, { ...this.host, capabilities: new Set(capabilities) }));
    this.#helperDigest ??= readFile(this.helper).then(sha256Hex);
    const path = join(this.directory, `${sha256Hex(`${await this.#helperDigest}\n${lines}`)}.bpf`);
    const stored = await readStored(path);
    if (stored) return stored;
    const program = await runHelper(this.helper, lines);
    await writeStored(path, program);
    return program;
  }
}

function sha256Hex(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** A stored program follows its own digest: a damaged file must never pass for a filter. */
async function readStored(path: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(path);
    const program = bytes.subarray(DIGEST_BYTES);
    return isProgram(program) && sha256(program).equals(bytes.subarray(0, DIGEST_BYTES)) ? program : undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function writeStored(path: string, program: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  try {
    await writeFile(temporary, Buffer.concat([sha256(program), program]), { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function isProgram(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= MAX_PROGRAM_BYTES && bytes.length % INSTRUCTION_BYTES === 0;
}

async function runHelper(helper: string, lines: string): Promise<Uint8Array> {
  const child = spawn(helper, [], { stdio: "pipe", timeout: COMPILE_TIMEOUT_MS, killSignal: "SIGKILL" });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  // It stops reading at a line that it does not understand; its complaint says more than our EPIPE.
  child.stdin.on("error", () => {});
  child.stdin.end(lines);
  const [output, complaint, result] = await Promise.all([
    readBounded(child.stdout, MAX_PROGRAM_BYTES),
    readBounded(child.stderr, MAX_COMPLAINT_BYTES),
    ended,
  ]);
  if (result !== 0) {
    const reason =
      complaint
        .toString()
        .trim()
        .replace(/^lighter-seccomp: /, "") || `ended with ${result}`;
    fail("internal", "SECCOMP_COMPILE", `the seccomp profile cannot be compiled: ${reason}`);
  }
  if (!isProgram(output)) fail("internal", "SECCOMP_COMPILE", `${helper} wrote ${output.length} bytes, not a filter`);
  return output;
}

/** All of a stream up to a bound; what comes after it is read and dropped, which the caller sees as a wrong length. */
async function readBounded(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length <= maxBytes) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}
