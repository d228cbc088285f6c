import { expect, test } from "bun:test";
import { Counter, gauge, Histogram } from "./prometheus.ts";

test("a counter has a line for each of its labels", () => {
  const counter = new Counter();
  counter.add({ code: "200" });
  counter.add({ code: "200" });
  counter.add({ code: '4"0\n' }, 3);
  expect(counter.lines("answers_total", "Answers.")).toEqual([
    "# HELP answers_total Answers.",
    "# TYPE answers_total counter",
    'answers_total{code="200"} 2',
    'answers_total{code="4\\"0\\n"} 3',
  ]);
});

test("a histogram's buckets hold all that is below them", () => {
  const histogram = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.5, 5]) histogram.observe({ action: "start" }, seconds);
  expect(histogram.lines("action_seconds", "Time.").slice(2)).toEqual([
    'action_seconds_bucket{action="start",le="0.1"} 1',
    'action_seconds_bucket{action="start",le="1"} 2',
    'action_seconds_bucket{action="start",le="+Inf"} 3',
    'action_seconds_sum{action="start"} 5.55',
    'action_seconds_count{action="start"} 3',
  ]);
});

test("a gauge without labels is one line", () => {
  expect(gauge("cpus", "Processors.", 2)).toEqual(["# HELP cpus Processors.", "# TYPE cpus gauge", "cpus 2"]);
});
