import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readReport } from "./test-report.mjs";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "report-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function report(xml: string): string {
  const path = join(directory, "report.xml");
  writeFileSync(path, xml);
  return path;
}

test("passed, skipped and failed tests are counted, the failed ones named", () => {
  const path = report(`
    <testsuites name="bun test" tests="4" failures="1" skipped="1">
      <testsuite name="a" file="a.test.ts" tests="4" failures="1" skipped="1">
        <testcase name="good" classname="" file="a.test.ts" line="1" />
        <testcase name="good too" classname="" file="a.test.ts" line="2"></testcase>
        <testcase name="left out" classname="" file="a.test.ts" line="3"><skipped /></testcase>
        <testcase name="1 &lt; 2 &amp; &#233;" classname="sums" file="a.test.ts" line="4">
          <failure type="AssertionError" message="no">no</failure>
        </testcase>
      </testsuite>
    </testsuites>`);
  expect(readReport(path, 1)).toEqual({ passed: 2, skipped: 1, failures: ["a.test.ts:4 sums > 1 < 2 & é"] });
});

test("the report of Node's runner is read too", () => {
  const path = report(`
    <testsuites>
      <testcase name="a &lt;b>" time="0.1" classname="test"/>
      <testsuite name="suite" tests="2" failures="1">
        <testcase name="skipped" time="0.1" classname="test">
          <skipped type="skipped" message="why"/>
        </testcase>
        <testcase name="bad" time="0.1" classname="test" failure="1 == 2">
          <failure type="testCodeFailure" message="1 == 2">no</failure>
        </testcase>
      </testsuite>
      <!-- tests 3 -->
    </testsuites>`);
  expect(readReport(path, 1)).toEqual({ passed: 1, skipped: 1, failures: ["test > bad"] });
});

test("a runner that failed without a failed test counts as a failure", () => {
  const good = report(`<testsuites tests="1" failures="0" skipped="0"></testsuites>`);
  expect(readReport(good, 0).failures).toEqual([]);
  expect(readReport(good, 1).failures).toHaveLength(1);
  expect(readReport(join(directory, "absent.xml"), 1)).toMatchObject({ passed: 0, failures: [expect.any(String)] });
});
