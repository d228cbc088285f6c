import { expect, test } from "bun:test";
import { hostSubnets, parseRouteTable } from "./host-subnets.ts";
import { formatSubnet } from "./ipv4.ts";

test("reads the kernel's route table without the default route", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
    "",
  ].join("\n");
  expect(parseRouteTable(table).map(({ link, subnet }) => `${link} ${formatSubnet(subnet)}`)).toEqual([
    "eth0 192.0.2.0/24",
    "docker0 172.17.0.0/16",
  ]);
});

test("this machine's loopback address is among what must not be overlapped", () => {
  expect(hostSubnets().map(formatSubnet)).toContain("127.0.0.1/32");
});
