import { describe, expect, test } from "bun:test";
import { networkDocument, networkFilter } from "./network-documents.ts";
import { EndpointSchema, type NetworkRecord } from "./network-record.ts";

const BRIDGE: NetworkRecord = {
  id: "b".repeat(64),
  name: "bridge",
  created: "2026-01-01T00:00:00Z",
  driver: "bridge",
  internal: false,
  attachable: false,
  labels: {},
  options: {},
  wire: null,
  bridge: {
    link: "lighter0",
    subnet: "172.17.0.0/16",
    subnetFixed: false,
    gateway: "172.17.0.1",
    range: null,
    ipv6: null,
    reserved: {},
    interContainer: true,
    masquerade: true,
    mtu: 1500,
    hostBinding: "0.0.0.0",
  },
};
const NONE: NetworkRecord = { ...BRIDGE, id: "0".repeat(64), name: "none", driver: "null", bridge: null };
const MINE: NetworkRecord = { ...BRIDGE, id: "1".repeat(64), name: "mine", labels: { tier: "db" } };

test("the document has an endpoint's address with its prefix, and no pool for a network without a bridge", () => {
  const endpoint = EndpointSchema.parse({
    id: "e".repeat(64),
    networkId: BRIDGE.id,
    containerId: "c1",
    containerName: "web",
    place: { address: "172.17.0.2", prefixLength: 16, macAddress: "02:42:ac:11:00:02" },
    request: {},
  });
  expect(networkDocument(BRIDGE, [endpoint])).toMatchObject({
    IPAM: { Driver: "default", Options: null, Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }] },
    Containers: { c1: { Name: "web", IPv4Address: "172.17.0.2/16", MacAddress: "02:42:ac:11:00:02" } },
  });
  expect(networkDocument(NONE, [{ ...endpoint, place: null }])).toMatchObject({
    Driver: "null",
    IPAM: { Config: [] },
    Containers: { c1: { IPv4Address: "", MacAddress: "" } },
  });
});

describe("the list", () => {
  test.each<[Record<string, string[]>, string[]]>([
    [{}, ["bridge", "none", "mine"]],
    [{ driver: ["null"] }, ["none"]],
    [{ name: ["i"] }, ["bridge", "mine"]],
    [{ id: ["1111"] }, ["mine"]],
    [{ type: ["custom"] }, ["mine"]],
    [{ type: ["builtin"] }, ["bridge", "none"]],
    [{ label: ["tier=db"] }, ["mine"]],
    [{ dangling: ["true"] }, ["mine"]],
    [{ dangling: ["false"] }, ["bridge", "none"]],
    [{ scope: ["swarm"] }, []],
  ])("filtered by %j is %j", (filters, expected) => {
    const matches = networkFilter(new Map(Object.entries(filters)));
    expect([BRIDGE, NONE, MINE].filter((network) => matches(network, false)).map(({ name }) => name)).toEqual(expected);
  });

  test.each<[Record<string, string[]>]>([[{ foo: ["b"] }], [{ type: ["x"] }], [{ dangling: ["x"] }]])(
    "refuses %j, whatever networks there are",
    (filters) => {
      expect(() => networkFilter(new Map(Object.entries(filters)))).toThrow("invalid filter");
    },
  );
});
