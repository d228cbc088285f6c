import { expect, test } from "bun:test";
import { openApi } from "./api.ts";
import type { Transport } from "./transport.ts";

/** An engine that refuses everything. */
function refusing(status: number, text: string): Transport {
  const answer = async () => ({
    status,
    headers: new Map<string, string>(),
    body: (async function* () {
      yield new TextEncoder().encode(text);
    })(),
    stream: null,
  });
  return { connect: async () => {}, send: answer, upgrade: answer, close: () => {} };
}

test.each([
  ["/containers/x/json", 404, '{"message":"No such container: x"}', "No such container: x"],
  ["/containers/x/json", 502, "<html>bad gateway</html>", "<html>bad gateway</html>"],
  ["/containers/x/json", 500, "", "status 500"],
  [
    "/lighter/containers/x/run",
    404,
    '{"message":"page not found"}',
    "of another version than this client; end its process",
  ],
])("%s with %d says why", async (path, status, text, expected) => {
  await expect(openApi(refusing(status, text)).send("POST", path)).rejects.toThrow(expected);
});
