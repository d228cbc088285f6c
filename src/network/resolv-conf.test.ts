import { describe, expect, test } from "bun:test";
import {
  embeddedResolvConf,
  hostNetworkResolvConf,
  type ResolverSettings,
  resolvConf,
  upstreamResolvers,
} from "./resolv-conf.ts";

function settings(part: Partial<ResolverSettings> = {}): ResolverSettings {
  return { nameservers: [], search: [], options: [], ...part };
}

describe("a container's resolv.conf", () => {
  test.each<[string, string, Partial<ResolverSettings>, string]>([
    [
      "takes the host's",
      "nameserver 10.1.1.1\nsearch a b\noptions ndots:2\n",
      {},
      "nameserver 10.1.1.1\nsearch a b\noptions ndots:2\n",
    ],
    ["drops comments", "# x\nnameserver 10.1.1.1 # y\n; z\n", {}, "nameserver 10.1.1.1\n"],
    ["drops loopback", "nameserver 127.0.0.1\nnameserver 10.1.1.1\n", {}, "nameserver 10.1.1.1\n"],
    ["drops IPv6", "nameserver fd00::1\nnameserver 10.1.1.1\n", {}, "nameserver 10.1.1.1\n"],
    [
      "falls back to public ones",
      "nameserver 127.0.0.53\nsearch a\n",
      {},
      "nameserver 8.8.8.8\nnameserver 8.8.4.4\nsearch a\n",
    ],
    ["falls back without a file", "", {}, "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"],
    ["knows domain", "domain a\nnameserver 1.1.1.1", {}, "nameserver 1.1.1.1\nsearch a\n"],
    [
      "takes --dns, loopback too",
      "nameserver 10.1.1.1\nsearch a\n",
      { nameservers: ["127.0.0.1", "::1"] },
      "nameserver 127.0.0.1\nnameserver ::1\nsearch a\n",
    ],
    [
      "takes --dns-search",
      "nameserver 10.1.1.1\nsearch a\n",
      { search: ["b", "c"] },
      "nameserver 10.1.1.1\nsearch b c\n",
    ],
    ["takes --dns-search . as none", "nameserver 10.1.1.1\nsearch a\n", { search: ["."] }, "nameserver 10.1.1.1\n"],
    [
      "takes --dns-option",
      "nameserver 10.1.1.1\noptions a b\n",
      { options: ["ndots:5"] },
      "nameserver 10.1.1.1\noptions ndots:5\n",
    ],
  ])("%s", (_, host, part, expected) => {
    expect(resolvConf(host, settings(part))).toBe(expected);
  });

  test.each<[Partial<ResolverSettings>]>([
    [{ nameservers: ["foo"] }],
    [{ search: ["a\nnameserver 6.6.6.6"] }],
    [{ options: ["a b"] }],
  ])("refuses %j", (part) => {
    expect(() => resolvConf("", settings(part))).toThrow(/^bad /);
  });
});

test("on the host's network the host's file is kept byte for byte, unless something was asked for", () => {
  const host = "# mine\nnameserver 127.0.0.53\n";
  expect(hostNetworkResolvConf(host, settings())).toBe(host);
  expect(hostNetworkResolvConf(host, settings({ search: ["x"] }))).toBe("nameserver 127.0.0.53\nsearch x\n");
});

describe("a container whose names the engine resolves", () => {
  test.each<[string, string, Partial<ResolverSettings>, string]>([
    [
      "asks the engine alone",
      "nameserver 10.1.1.1\n",
      { nameservers: ["9.9.9.9"] },
      "nameserver 127.0.0.11\noptions ndots:0\n",
    ],
    [
      "keeps the host's domains and options",
      "search a\noptions edns0\n",
      {},
      "nameserver 127.0.0.11\nsearch a\noptions edns0 ndots:0\n",
    ],
    ["keeps the dots that were asked for", "", { options: ["ndots:3"] }, "nameserver 127.0.0.11\noptions ndots:3\n"],
  ])("%s", (_, host, part, file) => {
    expect(embeddedResolvConf(host, settings(part))).toBe(file);
  });

  test.each<[string, string, Partial<ResolverSettings>, string[], boolean]>([
    [
      "the host's, loopback and IPv6 too",
      "nameserver 127.0.0.53\nnameserver fd00::1\n",
      {},
      ["127.0.0.53", "fd00::1"],
      false,
    ],
    ["those of --dns", "nameserver 10.1.1.1\n", { nameservers: ["9.9.9.9"] }, ["9.9.9.9"], false],
    ["public ones where there are none", "", {}, ["8.8.8.8", "8.8.4.4"], false],
    ["never itself", "nameserver 127.0.0.11\nnameserver 10.1.1.1\n", {}, ["10.1.1.1"], false],
    [
      "none for bare names that the container completes",
      "nameserver 10.1.1.1\noptions ndots:2\n",
      {},
      ["10.1.1.1"],
      true,
    ],
  ])("has the engine ask %s", (_, host, part, servers, completesNames) => {
    expect(upstreamResolvers(host, settings(part))).toEqual({ servers, completesNames });
  });
});
