import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An answer on its way from the registry to the client, whole. */
export interface PassingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends an answer, or does whatever else to the client; false means: let it pass. */
export type Meddle = (
  incoming: IncomingMessage,
  answer: PassingAnswer,
  response: ServerResponse,
  /** How many requests for this method and path there were before. */
  earlier: number,
) => boolean;

export interface MeddlingProxy extends AsyncDisposable {
  readonly host: string;
  meddle: Meddle;
  /** `GET /v2/...`, in order; to be emptied to count anew. */
  readonly requests: string[];
}

/** A real proxy between a client and a registry, which does to the answers what a test tells it to. */
export async function startMeddlingProxy(upstream: string): Promise<MeddlingProxy> {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    const key = `${incoming.method} ${incoming.url}`;
    const earlier = requests.filter((request) => request === key).length;
    requests.push(key);
    const url = new URL(incoming.url ?? "/", upstream);
    const outgoing = request(
      url,
      { method: incoming.method, headers: { ...incoming.headers, host: url.host } },
      async (answer) => {
        const pieces: Buffer[] = [];
        for await (const piece of answer) pieces.push(piece);
        const passing = { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) };
        if (proxy.meddle(incoming, passing, response, earlier)) return;
        response.writeHead(passing.status, passing.headers).end(incoming.method === "HEAD" ? undefined : passing.body);
      },
    );
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: MeddlingProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle: () => false,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}
