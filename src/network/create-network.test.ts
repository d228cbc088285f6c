import { describe, expect, test } from "bun:test";
import { NetworkCreateSchema, parseNetworkRequest } from "./create-network.ts";

function parse(body: Record<string, unknown>) {
  const request = parseNetworkRequest(NetworkCreateSchema.parse({ Name: "mine", ...body }));
  return request.driver === "bridge" ? request.bridge : request.wire;
}

function pool(config: Record<string, unknown>) {
  return { IPAM: { Config: [config] } };
}

describe("a bridge network", () => {
  test("is fully chosen by the engine where nothing is asked for", () => {
    expect(parse({})).toEqual({
      link: null,
      subnet: null,
      subnetFixed: false,
      gateway: null,
      range: null,
      ipv6: null,
      reserved: {},
      interContainer: true,
      masquerade: true,
      mtu: 1500,
      hostBinding: "0.0.0.0",
    });
  });

  test("has the subnet's first address as gateway, and the subnet in its normal form", () => {
    expect(parse(pool({ Subnet: "10.1.1.7/24" }))).toMatchObject({
      subnet: "10.1.1.0/24",
      gateway: "10.1.1.1",
      subnetFixed: true,
    });
    expect(parse(pool({ Subnet: "10.1.1.0/31" }))).toMatchObject({ gateway: "10.1.1.0" });
  });

  test("takes all of a pool", () => {
    const config = {
      Subnet: "10.1.1.0/24",
      Gateway: "10.1.1.254",
      IPRange: "10.1.1.128/25",
      AuxiliaryAddresses: { a: "10.1.1.9" },
    };
    expect(parse(pool(config))).toMatchObject({
      gateway: "10.1.1.254",
      range: "10.1.1.128/25",
      reserved: { a: "10.1.1.9" },
    });
  });

  test("may have IPv6, on a subnet of the client's or of our choice", () => {
    expect(parse({ EnableIPv6: true })).toMatchObject({ subnet: null, ipv6: "choose" });
    expect(parse({ EnableIPv6: true, ...pool({ Subnet: "fd00:1::9/64" }) })).toMatchObject({
      subnet: null,
      ipv6: { subnet: "fd00:1::/64", fixed: true, gateway: "fd00:1::1" },
    });
  });

  test("may be on one of the host's links", () => {
    expect(parse({ Driver: "macvlan", Options: { parent: "eth0" } })).toMatchObject({
      parent: "eth0",
      mode: 4,
      mtu: 0,
    });
    const Options = { parent: "eth0.5", ipvlan_mode: "l3" };
    expect(parse({ Driver: "ipvlan", Options })).toMatchObject({ kind: "ipvlan", parent: "eth0.5", mode: 1 });
  });

  test("takes the driver's options", () => {
    const prefix = "com.docker.network.bridge";
    const Options = {
      [`${prefix}.name`]: "br-mine",
      [`${prefix}.enable_icc`]: "false",
      [`${prefix}.enable_ip_masquerade`]: "0",
      [`${prefix}.host_binding_ipv4`]: "127.0.0.1",
      "com.docker.network.driver.mtu": "1400",
    };
    expect(parse({ Options })).toMatchObject({
      link: "br-mine",
      interContainer: false,
      masquerade: false,
      hostBinding: "127.0.0.1",
      mtu: 1400,
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ Name: " " }, "name is empty"],
    [{ Driver: "macvlan" }, "a macvlan network needs a link of the host's"],
    [{ Driver: "macvlan", Options: { parent: "../x" } }, 'invalid parent "../x"'],
    [
      { Driver: "macvlan", Options: { parent: "eth0", macvlan_mode: "foo" } },
      "requested macvlan mode 'foo' is not valid",
    ],
    [
      { Options: { "com.docker.network.host_ipv4": "10.0.0.1" } },
      "the network option com.docker.network.host_ipv4=10.0.0.1",
    ],
    [
      { Options: { "com.docker.network.bridge.gateway_mode_ipv4": "routed" } },
      "gateway_mode_ipv4=routed is not supported",
    ],
    [{ Driver: "overlay" }, "This node is not a swarm manager"],
    [{ Driver: "foo" }, 'plugin "foo" not found'],
    [{ Driver: "host" }, 'only one instance of "host" network is allowed'],
    [{ IPAM: { Driver: "foo" } }, 'plugin "foo" not found'],
    [{ EnableIPv4: false }, "networks of IPv6 alone are not supported"],
    [pool({ Subnet: "fd00::/64" }), "the subnet fd00::/64 needs IPv6 on the network"],
    [{ EnableIPv6: true, ...pool({ Subnet: "fe80::/64" }) }, "Invalid subnet fe80::/64"],
    [{ EnableIPv6: true, ...pool({ Subnet: "fd00::/129" }) }, "Invalid subnet fd00::/129 : invalid CIDR address"],
    [
      { EnableIPv6: true, ...pool({ Subnet: "fd00::/64", Gateway: "fd01::1" }) },
      "no matching subnet for gateway fd01::1",
    ],
    [pool({ Subnet: "10.1.1.0/33" }), "Invalid subnet 10.1.1.0/33 : invalid CIDR address: 10.1.1.0/33"],
    [pool({ Subnet: "10.1.1.0/32" }), "failed to allocate gateway (): No available addresses on this pool"],
    [pool({ Subnet: "0.0.0.0/0" }), "Invalid subnet 0.0.0.0/0"],
    [pool({ Subnet: "127.1.0.0/16" }), "Invalid subnet 127.1.0.0/16"],
    [pool({ Subnet: "224.0.0.0/8" }), "Invalid subnet 224.0.0.0/8"],
    [pool({ Gateway: "10.1.1.1" }), "Invalid subnet  : invalid CIDR address: "],
    [pool({ Subnet: "10.1.1.0/24", Gateway: "10.2.1.1" }), "no matching subnet for gateway 10.2.1.1"],
    [pool({ Subnet: "10.1.1.0/24", Gateway: "foo" }), "invalid gateway address foo in Ipam configuration"],
    [pool({ Subnet: "10.1.1.0/24", IPRange: "10.2.0.0/24" }), "no matching subnet for range 10.2.0.0/24"],
    [{ Options: { "com.docker.network.bridge.name": "a/b" } }, 'invalid com.docker.network.bridge.name "a/b"'],
    [{ Options: { "com.docker.network.bridge.name": "../../../etc" } }, "invalid com.docker.network.bridge.name"],
    [{ Options: { "com.docker.network.bridge.name": 'a"; flush' } }, "invalid com.docker.network.bridge.name"],
    [{ Options: { "com.docker.network.driver.mtu": "zz" } }, "failed to parse com.docker.network.driver.mtu value: zz"],
    [
      { Options: { "com.docker.network.bridge.enable_icc": "maybe" } },
      "failed to parse com.docker.network.bridge.enable_icc",
    ],
  ])("refuses %j", (body, message) => {
    expect(() => parse(body)).toThrow(message);
  });
});
