import { expect, test } from "bun:test";
import { afterHead, newestKnownTo } from "./client-quirks.ts";

const COMPOSE = "docker-compose/1.29.2 docker-py/5.0.3 Linux/6.1";
const OTHERS = [undefined, "docker-compose/2.20.0", "Docker-Client/28.2.2 (linux)"];

test("docker-compose 1.x is offered what it knows, and nobody else is offered less than all", () => {
  expect(newestKnownTo(COMPOSE)).toBe("1.44");
  for (const other of [...OTHERS, "docker-sdk-python/7.1.0"]) expect(newestKnownTo(other)).toBeUndefined();
});

test("output waits for docker-py to read the head, and for nobody else", async () => {
  const output = Promise.resolve("output");
  const passed: string[] = [];
  const late = [COMPOSE, "docker-sdk-python/7.1.0"].map((agent) =>
    afterHead(agent, output).then(() => passed.push(agent)),
  );
  for (const other of OTHERS) expect(await afterHead(other, output)).toBe("output");
  expect(passed).toEqual([]);
  await Promise.all(late);
  expect(passed).toHaveLength(2);
  await expect(afterHead(COMPOSE, Promise.reject(new Error("no")))).rejects.toThrow("no");
});
