import type { RegistryLogin, ReportCounter } from "../build/graph/solver.ts";
import type { Engine } from "../engine/engine.ts";
import type { Reference } from "../image/reference.ts";

/** Sends an image to its registry for a build, with its client's account. @throws the registry's refusal */
export async function pushForBuild(
  engine: Engine,
  reference: Reference,
  login: RegistryLogin | null,
  report: ReportCounter,
  signal: AbortSignal,
): Promise<void> {
  const [{ pushImage }, { credentialsOf, ANONYMOUS }] = await Promise.all([
    import("../registry/client/push.ts"),
    import("../registry/client/credentials.ts"),
  ]);
  const auth = login === null ? ANONYMOUS : credentialsOf({ ...login, identitytoken: login.identityToken });
  for await (const { id = "", status, progressDetail } of pushImage(engine.parts, { reference, auth, abort: signal })) {
    const { current = 0, total = 0 } = progressDetail ?? {};
    if (id !== "")
      report({ id: `pushing layer ${id}`, name: status ?? "", current, total, started: null, completed: null });
  }
}
