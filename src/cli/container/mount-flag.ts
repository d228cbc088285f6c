import type { Mount } from "../../client/container-documents.ts";
import { path } from "../builtin.ts";
import { parseByteSize } from "../byte-size.ts";
import { csvFields, keyAndValue } from "./csv-fields.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads `--mount type=bind,source=/a,target=/b,readonly`. */
export function parseMount(text: string): Mount {
  const mount: Mutable<Mount> = { Type: "volume" };
  const bind: Mutable<NonNullable<Mount["BindOptions"]>> = {};
  const volume: Mutable<NonNullable<Mount["VolumeOptions"]>> = {};
  const tmpfs: Mutable<NonNullable<Mount["TmpfsOptions"]>> = {};
  const image: Mutable<NonNullable<Mount["ImageOptions"]>> = {};

  const setters: Readonly<Record<string, (value: string) => void>> = {
    type: (value) => {
      mount.Type = value.toLowerCase();
    },
    source: (value) => {
      mount.Source = value;
    },
    target: (value) => {
      mount.Target = value;
    },
    readonly: (value) => {
      mount.ReadOnly = boolean("readonly", value);
    },
    consistency: (value) => {
      mount.Consistency = value.toLowerCase();
    },
    "bind-propagation": (value) => {
      bind.Propagation = value.toLowerCase();
    },
    "bind-nonrecursive": (value) => {
      bind.NonRecursive = boolean("bind-nonrecursive", value);
    },
    "bind-recursive": (value) => Object.assign(bind, recursion(value)),
    "bind-create-src": (value) => {
      bind.CreateMountpoint = boolean("bind-create-src", value);
    },
    "volume-nocopy": (value) => {
      volume.NoCopy = boolean("volume-nocopy", value);
    },
    "volume-subpath": (value) => {
      volume.Subpath = value;
    },
    "volume-label": (value) => {
      volume.Labels = { ...volume.Labels, ...pair(value) };
    },
    "volume-driver": (value) => {
      volume.DriverConfig = { ...volume.DriverConfig, Name: value };
    },
    "volume-opt": (value) => {
      volume.DriverConfig = { ...volume.DriverConfig, Options: { ...volume.DriverConfig?.Options, ...pair(value) } };
    },
    "image-subpath": (value) => {
      image.Subpath = value;
    },
    "tmpfs-size": (value) => {
      tmpfs.SizeBytes = tmpfsSize(value);
    },
    "tmpfs-mode": (value) => {
      tmpfs.Mode = octal(value);
    },
  };

  for (const field of csvFields(text)) {
    const [rawKey, value] = keyAndValue(field);
    const key = canonicalKey(rawKey.toLowerCase());
    const mayBeBare =
      key === "readonly" || key === "volume-nocopy" || key === "bind-nonrecursive" || key === "bind-create-src";
    if (value === undefined && !mayBeBare) throw new Error(`invalid field '${field}' must be a key=value pair`);
    const set = Object.hasOwn(setters, key) ? setters[key] : undefined;
    if (!set) throw new Error(`unexpected key '${rawKey}' in '${field}'`);
    set(value ?? "true");
  }
  if (!mount.Target) throw new Error("target is required");
  if (mount.Type === "bind" && mount.Source?.startsWith(".") && !path().isAbsolute(mount.Source))
    mount.Source = path().resolve(mount.Source);
  const groups = { bind, volume, tmpfs, image };
  for (const [type, options] of Object.entries(groups)) {
    if (Object.keys(options).length > 0 && type !== mount.Type) {
      throw new Error(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  }
  if (Object.keys(bind).length > 0) mount.BindOptions = bind;
  if (Object.keys(volume).length > 0) mount.VolumeOptions = volume;
  if (Object.keys(tmpfs).length > 0) mount.TmpfsOptions = tmpfs;
  if (Object.keys(image).length > 0) mount.ImageOptions = image;
  return mount;
}

function canonicalKey(key: string): string {
  if (key === "src") return "source";
  if (key === "dst" || key === "destination") return "target";
  return key === "ro" ? "readonly" : key;
}

function boolean(key: string, value: string): boolean {
  if (["true", "1", "t"].includes(value.toLowerCase())) return true;
  if (["false", "0", "f"].includes(value.toLowerCase())) return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

/** `bind-recursive` in the API's three flags. */
function recursion(value: string): NonNullable<Mount["BindOptions"]> {
  switch (value) {
    case "enabled":
      return {};
    case "disabled":
      return { NonRecursive: true };
    case "writable":
      return { ReadOnlyNonRecursive: true };
    case "readonly":
      return { ReadOnlyForceRecursive: true };
    default:
      throw new Error(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function pair(text: string): Record<string, string> {
  const [key, value = ""] = keyAndValue(text);
  return { [key]: value };
}

function tmpfsSize(value: string): number {
  try {
    return parseByteSize(value);
  } catch {
    throw new Error(`invalid value for tmpfs-size: ${value}`);
  }
}

function octal(value: string): number {
  if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for tmpfs-mode: ${value}`);
  return Number.parseInt(value, 8);
}
