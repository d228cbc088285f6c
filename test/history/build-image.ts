import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestEngine } from "../harness/test-engine.ts";

/** Builds a Dockerfile's text under a name, as users do. */
export async function buildImage(engine: TestEngine, name: string, dockerfile: string): Promise<void> {
  const context = join(engine.root, "context", name.replaceAll(/[:/]/g, "-"));
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "Dockerfile"), dockerfile);
  await engine.expectLighter("build", "--quiet", "--tag", name, context);
}

/** What a program in a container of an image prints; the container is gone afterwards. */
export function inImage(engine: TestEngine, image: string, script: string): Promise<string> {
  return engine.expectLighter("run", "--rm", "--network", "none", image, "sh", "-c", script);
}
