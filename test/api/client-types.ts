import type {
  CreateBody as ClientCreateBody,
  HostConfig as ClientHostConfig,
  ContainerDocument,
  ContainerSummary,
  CreateAnswer,
  WaitAnswer,
} from "../../src/client/container-documents.ts";
import type { ImageSummary } from "../../src/client/image-documents.ts";
import type { InfoDocument, VersionDocument } from "../../src/client/resource-documents.ts";
import type { CreateBody, HostConfig } from "../../src/engine/container-config.ts";
import type { CreateResult } from "../../src/engine/create-container.ts";
import type { WaitResult } from "../../src/engine/exit-waiters.ts";
import type { Images } from "../../src/engine/images.ts";
import type { InspectDocument } from "../../src/engine/inspect-container.ts";
import type { listContainers } from "../../src/engine/list-containers.ts";
import type { infoDocument, versionDocument } from "../../src/engine/system.ts";

/**
 * The library's types are the engine's, checked by the compiler: the library cannot import the engine, of which it would drag
 * everything along.
 */
type Assignable<From extends To, To> = [From, To];
type Readonlys<T> = T extends string ? T : T extends object ? { readonly [Key in keyof T]: Readonlys<T[Key]> } : T;

/** Every field that the library knows of a request is one that the engine's schema has. */
type KnownTo<Client, Schema> = Exclude<keyof Client, keyof Schema>;

export type Checked = [
  Assignable<KnownTo<ClientCreateBody, CreateBody>, never>,
  Assignable<KnownTo<ClientHostConfig, HostConfig>, never>,
  Assignable<Readonlys<CreateResult>, CreateAnswer>,
  Assignable<Readonlys<WaitResult>, WaitAnswer>,
  Assignable<Readonlys<InspectDocument>, ContainerDocument>,
  Assignable<Readonlys<Awaited<ReturnType<typeof listContainers>>[number]>, ContainerSummary>,
  Assignable<Readonlys<ReturnType<Images["list"]>[number]>, ImageSummary>,
  Assignable<Readonlys<ReturnType<typeof versionDocument>>, VersionDocument>,
  Assignable<Readonlys<ReturnType<typeof infoDocument>>, InfoDocument>,
];
