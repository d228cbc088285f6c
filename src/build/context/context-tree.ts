import { createHash } from "node:crypto";
import { posix } from "node:path";
import { fail } from "../../base/errors.ts";
import type { TarEntry } from "./tar-entries.ts";

/** A file, directory or link of the build context. */
export interface ContextNode {
  /** Relative to the context, clean, without a slash at its end; "" is the context itself. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** null for a directory that the archive has no entry for. */
  readonly entry: TarEntry | null;
  /** The entry with a file's content: another than `entry` for a hard link. */
  readonly content: TarEntry | null;
  /** sha256 of a file's content, in hex; for a hard link that of the file it leads to. */
  readonly contentDigest: string;
  readonly children: Map<string, ContextNode>;
}

const MAX_LINKS = 40;

/**
 * What is in a build context, known without unpacking it: enough to find sources, to hash them and to say which parts of
 * the archive hold them.
 */
export class ContextTree {
  readonly root = newNode("", "directory", null, "");

  /**
   * Adds an entry; a later one replaces an earlier one of the same name, as unpacking would.
   * @throws invalid for a name that leads out of the context.
   */
  add(entry: TarEntry, contentDigest: string): void {
    const path = cleanName(entry.name);
    if (path === "") return;
    const parent = this.#directory(posix.dirname(path));
    const name = posix.basename(path);
    if (entry.kind === "hardlink") {
      const target = this.find(cleanName(entry.linkName));
      if (!target || target.kind === "directory") {
        fail(
          "invalid",
          "CONTEXT_BROKEN_LINK",
          `the build context's hard link ${path} leads to ${entry.linkName}, which is not before it`,
        );
      }
      parent.children.set(name, { ...target, path, entry });
      return;
    }
    const earlier = parent.children.get(name);
    const node = newNode(path, entry.kind, entry, contentDigest);
    // A directory that is described after its content keeps the content.
    const keeps = entry.kind === "directory" && earlier?.kind === "directory" ? earlier.children : node.children;
    parent.children.set(name, { ...node, children: keeps });
  }

  /** The node of exactly this clean path; links are not followed. */
  find(path: string): ContextNode | null {
    let node: ContextNode = this.root;
    for (const name of path === "" ? [] : path.split("/")) {
      const child = node.children.get(name);
      if (!child) return null;
      node = child;
    }
    return node;
  }

  /**
   * The node that a path names, links followed on the way and at its end, inside the context whatever they say: `..` at
   * the top stays there. Null where nothing is. @throws invalid for links that lead in a circle.
   */
  resolve(path: string): ContextNode | null {
    const way = [this.root];
    const ahead = path.split("/").reverse();
    let links = 0;
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (way.length > 1) way.pop();
        continue;
      }
      const child = way.at(-1)?.children.get(part);
      if (!child) return null;
      if (child.kind !== "symlink") {
        way.push(child);
        continue;
      }
      if (++links > MAX_LINKS) fail("invalid", "CONTEXT_LINK_LOOP", `${path}: too many levels of symbolic links`);
      const target = child.entry?.linkName ?? "";
      if (target.startsWith("/")) way.length = 1;
      ahead.push(...target.split("/").reverse());
    }
    return way.at(-1) ?? null;
  }

  /** Every node below a directory, depth first, by name. */
  *walk(from: ContextNode = this.root): Generator<ContextNode> {
    for (const name of [...from.children.keys()].sort()) {
      const child = from.children.get(name);
      if (!child) continue;
      yield child;
      yield* this.walk(child);
    }
  }

  remove(path: string): void {
    this.find(posix.dirname(path) === "." ? "" : posix.dirname(path))?.children.delete(posix.basename(path));
  }

  #directory(path: string): ContextNode {
    let node: ContextNode = this.root;
    for (const name of path === "." ? [] : path.split("/")) {
      let child = node.children.get(name);
      if (child?.kind !== "directory") {
        child = newNode(node.path === "" ? name : `${node.path}/${name}`, "directory", null, "");
        node.children.set(name, child);
      }
      node = child;
    }
    return node;
  }
}

/**
 * Names a file or tree by what a copy of it would hold: kinds, names below it, permission bits, link targets and content.
 * Neither times nor owners: a checkout made anew has others, and a copy has its own owner. `file:` or `dir:` and hex.
 */
export function hashNode(tree: ContextTree, node: ContextNode): string {
  const hash = createHash("sha256");
  if (node.kind !== "directory") {
    hash.update(describe(node, ""));
    return `file:${hash.digest("hex")}`;
  }
  for (const child of tree.walk(node)) hash.update(describe(child, child.path.slice(node.path.length)));
  return `dir:${hash.digest("hex")}`;
}

function describe({ kind, entry, contentDigest }: ContextNode, name: string): string {
  const link = kind === "symlink" ? (entry?.linkName ?? "") : "";
  return `${JSON.stringify([name, kind, entry?.mode ?? 0o755, link, contentDigest])}\n`;
}

function newNode(path: string, kind: ContextNode["kind"], entry: TarEntry | null, contentDigest: string): ContextNode {
  return { path, kind, entry, content: entry, contentDigest, children: new Map() };
}

/** @throws invalid for a name that climbs out. */
function cleanName(name: string): string {
  const path = posix.normalize(name).replace(/^\/+/, "").replace(/\/+$/, "");
  if (path === ".." || path.startsWith("../") || name.includes("\0")) {
    fail(
      "invalid",
      "CONTEXT_UNSAFE_NAME",
      `the build context's entry ${JSON.stringify(name)} leads out of the context`,
    );
  }
  return path === "." ? "" : path;
}
