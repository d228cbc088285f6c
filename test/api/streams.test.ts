import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { stdcopyFrame } from "../../src/base/stdcopy.ts";
import { eventually, within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** Connections that leave HTTP, and answers that go on: spoken by hand, as no one client shows all of it. */
let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(() => engine[Symbol.asyncDispose]());

/** One connection with everything that came over it so far. */
class Wire {
  received = Buffer.alloc(0);
  readonly socket: Socket;
  readonly ended: Promise<void>;
  #arrived = () => {};

  constructor(request: string) {
    this.socket = connect({ path: engine.socket, allowHalfOpen: true });
    this.socket.write(request);
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#arrived();
    });
    this.ended = new Promise((resolve) => {
      this.socket.once("end", resolve);
      this.socket.once("close", () => resolve());
    });
  }

  /** Waits until what came contains `text`. */
  async until(text: string): Promise<void> {
    await within(
      `${JSON.stringify(text)} comes`,
      new Promise<void>((resolve) => {
        this.#arrived = () => {
          if (this.received.includes(text)) resolve();
        };
        this.#arrived();
      }),
    );
  }

  /** The head, and all that followed until the engine ended the connection. */
  async all(): Promise<{ head: string; body: Buffer }> {
    await within("the engine ends the connection", this.ended);
    this.socket.destroy();
    const at = this.received.indexOf("\r\n\r\n") + 4;
    return { head: this.received.subarray(0, at).toString(), body: this.received.subarray(at) };
  }
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

function request(method: string, path: string, headers = "", body = ""): string {
  return `${method} ${path} HTTP/1.1\r\nHost: engine\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function post(path: string, body?: unknown): Promise<Response> {
  const response = await engine.api(path, {
    method: "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function create(settings: object): Promise<string> {
  const response = await post("/containers/create", { Image: "busybox", ...settings });
  return ((await response.json()) as { Id: string }).Id;
}

async function createExec(container: string, settings: object): Promise<string> {
  const response = await post(`/containers/${container}/exec`, { AttachStdout: true, AttachStderr: true, ...settings });
  return ((await response.json()) as { Id: string }).Id;
}

const CAT = { Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true };

describe("attach", () => {
  test("before the start: all output comes in frames, and the client's half-close is the process's end of input", async () => {
    const id = await create({ ...CAT, Cmd: ["sh", "-c", "echo out; echo err >&2; cat"] });
    const wire = new Wire(
      request("POST", `/v1.42/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, UPGRADE),
    );
    await wire.until("\r\n\r\n");
    await post(`/containers/${id}/start`);
    wire.socket.end("in");
    const { head, body } = await wire.all();
    expect(head).toStartWith("HTTP/1.1 101 UPGRADED\r\n");
    expect(head).toContain("Content-Type: application/vnd.docker.multiplexed-stream\r\n");
    const frames = [
      stdcopyFrame(1, Buffer.from("out\n")),
      stdcopyFrame(2, Buffer.from("err\n")),
      stdcopyFrame(1, Buffer.from("in")),
    ];
    for (const frame of frames) expect(body.includes(frame)).toBe(true);
    expect(body.length).toBe(Buffer.concat(frames).length);
  });

  test("without an upgrade the request's body is the input, and the answer is not chunked", async () => {
    const id = await create(CAT);
    await post(`/containers/${id}/start`);
    const wire = new Wire(
      `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    );
    const { head, body } = await wire.all();
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(head).not.toContain("chunked");
    expect(body).toEqual(stdcopyFrame(1, Buffer.from("hello")));
  });

  test("a client that vanishes takes its connection along and nothing else", async () => {
    const id = await create({ ...CAT, StdinOnce: false });
    await post(`/containers/${id}/start`);
    const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1`;
    const gone = new Wire(request("POST", path, UPGRADE));
    await gone.until("\r\n\r\n");
    gone.socket.destroy();
    const next = new Wire(request("POST", path, UPGRADE));
    await next.until("\r\n\r\n");
    next.socket.write("still here");
    await next.until("still here");
    next.socket.destroy();
  });

  test("the detach keys end a terminal's connection, and the container runs on", async () => {
    const id = await create({ ...CAT, Tty: true });
    await post(`/containers/${id}/start`);
    const wire = new Wire(
      request("POST", `/containers/${id}/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-x,q`, UPGRADE),
    );
    await wire.until("\r\n\r\n");
    wire.socket.write("typed\n");
    await wire.until("typed\r\ntyped\r\n");
    wire.socket.write("\x18q");
    expect((await wire.all()).head).toContain("application/vnd.docker.raw-stream");
    const inspected = (await (await engine.api(`/containers/${id}/json`)).json()) as { State: { Running: boolean } };
    expect(inspected.State.Running).toBe(true);
  });

  test("over WebSocket the output comes as it was written", async () => {
    const id = await create(CAT);
    await post(`/containers/${id}/start`);
    const client = new WebSocket(`ws+unix://${engine.socket}:/containers/${id}/attach/ws?stream=1&stdin=1&stdout=1`);
    client.binaryType = "arraybuffer";
    const message = Promise.withResolvers<string>();
    const closed = Promise.withResolvers<void>();
    client.onopen = () => client.send("hello");
    client.onmessage = ({ data }) => message.resolve(new TextDecoder().decode(data));
    client.onclose = () => closed.resolve();
    expect(await within("the echo comes", message.promise)).toBe("hello");
    client.close();
    await within("the connection closes", closed.promise);
  });
});

describe("exec", () => {
  let container = "";
  beforeAll(async () => {
    container = await create({ Cmd: ["sleep", "1000"] });
    await post(`/containers/${container}/start`);
  });

  const exitCode = async (id: string) =>
    ((await (await engine.api(`/exec/${id}/json`)).json()) as { ExitCode: number }).ExitCode;

  test("without an upgrade, as curl asks, the output is the answer's body", async () => {
    const id = await createExec(container, { Cmd: ["sh", "-c", "echo out; exit 3"] });
    const { head, body } = await new Wire(
      request("POST", `/exec/${id}/start`, "Content-Type: application/json\r\n", '{"Detach":false}'),
    ).all();
    expect(head).toContain("Content-Type: application/vnd.docker.raw-stream\r\n");
    expect(body).toEqual(stdcopyFrame(1, Buffer.from("out\n")));
    expect(await exitCode(id)).toBe(3);
  });

  test("upgraded: input goes in until the client's half-close", async () => {
    const id = await createExec(container, { Cmd: ["wc", "-c"], AttachStdin: true });
    const wire = new Wire(request("POST", `/exec/${id}/start`, `${UPGRADE}Content-Type: application/json\r\n`, "{}"));
    await wire.until("101 UPGRADED");
    wire.socket.end("x".repeat(300_000));
    expect((await wire.all()).body.subarray(8).toString().trim()).toBe("300000");
  });

  test("a command that is not there says so in the stream, with the shell's exit code", async () => {
    const id = await createExec(container, { Cmd: ["/no/such/command"] });
    const wire = new Wire(request("POST", `/exec/${id}/start`, `${UPGRADE}Content-Type: application/json\r\n`, "{}"));
    expect((await wire.all()).body.toString()).toContain("/no/such/command");
    expect(await exitCode(id)).toBe(127);
  });

  test("one that ran is refused by status, upgraded or not", async () => {
    const id = await createExec(container, { Cmd: ["true"] });
    await post(`/exec/${id}/start`, { Detach: true });
    const wire = new Wire(request("POST", `/exec/${id}/start`, `${UPGRADE}Content-Type: application/json\r\n`, "{}"));
    const { head, body } = await wire.all();
    expect(head).toStartWith("HTTP/1.1 409 Conflict\r\n");
    expect(JSON.parse(body.toString())).toEqual({ message: `Error: Exec command ${id} has already run` });
  });
});

describe("answers that go on", () => {
  test("wait sends its head at once, and the exit code when there is one", async () => {
    const id = await create({ Cmd: ["sh", "-c", "exit 5"] });
    const wire = new Wire(request("POST", `/containers/${id}/wait?condition=next-exit`, "Connection: close\r\n"));
    await wire.until("\r\n\r\n");
    expect(wire.received.toString()).not.toContain("StatusCode");
    await post(`/containers/${id}/start`);
    expect((await wire.all()).body.toString()).toContain('"StatusCode":5');
  });

  test.each([
    ["v1.41", false, "application/vnd.docker.raw-stream"],
    ["v1.42", false, "application/vnd.docker.multiplexed-stream"],
    ["v1.42", true, "application/vnd.docker.raw-stream"],
  ])("logs say their format: %s, terminal %p", async (version, tty, type) => {
    const id = await create({ Cmd: ["echo", "line"], Tty: tty });
    await post(`/containers/${id}/start`);
    const response = await engine.api(`/${version}/containers/${id}/logs?stdout=1&follow=1`);
    expect(response.headers.get("Content-Type")).toBe(type);
    expect(await response.text()).toContain("line");
  });

  test("a client that leaves the events frees its place", async () => {
    const listeners = async () =>
      ((await (await engine.api("/info")).json()) as { NEventsListener: number }).NEventsListener;
    const before = await listeners();
    const wires = Array.from({ length: 20 }, () => new Wire(request("GET", "/events")));
    await Promise.all(wires.map((wire) => wire.until("\r\n\r\n")));
    expect(await listeners()).toBe(before + 20);
    for (const { socket } of wires) socket.destroy();
    await eventually("the engine forgets who left", async () => ((await listeners()) === before ? true : undefined));
  });

  test("a start tells its phases to who asks", async () => {
    const id = await create({ Cmd: ["true"] });
    const response = await engine.api(`/containers/${id}/start`, { method: "POST", headers: { "Lighter-Trace": "1" } });
    expect(response.headers.get("Lighter-Trace")).toMatch(/^(\w+=\d+\.\d+,?)+$/);
    const again = await engine.api(`/containers/${await create({ Cmd: ["true"] })}/start`, { method: "POST" });
    expect(again.headers.get("Lighter-Trace")).toBeNull();
  });
});
