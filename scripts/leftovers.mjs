import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { outputOf } from "./command.mjs";

/**
 * @typedef {object} Trace something that an engine made outside of its root directory
 * @property {"mount" | "cgroup" | "link" | "table" | "process" | "directory"} kind
 * @property {string} name what to show, and what to compare two surveys by
 * @property {string} evidence the text by which an owner can be told: paths, command line, environment
 */

/**
 * All that engines have made on this machine and that is still there.
 * @returns {Trace[]}
 */
export function survey() {
  return [...mounts(), ...cgroups(), ...links(), ...tables(), ...processes(), ...runDirectories()];
}

/**
 * What the second survey has and the first has not.
 * @param {readonly Trace[]} before
 * @param {readonly Trace[]} after
 */
export function leftBehind(before, after) {
  const known = new Set(before.map(nameOf));
  return after.filter((trace) => !known.has(nameOf(trace)));
}

/**
 * Engines that somebody else runs on this machine: what comes and goes with their containers cannot be told from what
 * the tests left behind.
 * @param {readonly Trace[]} traces
 * @param {string} directory of the tests' engines
 */
export function enginesOutside(traces, directory) {
  return traces.filter(({ kind, name, evidence }) => {
    return kind === "process" && / daemon( |$)/.test(name) && !evidence.includes(directory);
  });
}

/** @param {Trace} trace */
export function nameOf({ kind, name }) {
  return `${kind} ${name}`;
}

const MARK = /lighter/;

/** @returns {Trace[]} */
function mounts() {
  return lines("/proc/self/mountinfo")
    .filter((line) => MARK.test(line))
    .map((line) => ({ kind: "mount", name: line.split(" ")[4] ?? line, evidence: line }));
}

/** Both hierarchies' versions; a group is found by its own name or its parent's. */
function cgroups() {
  return directoriesBelow("/sys/fs/cgroup")
    .filter((path) => MARK.test(path))
    .map((path) => /** @type {Trace} */ ({ kind: "cgroup", name: path, evidence: path }));
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function directoriesBelow(directory) {
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return [path, ...directoriesBelow(path)];
    });
}

/** Links in the host's network namespace: bridges and the outer ends of pairs, known by name or alias. */
function links() {
  const directory = "/sys/class/net";
  return entries(directory)
    .map(
      ({ name }) =>
        /** @type {Trace} */ ({ kind: "link", name, evidence: `${name} ${text(join(directory, name, "ifalias"))}` }),
    )
    .filter(({ name, evidence }) => MARK.test(evidence) || /^(veth|lt)/.test(name));
}

/** @returns {Trace[]} */
function tables() {
  return (outputOf("nft", ["list", "tables"]) ?? "")
    .split("\n")
    .filter((line) => MARK.test(line))
    .map((line) => ({ kind: "table", name: line, evidence: line }));
}

/** Engines, shims and what runs in containers: known by program, control group, or the environment they were given. */
function processes() {
  return entries("/proc")
    .filter(({ name }) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(({ name: pid }) => {
      const directory = join("/proc", pid);
      const command = text(join(directory, "cmdline")).replaceAll("\0", " ").trim();
      const groups = text(join(directory, "cgroup"));
      const root = text(join(directory, "environ")).match(/(?:^|\0)LIGHTER_ROOT=[^\0]*/)?.[0] ?? "";
      const ours = MARK.test(program(directory)) || MARK.test(groups) || root !== "";
      const evidence = `${command} ${groups} ${root}`;
      return ours ? [/** @type {Trace} */ ({ kind: "process", name: `${pid} ${command}`, evidence })] : [];
    });
}

/** @returns {Trace[]} */
function runDirectories() {
  return entries("/run")
    .filter(({ name }) => /^lighter(-|$)/.test(name))
    .map(({ name }) => ({ kind: "directory", name: `/run/${name}`, evidence: `/run/${name}` }));
}

/** @param {string} directory */
function program(directory) {
  try {
    return basename(readlinkSync(join(directory, "exe")));
  } catch {
    return ""; // a kernel thread, or it ended meanwhile
  }
}

/** @param {string} directory */
function entries(directory) {
  try {
    return existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
  } catch {
    return []; // it went away meanwhile
  }
}

/** @param {string} path */
function lines(path) {
  return text(path).split("\n").filter(Boolean);
}

/** @param {string} path */
function text(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it went away meanwhile
  }
}
