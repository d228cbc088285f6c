import { existsSync, readFileSync } from "node:fs";

/**
 * @typedef {object} Report
 * @property {number} passed
 * @property {number} skipped
 * @property {string[]} failures one line each: file, line and name
 */

/**
 * Reads the report that the test runner wrote in JUnit's form. A file that could not even be loaded is not in it: then
 * the runner's exit code alone tells, and counts as one failure.
 * @param {string} path
 * @param {number} exitCode
 * @returns {Report}
 */
export function readReport(path, exitCode) {
  const xml = existsSync(path) ? readFileSync(path, "utf8") : "";
  const totals = attributesOf(xml.match(/<testsuites ([^>]*)>/)?.[1] ?? "");
  const failures = [...xml.matchAll(/<testcase ([^>]*[^/])>\s*<failure/g)].map((match) => describe(match[1] ?? ""));
  if (exitCode !== 0 && failures.length === 0)
    failures.push(`the test runner ended with exit code ${exitCode}, see above`);
  const skipped = Number(totals.skipped ?? 0);
  return { passed: Number(totals.tests ?? 0) - Number(totals.failures ?? 0) - skipped, skipped, failures };
}

/** @param {string} attributes of a test case */
function describe(attributes) {
  const { file, line, classname, name } = attributesOf(attributes);
  return `${file}:${line} ${classname ? `${classname} > ` : ""}${name}`;
}

/**
 * @param {string} attributes
 * @returns {Record<string, string>}
 */
function attributesOf(attributes) {
  return Object.fromEntries(
    [...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, plainText(value ?? "")]),
  );
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** @param {string} value */
function plainText(value) {
  return value.replace(/&(?:#(\d+)|(lt|gt|quot|apos|amp));/g, (_, code, name) =>
    code ? String.fromCodePoint(Number(code)) : ENTITIES[/** @type {keyof typeof ENTITIES} */ (name)],
  );
}
