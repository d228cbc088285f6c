import { setTimeout as delay } from "node:timers/promises";

/** What clients that cannot be changed any more need, known by what they call themselves. */

/**
 * The newest version to offer to a client that speaks whatever it is offered; undefined for those that know their limits.
 * docker-compose 1.x cannot recreate a container without an image's ContainerConfig, which documents have until 1.44.
 */
export function newestKnownTo(userAgent: string | undefined): string | undefined {
  return userAgent?.startsWith("docker-compose/1.") ? "1.44" : undefined;
}

/** Less than what Docker takes from its answer to an exec's first output, more than a busy client to read a few lines. */
const HEAD_START_MS = 30;

/**
 * Holds back the output of a process that has just begun until a client can have read the answer's head. docker-py reads
 * the head with a buffer and what follows without it: whatever came along with the head is lost to it
 * (docker/api/client.py, _get_raw_response_socket). Docker is too slow for that to be seen.
 */
export async function afterHead<T>(userAgent: string | undefined, output: Promise<T>): Promise<T> {
  if (!userAgent || !/docker-(sdk-python|py)\//.test(userAgent)) return output;
  const [socket] = await Promise.all([output, delay(HEAD_START_MS)]);
  return socket;
}
