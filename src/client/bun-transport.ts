import { LighterError } from "../base/errors.ts";
import { ByteQueue } from "./byte-queue.ts";
import { connectionLost, unreachable } from "./connection-error.ts";
import { ResponseReader, type ResponseSink } from "./http-response.ts";
import type { DirectAddress, RawStream, Request, Response, Transport } from "./transport.ts";

type Answer = Response & { readonly stream: RawStream | null };

/** HTTP/1.1 over `Bun.connect`: see {@link openTransport} for why not node:http. */
export function openBunTransport(address: DirectAddress): Transport {
  const idle: Connection[] = [];
  const open = new Set<Connection>();

  async function connect(): Promise<Connection> {
    const connection = await Connection.open(address);
    open.add(connection);
    connection.onIdle = () => {
      connection.letGo();
      idle.push(connection);
    };
    connection.onClose = () => {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
    };
    return connection;
  }

  async function exchange(request: Request, upgrade: boolean): Promise<Answer> {
    const connection = idle.pop() ?? (await connect());
    return connection.exchange(request, upgrade);
  }

  return {
    async connect() {
      if (idle.length === 0) idle.push(await connect());
    },
    send: (request) => exchange(request, false),
    upgrade: (request) => exchange(request, true),
    close() {
      for (const connection of open) connection.close();
    },
  };
}

/** One socket, on which one exchange happens at a time. */
class Connection {
  onIdle = () => {};
  onClose = () => {};
  #reader: ResponseReader | null = null;
  #failed: (error: Error) => void = () => {};
  #closed = false;
  #drained = Promise.withResolvers<void>();

  private constructor(
    private readonly socket: Bun.Socket<{ connection: Connection | null }>,
    private readonly address: DirectAddress,
  ) {}

  static async open(address: DirectAddress): Promise<Connection> {
    const handlers: Bun.SocketHandler<{ connection: Connection | null }> = {
      data: (socket, bytes) => socket.data.connection?.received(bytes),
      drain: (socket) => socket.data.connection?.drain(),
      end: (socket) => socket.data.connection?.ended(),
      close: (socket) => socket.data.connection?.ended(),
      error: (socket, error) => socket.data.connection?.fail(error),
    };
    const data: { connection: Connection | null } = { connection: null };
    const options = { data, socket: handlers, allowHalfOpen: true };
    try {
      const socket = await (address.kind === "unix"
        ? Bun.connect({ ...options, unix: address.path })
        : Bun.connect({ ...options, hostname: address.host, port: address.port }));
      const connection = new Connection(socket, address);
      data.connection = connection;
      return connection;
    } catch (error) {
      throw unreachable(address, error);
    }
  }

  /** While it is idle it keeps no program from ending, as Node's connections do not. */
  letGo(): void {
    this.socket.unref();
  }

  exchange(request: Request, upgrade: boolean): Promise<Answer> {
    this.socket.ref();
    return new Promise((resolve, reject) => {
      const throttle = { pause: () => this.socket.pause(), resume: () => this.socket.resume() };
      const body = new ByteQueue(throttle, () => this.close());
      this.#failed = (error) => {
        reject(error);
        body.end(error);
      };
      const sink: ResponseSink = {
        head: (status, headers) =>
          resolve({ status, headers, body, stream: status === 101 ? this.rawStream(body) : null }),
        body: (chunk) => body.push(chunk),
        end: (reusable) => {
          body.end();
          this.#reader = null;
          if (reusable && !this.#closed) this.onIdle();
          else this.close();
        },
      };
      this.#reader = new ResponseReader(sink, request.method !== "HEAD");
      this.sendRequest(request, upgrade).catch((error) => this.fail(error));
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
    this.socket.end();
  }

  private async sendRequest(request: Request, upgrade: boolean): Promise<void> {
    const { method, path, body } = request;
    const headers: Record<string, string> = { Host: "lighter", ...request.headers };
    if (upgrade) Object.assign(headers, { Connection: "Upgrade", Upgrade: "tcp" });
    const payload = typeof body === "string" ? new TextEncoder().encode(body) : null;
    if (payload) Object.assign(headers, { "Content-Type": "application/json", "Content-Length": payload.length });
    else if (body !== undefined) headers["Transfer-Encoding"] = "chunked";
    else if (method === "POST" || method === "PUT") headers["Content-Length"] = "0";
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    await this.write(new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`));
    if (payload) return this.write(payload);
    if (body === undefined || typeof body === "string") return;
    for await (const chunk of body) {
      // An engine that has already answered does not want the rest.
      if (this.#closed || this.#reader === null) return;
      if (chunk.length === 0) continue;
      await this.write(new TextEncoder().encode(`${chunk.length.toString(16)}\r\n`));
      await this.write(chunk);
      await this.write(CRLF);
    }
    await this.write(LAST_CHUNK);
  }

  private rawStream(output: AsyncIterable<Uint8Array>): RawStream {
    return {
      output,
      write: (bytes) => this.write(bytes),
      end: () => this.socket.shutdown(),
      close: () => this.close(),
    };
  }

  /** Resolves when the system has taken all of it; without a reader on the other side that may be never. */
  private async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (!this.#closed) {
      const written = this.socket.write(rest);
      if (written >= rest.length) return;
      if (written > 0) rest = rest.subarray(written);
      await this.#drained.promise;
    }
  }

  private drain(): void {
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }

  private received(bytes: Uint8Array): void {
    try {
      this.#reader?.feed(bytes);
    } catch (error) {
      this.fail(error);
    }
  }

  private ended(): void {
    if (this.#reader && !this.#reader.close()) this.fail(null);
    this.close();
    this.drain();
  }

  private fail(error: unknown): void {
    this.#reader = null;
    this.#failed(error instanceof LighterError ? error : connectionLost(this.address, error));
    this.close();
    this.drain();
  }
}

const CRLF = new TextEncoder().encode("\r\n");
const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");
