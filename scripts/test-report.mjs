import { existsSync, readFileSync } from "node:fs";

/**
 * @typedef {object} Report
 * @property {number} passed
 * @property {number} skipped
 * @property {string[]} failures one line each: file, line and name
 */

const TEST_CASE = /<testcase((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/**
 * Reads the report that a test runner, Bun's or Node's, wrote in JUnit's form. A file that could not even be loaded is
 * not in Bun's: then the runner's exit code alone tells, and counts as one failure.
 * @param {string} path
 * @param {number} exitCode
 * @returns {Report}
 */
export function readReport(path, exitCode) {
  const xml = existsSync(path) ? readFileSync(path, "utf8") : "";
  const report = /** @type {Report} */ ({ passed: 0, skipped: 0, failures: [] });
  for (const [, attributes = "", content = ""] of xml.matchAll(TEST_CASE)) {
    if (/<(failure|error)\b/.test(content)) report.failures.push(describe(attributes));
    else if (content.includes("<skipped")) report.skipped++;
    else report.passed++;
  }
  if (exitCode !== 0 && report.failures.length === 0)
    report.failures.push(`the test runner ended with exit code ${exitCode}, see above`);
  return report;
}

/** @param {string} attributes of a test case */
function describe(attributes) {
  const { file, line, classname, name } = attributesOf(attributes);
  const place = file && line ? `${file}:${line} ` : "";
  return `${place}${classname ? `${classname} > ` : ""}${name}`;
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
