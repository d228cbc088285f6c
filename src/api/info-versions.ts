import { isIP } from "node:net";
import type { infoDocument } from "../engine/system.ts";
import type { RegistrySettings } from "../registry/client/registry-settings.ts";
import { type ApiVersion, since } from "./api-version.ts";

type Info = ReturnType<typeof infoDocument>;

/** The engine's description of itself as a version of the API tells it (Engine API version history). */
export function infoFor(version: ApiVersion, info: Info, settings: RegistrySettings) {
  const { FirewallBackend, ...rest } = info;
  const { ContainerdCommit: containerd, RuncCommit: runc, InitCommit: init } = info;
  return {
    ...rest,
    RegistryConfig: {
      ...registryConfig(settings),
      ...(since(version, 47)
        ? {}
        : { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null }),
    },
    ...(since(version, 49)
      ? { FirewallBackend }
      : {
          ContainerdCommit: { ...containerd, Expected: containerd.ID },
          RuncCommit: { ...runc, Expected: runc.ID },
          InitCommit: { ...init, Expected: init.ID },
        }),
    ...(since(version, 50) ? {} : { BridgeNfIptables: false, BridgeNfIp6tables: false }),
  };
}

/** How registries are reached, as Docker tells it: blocks of addresses apart from hosts. */
function registryConfig({ insecure, mirrors }: RegistrySettings) {
  const isBlock = (entry: string) => isIP(entry.split("/")[0] ?? "") !== 0 && entry.includes("/");
  const index = (name: string, secure: boolean, urls: readonly string[]) => ({
    Name: name,
    Mirrors: urls,
    Secure: secure,
    Official: name === HUB,
  });
  const hosts = insecure.filter((entry) => !isBlock(entry)).map((host) => [host, index(host, false, [])]);
  const urls = mirrors.map(String);
  return {
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", ...insecure.filter(isBlock)],
    IndexConfigs: { ...Object.fromEntries(hosts), [HUB]: index(HUB, true, urls) },
    Mirrors: urls,
  };
}

const HUB = "docker.io";
