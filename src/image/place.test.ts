import { expect, test } from "bun:test";
import { type Place, parsePlace, splitPlace } from "./place.ts";

const PLACES: [text: string, place: Place][] = [
  ["0", { kind: "back", layers: 0 }],
  ["12", { kind: "back", layers: 12 }],
  ["+1", { kind: "forward", layers: 1 }],
  ["{0}", { kind: "entry", number: 0 }],
  ["@{3}", { kind: "entry", number: 3 }],
  ["1234", { kind: "layer", prefix: "1234" }],
  ["sha256:beef", { kind: "layer", prefix: "beef" }],
];

test.each(PLACES)("%s is a place in a history", (text, place) => {
  expect(parsePlace(text)).toEqual(place);
});

test.each(["", "-1", "abc", "1.5", "{}", "{-1}", "sha256:", "xyzw", "ABCD", "{1", `${"a".repeat(65)}`])(
  "%p is none",
  (text) => {
    expect(() => parsePlace(text)).toThrow("is no place in a history");
  },
);

test.each<[text: string, name: string, place: Place | null]>([
  ["app", "app", null],
  ["host:5000/team/app:2@1", "host:5000/team/app:2", { kind: "back", layers: 1 }],
  ["app@{2}", "app", { kind: "entry", number: 2 }],
])("%s has its name and its place", (text, name, place) => {
  expect(splitPlace(text)).toEqual({ name, place });
});
