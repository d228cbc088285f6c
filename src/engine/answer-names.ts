import { hostResolvConf, upstreamResolvers } from "../network/resolv-conf.ts";
import type { Shim, ShimQuery } from "../runtime/shim.ts";
import type { EngineParts } from "./engine-parts.ts";
import { resolverSettings } from "./etc-files.ts";

/** Answers a DNS query of one of the containers. What reads such messages is loaded with the first of them. */
export async function answerNames(parts: EngineParts, id: string, shim: Shim, query: ShimQuery): Promise<void> {
  let answer: Uint8Array | null = null;
  try {
    const { answerQuery } = await import("../network/name-server.ts");
    const { message, stream } = query;
    answer = await answerQuery(parts.networks.names, id, message, stream, () => upstreamOf(parts, id));
  } catch (error) {
    parts.log("error", "a name query failed", { container: id, error });
  }
  // Also where there is none: the shim waits for it, and has room for so many.
  shim.answer(query.number, answer);
}

/** A container on internal networks alone has no way out, and its questions have none either. */
function upstreamOf(parts: EngineParts, id: string) {
  if (parts.networks.layout(id).main === undefined) return { servers: [], completesNames: false };
  return upstreamResolvers(hostResolvConf(), resolverSettings(parts.containers.get(id)));
}
