import { fail } from "../../base/errors.ts";
import { suggest } from "../dockerfile/suggest.ts";

/** `RUN --mount=...`, before its sources are looked up (Dockerfile reference, "RUN --mount"). */
export type RunMount =
  | {
      readonly type: "bind";
      readonly target: string;
      /** Stage, image or named context; null is the build context. */
      readonly from: string | null;
      readonly source: string;
      readonly readonly: boolean;
    }
  | {
      readonly type: "cache";
      readonly target: string;
      readonly id: string;
      readonly sharing: "shared" | "private" | "locked";
      readonly from: string | null;
      readonly source: string;
      readonly readonly: boolean;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes: number }
  | {
      readonly type: "secret";
      readonly id: string;
      /** null: it is a variable alone. */
      readonly target: string | null;
      readonly variable: string | null;
      readonly required: boolean;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
  | {
      readonly type: "ssh";
      readonly id: string;
      readonly target: string | null;
      readonly required: boolean;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    };

const TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
type MountType = (typeof TYPES)[number];

const OWNED = ["uid", "gid", "mode"];
const KEYS: Readonly<Record<MountType, readonly string[]>> = {
  bind: ["target", "source", "from", "readonly"],
  cache: ["target", "source", "from", "readonly", "id", "sharing", ...OWNED],
  tmpfs: ["target", "size"],
  secret: ["target", "id", "required", "env", ...OWNED],
  ssh: ["target", "id", "required", ...OWNED],
};

const SYNONYMS: Readonly<Record<string, string>> = {
  dst: "target",
  destination: "target",
  src: "source",
  ro: "readonly",
};

/** @throws invalid, naming the option. */
export function parseRunMount(text: string): RunMount {
  const options = new Map<string, string>();
  for (const field of splitFields(text)) {
    const equals = field.indexOf("=");
    const name = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? "" : field.slice(equals + 1);
    if (name === "rw" || name === "readwrite") options.set("readonly", isTrue(name, value) ? "false" : "true");
    else
      options.set(
        SYNONYMS[name] ?? name,
        equals < 0 && name !== "readonly" && name !== "ro" && name !== "required" ? missing(name) : value || "true",
      );
  }
  const type = typeOf(options);
  for (const name of options.keys()) {
    if (name !== "type" && !KEYS[type].includes(name)) {
      fail("invalid", "RUN_MOUNT", `unexpected key '${name}' for mount type '${type}'${suggest(name, KEYS[type])}`);
    }
  }
  return mountOf(type, options);
}

function missing(name: string): never {
  fail("invalid", "RUN_MOUNT", `invalid field '${name}' must be a key=value pair`);
}

function typeOf(options: ReadonlyMap<string, string>): MountType {
  const given = (options.get("type") ?? "bind").toLowerCase();
  const type = TYPES.find((known) => known === given);
  return (
    type ?? fail("invalid", "RUN_MOUNT", `unsupported mount type ${JSON.stringify(given)}${suggest(given, TYPES)}`)
  );
}

function mountOf(type: MountType, options: ReadonlyMap<string, string>): RunMount {
  const text = (name: string) => options.get(name) ?? null;
  const flag = (name: string, otherwise: boolean) => (options.has(name) ? isTrue(name, text(name) ?? "") : otherwise);
  const number = (name: string, otherwise: number, base = 10) => parseNumber(name, text(name), otherwise, base);
  const target = text("target");
  const needsTarget = () => target || fail("invalid", "RUN_MOUNT", "invalid mount: target is required");
  const from = text("from");
  const source = text("source") ?? "";
  const owner = (mode: number) => ({ uid: number("uid", 0), gid: number("gid", 0), mode: number("mode", mode, 8) });
  switch (type) {
    case "bind":
      return { type, target: needsTarget(), from, source, readonly: flag("readonly", true) };
    case "cache": {
      const sharing = (text("sharing") ?? "shared").toLowerCase();
      if (sharing !== "shared" && sharing !== "private" && sharing !== "locked") {
        fail(
          "invalid",
          "RUN_MOUNT",
          `unsupported sharing value ${JSON.stringify(sharing)}${suggest(sharing, ["shared", "private", "locked"])}`,
        );
      }
      const place = needsTarget();
      return {
        type,
        target: place,
        id: text("id") || place,
        sharing,
        from,
        source,
        readonly: flag("readonly", false),
        ...owner(0o755),
      };
    }
    case "tmpfs":
      return { type, target: needsTarget(), sizeBytes: text("size") ? parseSize(text("size") ?? "") : 0 };
    case "secret": {
      const variable = text("env");
      const id = text("id") || (target ? (target.split("/").pop() ?? "") : "") || variable;
      if (!id) fail("invalid", "RUN_MOUNT", "secret mounts need an id or a target");
      const place = target ?? (variable === null ? `/run/secrets/${id}` : null);
      return { type, id, target: place, variable, required: flag("required", false), ...owner(0o400) };
    }
    case "ssh":
      return { type, id: text("id") || "default", target, required: flag("required", false), ...owner(0o600) };
    default:
      return type satisfies never;
  }
}

function isTrue(name: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (["", "true", "1", "t"].includes(lower)) return true;
  if (["false", "0", "f"].includes(lower)) return false;
  return fail("invalid", "RUN_MOUNT", `invalid value for ${name}: ${value}`);
}

function parseNumber(name: string, text: string | null, otherwise: number, base: number): number {
  if (text === null) return otherwise;
  const pattern = base === 8 ? /^[0-7]{1,7}$/ : /^\d{1,10}$/;
  return pattern.test(text)
    ? Number.parseInt(text, base)
    : fail("invalid", "RUN_MOUNT", `invalid value ${text} for ${name}`);
}

/** `64m`: bytes with a unit of 1024. */
function parseSize(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,12})([bkmg]?)b?$/i.exec(text) ?? [];
  if (number === "") fail("invalid", "RUN_MOUNT", `invalid size: ${JSON.stringify(text)}`);
  return Number(number) * 1024 ** Math.max(0, "bkmg".indexOf(unit.toLowerCase()));
}

/** Cut at commas, as CSV with quotes has them. */
function splitFields(text: string): string[] {
  return [...text.matchAll(/(?:^|,)((?:"(?:[^"]|"")*"|[^,])*)/g)].map(([, field = ""]) =>
    field.replace(/^"(.*)"$/s, (_, inner: string) => inner.replaceAll('""', '"')),
  );
}
