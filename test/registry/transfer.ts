import { parsePlatform } from "../../src/image/platform.ts";
import { parseName, parseReference } from "../../src/image/reference.ts";
import type { Credentials } from "../../src/registry/client/credentials.ts";
import type { Progress } from "../../src/registry/client/progress.ts";
import { pullImage } from "../../src/registry/client/pull.ts";
import { pushImage } from "../../src/registry/client/push.ts";
import type { RegistrySettings } from "../../src/registry/client/registry-settings.ts";
import type { RegistryParts } from "../../src/registry/registry-parts.ts";

export interface TransferOptions {
  readonly auth?: Credentials;
  readonly platform?: string;
  readonly abort?: AbortSignal;
  readonly idleMs?: number;
  readonly settings?: RegistrySettings;
}

/** Retries as the defaults have them, only quicker. */
const RETRIES = { attempts: 6, firstDelayMs: 5, longestDelayMs: 5_000 };

/** Pulls, and returns all progress. */
export function pull(parts: RegistryParts, name: string, options: TransferOptions = {}): Promise<Progress[]> {
  const { auth = { kind: "none" }, platform, abort = new AbortController().signal, idleMs, settings } = options;
  return Array.fromAsync(
    pullImage(parts, {
      reference: parseName(name),
      platform: platform ? parsePlatform(platform) : null,
      auth,
      abort,
      access: { retries: RETRIES, idleMs, ...(settings && { settings }) },
    }),
  );
}

export function push(parts: RegistryParts, name: string, options: TransferOptions = {}): Promise<Progress[]> {
  const { auth = { kind: "none" }, abort = new AbortController().signal, idleMs, settings } = options;
  return Array.fromAsync(
    pushImage(parts, {
      reference: parseReference(name),
      auth,
      abort,
      access: { retries: RETRIES, idleMs, ...(settings && { settings }) },
    }),
  );
}

/** The words for layers and the end, without bars. */
export function words(progress: readonly Progress[]): string[] {
  return progress
    .filter(({ progressDetail }) => progressDetail?.current === undefined)
    .flatMap(({ status }) => status ?? []);
}
