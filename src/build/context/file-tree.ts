import { createHash } from "node:crypto";
import { posix } from "node:path";
import { fail } from "../../base/errors.ts";

/** What is known of a file, directory or link before it has a place in a tree. */
export interface FileFacts {
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly linkName: string;
  readonly size: number;
  /** sha256 of a file's content, in hex; empty for an empty file and for what is none. */
  readonly contentDigest: string;
}

/** A file, directory or link of a build context. */
export interface FileNode extends FileFacts {
  /** Relative to the tree's root, clean, without a slash at its end; "" is the root itself. */
  readonly path: string;
  readonly children: Map<string, FileNode>;
}

const MAX_LINKS = 40;

const IMPLIED_DIRECTORY: FileFacts = { kind: "directory", mode: 0o755, linkName: "", size: 0, contentDigest: "" };

/**
 * What is in a build context, known without reading it again: enough to find sources, to hash them and to say which of
 * them have to be unpacked.
 */
export class FileTree {
  readonly root = newNode("", IMPLIED_DIRECTORY);

  /**
   * Adds an entry; a later one replaces an earlier one of the same name, as unpacking would.
   * @returns null for the root itself. @throws invalid for a name that leads out of the tree.
   */
  add(name: string, facts: FileFacts): FileNode | null {
    const path = cleanName(name);
    if (path === "") return null;
    const parent = this.#directory(posix.dirname(path));
    const earlier = parent.children.get(posix.basename(path));
    const node = newNode(path, facts);
    // A directory that is described after its content keeps the content.
    const keeps = facts.kind === "directory" && earlier?.kind === "directory" ? earlier.children : node.children;
    const added = { ...node, children: keeps };
    parent.children.set(posix.basename(path), added);
    return added;
  }

  /** The file that a hard link leads to, which has to be there already. @throws invalid where it is not. */
  linkTarget(name: string, linkName: string): FileNode {
    const target = this.find(cleanName(linkName));
    if (target && target.kind !== "directory") return target;
    return fail(
      "invalid",
      "CONTEXT_BROKEN_LINK",
      `the build context's hard link ${cleanName(name)} leads to ${linkName}, which is not before it`,
    );
  }

  /** The node of exactly this clean path; links are not followed. */
  find(path: string): FileNode | null {
    let node: FileNode = this.root;
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
  resolve(path: string): FileNode | null {
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
      const target = child.linkName;
      if (target.startsWith("/")) way.length = 1;
      ahead.push(...target.split("/").reverse());
    }
    return way.at(-1) ?? null;
  }

  /** Every node below a directory, depth first, by name. */
  *walk(from: FileNode = this.root): Generator<FileNode> {
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

  #directory(path: string): FileNode {
    let node: FileNode = this.root;
    for (const name of path === "." ? [] : path.split("/")) {
      let child = node.children.get(name);
      if (child?.kind !== "directory") {
        child = newNode(node.path === "" ? name : `${node.path}/${name}`, IMPLIED_DIRECTORY);
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
export function hashNode(tree: FileTree, node: FileNode): string {
  const hash = createHash("sha256");
  if (node.kind !== "directory") {
    hash.update(describeNode(node, ""));
    return `file:${hash.digest("hex")}`;
  }
  for (const child of tree.walk(node)) hash.update(describeNode(child, child.path.slice(node.path.length)));
  return `dir:${hash.digest("hex")}`;
}

/** All that a copy of the node would have, with a name relative to what is hashed. */
export function describeNode({ kind, mode, linkName, contentDigest }: FileNode, name: string): string {
  return `${JSON.stringify([name, kind, mode, kind === "symlink" ? linkName : "", contentDigest])}\n`;
}

function newNode(path: string, facts: FileFacts): FileNode {
  return { ...facts, path, children: new Map() };
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
