import { LIGHTER } from "../test/harness/program.ts";
import { startEngine, type TestEngine } from "../test/harness/test-engine.ts";
import type { Contender } from "./contender.ts";
import { processesOf } from "./memory.ts";

/** An engine of ours on a root of its own. */
export async function startLighter(): Promise<TestEngine> {
  return startEngine();
}

/** Our engine by our own client and by Docker's. */
export function lighterContenders(engine: TestEngine): Contender[] {
  const monitors = () => processesOf("lighter-shim", engine.paths.run);
  const common = { env: engine.env, engineProcesses: () => [engine.pid], monitors };
  return [
    { ...common, name: "lighter", client: LIGHTER },
    { ...common, name: "docker CLI on lighter", client: ["docker"], env: classicBuilder(engine.env) },
  ];
}

/** Both engines are asked by the same protocol: that of the classic builder, which Docker 20.10 has without plugins. */
export function classicBuilder(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return { ...env, DOCKER_BUILDKIT: "0" };
}
