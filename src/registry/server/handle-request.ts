import { type AccessPolicy, type Action, admit, type Grant } from "./access-control.ts";
import { type Answer, jsonAnswer, type RegistryRequest } from "./answer.ts";
import { deleteBlob, getBlob } from "./blob-handlers.ts";
import {
  catalogPage,
  getManifest,
  listReferrers,
  receiveManifest,
  removeManifest,
  tagsPage,
} from "./manifest-handlers.ts";
import type { Target } from "./match-path.ts";
import type { PullThrough } from "./pull-through.ts";
import { refuse } from "./refusal.ts";
import type { RegistryStorage } from "./registry-storage.ts";
import { appendUpload, beginUpload, cancelUpload, finishUpload, uploadPosition } from "./upload-handlers.ts";
import type { Uploads } from "./uploads.ts";

/** What the handlers work with. */
export interface Registry {
  readonly storage: RegistryStorage;
  readonly uploads: Uploads;
  readonly policy: AccessPolicy;
  readonly readOnly: boolean;
  /** null: nothing is fetched from elsewhere. */
  readonly upstream: PullThrough | null;
}

const ACTION_OF: Readonly<Record<string, Action>> = {
  GET: "pull",
  HEAD: "pull",
  POST: "push",
  PUT: "push",
  PATCH: "push",
  DELETE: "delete",
};

/** One request: who asks, what for, the answer. @throws Refusal */
export async function handleRequest(
  registry: Registry,
  request: RegistryRequest,
  target: Target,
): Promise<{ readonly answer: Answer; readonly user: string | null }> {
  const action = ACTION_OF[request.method] ?? refuse("UNSUPPORTED", "the operation is unsupported");
  if (target.kind === "token") {
    const issue = registry.policy.kind === "token" ? registry.policy.authority.issue : null;
    return {
      answer: issue ? await issue(request) : refuse("UNSUPPORTED", "this registry issues no tokens"),
      user: null,
    };
  }
  const grant = await admit(registry.policy, request.incoming, needOf(target, action));
  if (action !== "pull" && (registry.readOnly || registry.upstream)) {
    refuse(
      "UNSUPPORTED",
      registry.upstream ? "this registry is a cache: push to the one behind it" : "this registry is read-only",
    );
  }
  return { answer: await answer(registry, request, target, grant), user: grant.user };
}

/** Asking where an upload stands, and giving it up, belongs to pushing. */
function needOf(target: Target, action: Action) {
  if (!("repository" in target)) return null;
  const isUpload = target.kind === "upload" || target.kind === "uploads";
  return { repository: target.repository, action: isUpload ? ("push" as const) : action };
}

function answer(registry: Registry, request: RegistryRequest, target: Target, grant: Grant): Answer | Promise<Answer> {
  const { storage, uploads, upstream } = registry;
  const { method } = request;
  const isRead = method === "GET" || method === "HEAD";
  switch (target.kind) {
    case "base":
      if (isRead) return jsonAnswer(200, {});
      break;
    case "catalog":
      if (isRead) return catalogPage(storage, request);
      break;
    case "tags":
      if (isRead) return tagsPage(storage, request, target.repository);
      break;
    case "referrers":
      if (isRead) return listReferrers(storage, request, target.repository, target.digest);
      break;
    case "blob":
      if (isRead && upstream) return upstream.getBlob(request, target.repository, target.digest);
      if (isRead) return getBlob(storage, request, target.repository, target.digest);
      if (method === "DELETE") return deleteBlob(storage, target.repository, target.digest);
      break;
    case "manifest":
      if (isRead && upstream) return upstream.getManifest(target.repository, target.reference);
      if (isRead) return getManifest(storage, target.repository, target.reference);
      if (method === "PUT") return receiveManifest(storage, request, target.repository, target.reference);
      if (method === "DELETE") return removeManifest(storage, target.repository, target.reference);
      break;
    case "uploads":
      if (method === "POST") {
        return beginUpload(storage, uploads, request, target.repository, (from) => grant.allows(from, "pull"));
      }
      break;
    case "upload":
      if (isRead) return uploadPosition(uploads, target.repository, target.id);
      if (method === "PATCH") return appendUpload(uploads, request, target.repository, target.id);
      if (method === "PUT") return finishUpload(uploads, request, target.repository, target.id);
      if (method === "DELETE") return cancelUpload(uploads, target.repository, target.id);
      break;
    case "token":
      break;
    default:
      return target satisfies never;
  }
  return refuse("UNSUPPORTED", "the operation is unsupported");
}
