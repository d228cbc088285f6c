import { fail } from "../base/errors.ts";
import { assertTarget, bindPoint, volumePoint } from "./mount-config.ts";
import type { BindPoint, VolumePoint } from "./mount-point.ts";

/** What the third part of `source:target:mode` says. */
export interface BindMode {
  readonly readonly: boolean;
  /** "" where nothing is said. */
  readonly propagation: string;
  readonly noCopy: boolean;
}

/** Words of a mode by what they decide; of each kind at most one may be given. */
const MODE_WORDS: Readonly<Record<string, "access" | "label" | "propagation" | "copy" | "consistency">> = {
  rw: "access",
  ro: "access",
  z: "label",
  Z: "label",
  private: "propagation",
  rprivate: "propagation",
  slave: "propagation",
  rslave: "propagation",
  shared: "propagation",
  rshared: "propagation",
  nocopy: "copy",
  consistent: "consistency",
  cached: "consistency",
  delegated: "consistency",
};

/** undefined where a word is unknown or two say the same kind of thing. */
export function parseBindMode(mode: string): BindMode | undefined {
  const words = mode === "" ? [] : mode.split(",");
  const kinds = words.map((word) => (Object.hasOwn(MODE_WORDS, word) ? MODE_WORDS[word] : undefined));
  if (kinds.includes(undefined) || new Set(kinds).size < kinds.length) return undefined;
  return {
    readonly: words.includes("ro"),
    propagation: words.find((word) => MODE_WORDS[word] === "propagation") ?? "",
    noCopy: words.includes("nocopy"),
  };
}

/** @throws invalid `INVALID_MOUNT` */
export function failMode(mode: string): never {
  return fail("invalid", "INVALID_MOUNT", `invalid mode: ${mode}`);
}

/**
 * One of HostConfig.Binds: `/host/path:/path[:mode]`, `volume:/path[:mode]` or `/path`, the last an anonymous volume.
 * @throws invalid `INVALID_MOUNT` in Docker's words; invalid `INVALID_VOLUME_NAME`.
 */
export function parseBind(
  spec: string,
  options: { readonly driver: string; readonly volumePath: (name: string) => string },
): BindPoint | VolumePoint {
  const parts = spec.split(":");
  const [first = "", second, modeText = "", ...rest] = parts;
  // `/path:ro` is no mount of /path on ro: a volume without a source takes no mode.
  const isTargetWithMode = second !== undefined && parts.length === 2 && parseBindMode(second) !== undefined;
  if (first === "" || rest.length > 0 || isTargetWithMode)
    fail("invalid", "INVALID_MOUNT", `invalid volume specification: '${spec}'`);
  const mode = parseBindMode(modeText) ?? failMode(modeText);
  const source = second === undefined ? "" : first;
  const type = source.startsWith("/") ? "bind" : "volume";
  const refuse = (reason: string): never =>
    fail(
      "invalid",
      "INVALID_MOUNT",
      `invalid volume specification: '${spec}': invalid mount config for type "${type}": ${reason}`,
    );
  const destination = assertTarget(second ?? first, refuse);
  if (type === "bind") {
    if (mode.noCopy) refuse("field VolumeOptions must not be specified");
    return bindPoint({
      source,
      destination,
      mode: modeText,
      readonly: mode.readonly,
      propagation: mode.propagation,
      createSource: true,
    });
  }
  if (mode.propagation !== "") refuse("field BindOptions must not be specified");
  return volumePoint(
    { name: source, destination, mode: modeText, readonly: mode.readonly, copy: !mode.noCopy, driver: options.driver },
    options.volumePath,
  );
}
