import { portsDocument } from "../network/port-mapping.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** The `NetworkSettings` of an inspect document; the fields beside `Networks` repeat the default bridge's, as of old. */
export function networkSettings(parts: EngineParts, record: ContainerRecord) {
  const networks = Object.fromEntries(
    Object.entries(record.networks).flatMap(([name, request]) => {
      const document = parts.networks.settingsDocument(record.id, name, request);
      return document === null ? [] : [[name, document]];
    }),
  );
  const running = record.state.status === "running";
  const { pid } = running ? record.state : { pid: 0 };
  const onBridge = networks.bridge;
  return {
    Bridge: "",
    SandboxID: running ? record.id : "",
    SandboxKey: running ? `/proc/${pid}/ns/net` : "",
    Ports: running ? portsDocument(record.config.ExposedPorts, parts.networks.publishing.portsOf(record.id)) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: onBridge?.EndpointID ?? "",
    Gateway: onBridge?.Gateway ?? "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: onBridge?.IPAddress ?? "",
    IPPrefixLen: onBridge?.IPPrefixLen ?? 0,
    IPv6Gateway: "",
    MacAddress: onBridge?.MacAddress ?? "",
    Networks: networks,
  };
}
