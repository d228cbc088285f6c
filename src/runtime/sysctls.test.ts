import { describe, expect, test } from "bun:test";
import { containerSysctls, type SysctlScope } from "./sysctls.ts";

const own: SysctlScope = { ipc: true, network: true, newNetwork: true, uts: true };
const host: SysctlScope = { ipc: false, network: false, newNetwork: false, uts: false };

describe("sysctls", () => {
  test("a network namespace of its own gets Docker's defaults, which may be overridden", () => {
    expect(containerSysctls({ "net.ipv4.ip_unprivileged_port_start": "1024" }, "", own)).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "1024",
      "net.ipv4.ping_group_range": "0 2147483647",
    });
    expect(containerSysctls({}, "", { ...own, newNetwork: false })).toEqual({});
  });

  test("the domain name is one", () => {
    expect(containerSysctls({}, "example.org", { ...host, uts: true })).toEqual({ "kernel.domainname": "example.org" });
    expect(containerSysctls({}, "example.org", host)).toEqual({});
  });

  test("interfaces may be named with slashes", () => {
    expect(containerSysctls({ "net/ipv4/conf/eth0/rp_filter": "0" }, "", own)).toHaveProperty([
      "net/ipv4/conf/eth0/rp_filter",
    ]);
  });

  test.each([
    ["kernel.panic", own, 'sysctl "kernel.panic" is not in a separate kernel namespace'],
    ["kernel.core_pattern", own, 'sysctl "kernel.core_pattern" is not in a separate kernel namespace'],
    ["net.ipv4.ip_forward", host, 'sysctl "net.ipv4.ip_forward" not allowed in host network namespace'],
    ["kernel.shmmax", host, 'sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace'],
    ["fs.mqueue.msg_max", host, 'sysctl "fs.mqueue.msg_max" is not allowed in the hosts ipc namespace'],
    ["net/../kernel/panic", own, "is not the name of a kernel setting"],
    ["net...kernel.panic", own, "is not the name of a kernel setting"],
    ["net", own, "is not the name of a kernel setting"],
  ] as const)("%s is refused where it is the host's", (name, scope, message) => {
    expect(() => containerSysctls({ [name]: "1" }, "", scope)).toThrow(message);
  });
});
