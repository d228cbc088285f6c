import { expect, test } from "bun:test";
import fc from "fast-check";
import { createDemultiplexer } from "./demultiplex.ts";

interface Frame {
  readonly stream: number;
  readonly payload: Uint8Array;
}

function encode(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap(({ stream, payload }) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(payload.length, 4);
      return [header, payload];
    }),
  );
}

/** Feeds the bytes in pieces cut at the given places and returns what came out for each stream. */
async function demultiplex(bytes: Uint8Array, cuts: readonly number[] = []): Promise<{ 1: Buffer; 2: Buffer }> {
  const pieces: { 1: Uint8Array[]; 2: Uint8Array[] } = { 1: [], 2: [] };
  const feed = createDemultiplexer((stream, piece) => {
    pieces[stream].push(piece.slice());
  });
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, place] of places.entries()) await feed(bytes.subarray(place, places[index + 1] ?? place));
  return { 1: Buffer.concat(pieces[1]), 2: Buffer.concat(pieces[2]) };
}

const frame = fc.record({ stream: fc.constantFrom(0, 1, 2), payload: fc.uint8Array({ maxLength: 40 }) });

test("every stream gets its bytes in order, wherever the frames are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (frames, cuts) => {
        const result = await demultiplex(encode(frames), cuts);
        const expected = (match: (stream: number) => boolean) =>
          Buffer.concat(frames.filter(({ stream }) => match(stream)).map(({ payload }) => payload));
        expect(result[1]).toEqual(expected((stream) => stream !== 2));
        expect(result[2]).toEqual(expected((stream) => stream === 2));
      },
    ),
  );
});

test("payload is passed on before its frame is complete", async () => {
  const seen: number[] = [];
  const feed = createDemultiplexer((_stream, piece) => {
    seen.push(piece.length);
  });
  const bytes = encode([{ stream: 1, payload: new Uint8Array(1000) }]);
  await feed(bytes.subarray(0, 300));
  expect(seen).toEqual([292]);
});

test("an error that the engine puts into the stream is thrown with its text", async () => {
  const bytes = encode([{ stream: 3, payload: new TextEncoder().encode("log driver failed") }]);
  await expect(demultiplex(bytes, [3, 9, 14])).rejects.toThrow("log driver failed");
});

test("how the process ended is told to who asked for it", async () => {
  const results: string[] = [];
  const feed = createDemultiplexer(
    () => {},
    (text) => {
      results.push(text);
    },
  );
  const bytes = encode([
    { stream: 1, payload: new TextEncoder().encode("out") },
    { stream: 4, payload: new TextEncoder().encode('{"StatusCode":3}') },
  ]);
  await feed(bytes.subarray(0, 25));
  expect(results).toEqual([]);
  await feed(bytes.subarray(25));
  expect(results).toEqual(['{"StatusCode":3}']);
});

test.each([
  ["an unknown stream", [4, 0, 0, 0, 0, 0, 0, 1, 65]],
  ["padding that is not zero", [1, 1, 0, 0, 0, 0, 0, 1, 65]],
])("%s is refused", async (_name, bytes) => {
  await expect(demultiplex(Uint8Array.from(bytes))).rejects.toThrow("not framed as expected");
});
