import { expect, test } from "bun:test";
import { hostNetworkHostsFile, hostsFile, parseExtraHost } from "./hosts-file.ts";

const CONTAINER = {
  hostname: "web",
  domainname: "",
  addresses: ["172.17.0.2"],
  extraHosts: [],
  links: [],
  hostGateway: "172.17.0.1",
};

function lastLines(text: string, count: number): string[] {
  return text.trimEnd().split("\n").slice(-count);
}

test("loopback comes first, the container last", () => {
  const text = hostsFile(CONTAINER);
  expect(text.startsWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")).toBe(true);
  expect(text.endsWith("ff02::2\tip6-allrouters\n172.17.0.2\tweb\n")).toBe(true);
});

test("a domain makes the full name the first one", () => {
  expect(lastLines(hostsFile({ ...CONTAINER, domainname: "example.org" }), 1)).toEqual([
    "172.17.0.2\tweb.example.org web",
  ]);
});

test("extra hosts come before the container, the host's gateway by its address", () => {
  const text = hostsFile({ ...CONTAINER, extraHosts: ["db:10.0.0.5", "v6:::1", "v6b:[fe80::1]", "host:host-gateway"] });
  expect(lastLines(text, 5)).toEqual([
    "10.0.0.5\tdb",
    "::1\tv6",
    "fe80::1\tv6b",
    "172.17.0.1\thost",
    "172.17.0.2\tweb",
  ]);
});

test("without a bridge there is no host-gateway", () => {
  expect(() => hostsFile({ ...CONTAINER, hostGateway: null, extraHosts: ["a:host-gateway"] })).toThrow("host-gateway");
});

test("on the host's network the host's own file is kept", () => {
  expect(hostNetworkHostsFile("127.0.0.1 localhost\n", { extraHosts: ["a:1.2.3.4"], hostGateway: null })).toBe(
    "127.0.0.1 localhost\n1.2.3.4\ta\n",
  );
});

test.each([
  ["foo", 'bad format for add-host: "foo"'],
  [":1.2.3.4", 'bad format for add-host: ":1.2.3.4"'],
  ["a\n6.6.6.6 b:1.2.3.4", "bad format for add-host"],
  ["foo:bar", 'invalid IP address in add-host: "bar"'],
  ["foo:", 'invalid IP address in add-host: ""'],
])("%p is refused: %s", (text, message) => {
  expect(() => parseExtraHost(text)).toThrow(message);
});
