import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { API_PAGE, apiPage } from "./docs.ts";
import { ROUTES } from "./routes.ts";

test("the page is fresh; run `npm run docs` after a change", () => {
  expect(readFileSync(API_PAGE, "utf8")).toBe(apiPage());
});

test("every route says what it does, and has a place on the page", () => {
  expect(ROUTES.filter(({ summary }) => summary === "").map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  const page = apiPage();
  expect(ROUTES.filter(({ method, path }) => !page.includes(`\`${method} ${path}\``))).toEqual([]);
});
