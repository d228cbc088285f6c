import { expect, test } from "bun:test";
import { formatAddress, parseAddress } from "./engine-address.ts";

test.each([
  ["unix:///run/lighter.sock", { kind: "unix", path: "/run/lighter.sock" }, "unix:///run/lighter.sock"],
  ["/run/lighter.sock", { kind: "unix", path: "/run/lighter.sock" }, "unix:///run/lighter.sock"],
  ["tcp://10.0.0.1:99", { kind: "tcp", host: "10.0.0.1", port: 99 }, "tcp://10.0.0.1:99"],
  [
    "tcp://engine.example.org",
    { kind: "tcp", host: "engine.example.org", port: 2375 },
    "tcp://engine.example.org:2375",
  ],
  [
    "ssh://me@host:22/run/x.sock",
    { kind: "ssh", destination: "me@host", port: 22, path: "/run/x.sock" },
    "ssh://me@host:22/run/x.sock",
  ],
  ["ssh://host/", { kind: "ssh", destination: "host", port: null, path: null }, "ssh://host"],
  ["tcp://:99", { kind: "tcp", host: "localhost", port: 99 }, "tcp://localhost:99"],
  ["tcp://[::1]:99/", { kind: "tcp", host: "::1", port: 99 }, "tcp://[::1]:99"],
] as const)("%s is understood and printed", (text, address, printed) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(parseAddress(text))).toBe(printed);
});

test.each([
  "",
  "unix://",
  "unix://relative",
  "tcp://",
  "tcp://host:99999",
  "ssh://-oProxyCommand=x",
  "ssh://-l@host",
  "ssh://a b",
  "ssh://host:99999",
  "host:2375",
  "tcp://a/b",
])("%p is refused by name", (text) => {
  expect(() => parseAddress(text)).toThrow(`invalid engine address "${text}"`);
});
