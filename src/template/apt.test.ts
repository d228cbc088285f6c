import { describe, expect, test } from "bun:test";
import { parseAptProxies, parseAptSources } from "./apt.ts";

test("apt's sources are read once each, in their order", () => {
  const lines = [
    "http://mirror.example/debian/|bookworm|main",
    "http://mirror.example/debian/|bookworm|main",
    "http://security.example/debian-security|bookworm-security|main",
    "|bookworm|main",
    "",
  ];
  expect(parseAptSources(lines)).toEqual([
    { site: "http://mirror.example/debian", release: "bookworm", component: "main" },
    { site: "http://security.example/debian-security", release: "bookworm-security", component: "main" },
  ]);
});

describe("apt's proxy is given to those who ask the environment", () => {
  const cases: [line: string, expected: Record<string, string>][] = [
    ['Acquire::http::Proxy "http://proxy.example:3128";', { http_proxy: "http://proxy.example:3128" }],
    ['Acquire::HTTPS::Proxy "http://proxy.example:3128";', { https_proxy: "http://proxy.example:3128" }],
    ['Acquire::http::Proxy "DIRECT";', {}],
    ['Acquire::http::Proxy "";', {}],
    ['Acquire::http::Proxy::mirror.example "DIRECT";', {}],
  ];
  test.each(cases)("%s", (line, expected) => expect(parseAptProxies([line])).toEqual(expected));
});
