import { fail } from "../../base/errors.ts";
import { type Call, type GrpcRoute, unary } from "../../grpc/server.ts";
import { capabilities, GATEWAY_CAPABILITIES, LLB_CAPABILITIES } from "./capabilities.ts";
import { WORKER } from "./control-service.ts";
import type { DoorState } from "./door-state.ts";
import { errorOfClient } from "./error-details.ts";
import { CONFIG_KEY, configBytes, type Gateway } from "./gateway.ts";
import { LLBBridge } from "./proto/gateway_pb.ts";
import { readResultDirectory, readResultFile, statResultFile } from "./result-files.ts";

/** A client's call of the gateway belongs to the build that this names. */
const BUILD_ID = "buildkit-controlapi-buildid";

/** moby.buildkit.v1.frontend.LLBBridge: the calls of a client that drives its build itself. */
export function gatewayRoutes(door: DoorState): readonly GrpcRoute[] {
  const { method } = LLBBridge;
  const { layers } = door.parts;
  const gatewayOf = async ({ metadata, signal }: Call): Promise<Gateway> => {
    const build = await door.builds.get(String(metadata[BUILD_ID] ?? ""), signal);
    return build.gateway ?? fail("invalid", "NO_GATEWAY", `build ${build.ref} is not driven by its client`);
  };
  const rootOf = async (call: Call, ref: string) => layers.root((await gatewayOf(call)).get(ref).chainId);
  return [
    unary(method.ping, async (_, call) => {
      await gatewayOf(call);
      return {
        FrontendAPICaps: capabilities(GATEWAY_CAPABILITIES),
        LLBCaps: capabilities(LLB_CAPABILITIES),
        Workers: [WORKER()],
      };
    }),
    unary(method.solve, async (request, call) => {
      const gateway = await gatewayOf(call);
      const { id, result } = await gateway.solve(request);
      const metadata: Record<string, Uint8Array> = {};
      for (const [name, text] of Object.entries(result?.answer ?? {})) metadata[name] = Buffer.from(text);
      if (result?.config) metadata[CONFIG_KEY] = configBytes(result.config);
      if (!request.allowResultReturn) return { ref: id };
      const ref = request.allowResultArrayRef
        ? ({ case: "ref", value: { id } } as const)
        : ({ case: "refDeprecated", value: id } as const);
      return { result: { result: ref, metadata } };
    }),
    unary(method.return, async ({ result, error }, call) => {
      const gateway = await gatewayOf(call);
      if (error && error.code !== 0) gateway.fail(errorOfClient(error));
      else if (result) gateway.return(result);
      else fail("invalid", "EMPTY_RETURN", "neither a result nor an error was returned");
      return {};
    }),
    unary(method.evaluate, async ({ Ref }, call) => {
      // Results are solved before their ids are given out.
      (await gatewayOf(call)).get(Ref);
      return {};
    }),
    unary(method.readFile, async ({ Ref, FilePath, Range }, call) => ({
      Data: await readResultFile(await rootOf(call, Ref), FilePath, Range, call.signal),
    })),
    unary(method.readDir, async ({ Ref, DirPath, IncludePattern }, call) => ({
      entries: await readResultDirectory(await rootOf(call, Ref), DirPath, IncludePattern, call.signal),
    })),
    unary(method.statFile, async ({ Ref, Path }, call) => ({
      stat: await statResultFile(await rootOf(call, Ref), Path),
    })),
    unary(method.inputs, () => ({ Definitions: {} })),
    unary(method.warn, async (request, call) => {
      await (await gatewayOf(call)).warn(request);
      return {};
    }),
  ];
}
