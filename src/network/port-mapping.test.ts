import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { type PortSettings, parsePortRequests, portsDocument } from "./port-mapping.ts";

function settings(part: Partial<PortSettings>): PortSettings {
  return { ExposedPorts: {}, PortBindings: {}, PublishAllPorts: false, ...part };
}

function binding(HostPort: string, HostIp = "") {
  return { HostIp, HostPort };
}

describe("what is asked for", () => {
  test.each<[string, Partial<PortSettings>, unknown[]]>([
    ["nothing", { ExposedPorts: { "80/tcp": {} } }, []],
    [
      "a fixed port",
      { PortBindings: { "80/tcp": [binding("8080")] } },
      [{ protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: { first: 8080, last: 8080 } }],
    ],
    [
      "tcp where no protocol is named",
      { PortBindings: { "80": [binding("8080", "127.0.0.1")] } },
      [{ protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", hostPorts: { first: 8080, last: 8080 } }],
    ],
    [
      "any port",
      { PortBindings: { "53/udp": [binding("")] } },
      [{ protocol: "udp", containerPort: 53, hostIp: "", hostPorts: null }],
    ],
    [
      "one of a range",
      { PortBindings: { "80/tcp": [binding("8000-8010")] } },
      [{ protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: { first: 8000, last: 8010 } }],
    ],
    [
      "two bindings of one port",
      { PortBindings: { "80/tcp": [binding("1"), binding("2")] } },
      [
        { protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: { first: 1, last: 1 } },
        { protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: { first: 2, last: 2 } },
      ],
    ],
    [
      "all exposed ports, those with a binding only once",
      {
        PublishAllPorts: true,
        ExposedPorts: { "80/tcp": {}, "90-91/udp": {} },
        PortBindings: { "80/tcp": [binding("8080")] },
      },
      [
        { protocol: "tcp", containerPort: 80, hostIp: "", hostPorts: { first: 8080, last: 8080 } },
        { protocol: "udp", containerPort: 90, hostIp: "", hostPorts: null },
        { protocol: "udp", containerPort: 91, hostIp: "", hostPorts: null },
      ],
    ],
  ])("%s", (_, part, expected) => {
    expect(parsePortRequests(settings(part))).toEqual(expected as never);
  });

  test.each<[Partial<PortSettings>, string]>([
    [{ PortBindings: { "foo/tcp": [binding("80")] } }, 'invalid port specification: "foo"'],
    [{ PortBindings: { "80-90/tcp": [binding("80")] } }, 'invalid port specification: "80-90"'],
    [{ PortBindings: { "0/tcp": [binding("80")] } }, 'invalid port specification: "0"'],
    [{ PortBindings: { "80/foo": [binding("80")] } }, 'invalid port specification: "80/foo"'],
    [{ PortBindings: { "80/tcp": [binding("99999")] } }, 'invalid port specification: "99999"'],
    [{ PortBindings: { "80/tcp": [binding("9-8")] } }, 'invalid port specification: "9-8"'],
    [{ PortBindings: { "80/tcp": [binding("1-2-3")] } }, 'invalid port specification: "1-2-3"'],
    [{ PortBindings: { "80/tcp": [binding("80", "foo")] } }, "invalid IP address: foo"],
    [{ PublishAllPorts: true, ExposedPorts: { "x/tcp": {} } }, 'invalid port specification: "x"'],
  ])("%j is refused", (part, message) => {
    expect(() => parsePortRequests(settings(part))).toThrow(message);
  });

  test("any text is either parsed or refused by our own error", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (key, hostPort, hostIp) => {
        try {
          for (const request of parsePortRequests(settings({ PortBindings: { [key]: [binding(hostPort, hostIp)] } }))) {
            expect(request.containerPort).toBeWithin(1, 65536);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });
});

test("the document shows exposed ports as null and published ones with all their bindings", () => {
  expect(
    portsDocument({ "80/tcp": {}, "53/udp": {}, "90": {} }, [
      { protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80 },
      { protocol: "tcp", hostIp: "127.0.0.1", hostPort: 8081, containerPort: 80 },
      { protocol: "tcp", hostIp: "0.0.0.0", hostPort: 7000, containerPort: 7 },
    ]),
  ).toEqual({
    "80/tcp": [
      { HostIp: "0.0.0.0", HostPort: "8080" },
      { HostIp: "127.0.0.1", HostPort: "8081" },
    ],
    "53/udp": null,
    "90/tcp": null,
    "7/tcp": [{ HostIp: "0.0.0.0", HostPort: "7000" }],
  });
});
