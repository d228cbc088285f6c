import { describe, expect, test } from "bun:test";
import { type AddressPool, DEFAULT_SUBNETS, freeSubnet, lowestFreeAddress, requestedAddress } from "./address-pool.ts";
import { formatIpv4, formatSubnet, parseCidr, parseIpv4 } from "./ipv4.ts";

function address(text: string): number {
  return parseIpv4(text) ?? Number.NaN;
}

function subnet(text: string) {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`${text} is no subnet`);
  return parsed.subnet;
}

function pool(text: string, gateway: string, extra: { range?: string; reserved?: string[] } = {}): AddressPool {
  return {
    subnet: subnet(text),
    gateway: address(gateway),
    range: subnet(extra.range ?? text),
    reserved: (extra.reserved ?? []).map(address),
  };
}

describe("the lowest free address", () => {
  test.each<[string, AddressPool, string[], string]>([
    ["comes after the gateway", pool("172.17.0.0/16", "172.17.0.1"), [], "172.17.0.2"],
    ["fills a gap", pool("172.17.0.0/16", "172.17.0.1"), ["172.17.0.2", "172.17.0.4"], "172.17.0.3"],
    ["comes before a high gateway", pool("10.0.0.0/24", "10.0.0.254"), [], "10.0.0.1"],
    ["starts with the range", pool("10.0.0.0/24", "10.0.0.1", { range: "10.0.0.128/25" }), [], "10.0.0.128"],
    ["skips what others have", pool("10.0.0.0/24", "10.0.0.1", { reserved: ["10.0.0.2"] }), [], "10.0.0.3"],
    ["uses both addresses of a /31", pool("10.0.0.0/31", "10.0.0.0"), [], "10.0.0.1"],
  ])("%s", (_, from, taken, expected) => {
    expect(formatIpv4(lowestFreeAddress(from, new Set(taken.map(address))))).toBe(expected);
  });

  test("is refused when all are taken, broadcast never given", () => {
    expect(() => lowestFreeAddress(pool("10.0.0.0/30", "10.0.0.1"), new Set([address("10.0.0.2")]))).toThrow(
      "no available IPv4 addresses on this network's address pools: 10.0.0.0/30",
    );
  });
});

describe("a requested address", () => {
  const from = pool("10.0.0.0/24", "10.0.0.1", { range: "10.0.0.128/25" });
  test("may lie outside the range", () => {
    expect(requestedAddress(from, address("10.0.0.7"), new Set())).toBe(address("10.0.0.7"));
  });
  test.each([
    ["10.0.1.7", "no configured subnet contains IP address 10.0.1.7"],
    ["10.0.0.1", "Address already in use: 10.0.0.1"],
    ["10.0.0.0", "Address already in use: 10.0.0.0"],
    ["10.0.0.255", "Address already in use: 10.0.0.255"],
    ["10.0.0.9", "Address already in use: 10.0.0.9"],
  ])("%s is refused: %s", (text, message) => {
    expect(() => requestedAddress(from, address(text), new Set([address("10.0.0.9")]))).toThrow(message);
  });
});

describe("the next free default subnet", () => {
  test.each([
    [[], "172.17.0.0/16"],
    [["172.17.3.0/24"], "172.18.0.0/16"],
    [["172.16.0.0/12"], "192.168.0.0/20"],
    [["172.16.0.0/12", "192.168.1.0/24"], "192.168.16.0/20"],
  ])("with %p in use is %s", (used, expected) => {
    expect(formatSubnet(freeSubnet(used.map(subnet)))).toBe(expected);
  });

  test("is refused when none is left", () => {
    expect(() => freeSubnet(DEFAULT_SUBNETS)).toThrow("all predefined address pools have been fully subnetted");
  });
});
