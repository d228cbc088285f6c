import { describe, expect, test } from "bun:test";
import { decode, encode, RECURSION_DESIRED } from "dns-packet";
import fc from "fast-check";
import {
  addressAnswers,
  answerTo,
  failureTo,
  isAnswerTo,
  parseQuery,
  type Query,
  Rcode,
  rcodeOf,
  reversedAddress,
  withId,
} from "./dns-message.ts";

function question(name: string, type: "A" | "AAAA" = "A", edns?: number): Uint8Array {
  const additionals =
    edns === undefined
      ? []
      : [
          {
            type: "OPT" as const,
            name: ".",
            udpPayloadSize: edns,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  return encode({ type: "query", id: 77, flags: RECURSION_DESIRED, questions: [{ type, name }], additionals });
}

function parsed(bytes: Uint8Array): Query {
  const query = parseQuery(bytes);
  if (query === null || query instanceof Uint8Array) throw new Error("the question was not understood");
  return query;
}

describe("a query", () => {
  test("is its question, number and how long an answer may be", () => {
    expect(parsed(question("web"))).toMatchObject({ id: 77, question: { name: "web", type: "A" }, maxBytes: 512 });
    expect(parsed(question("web", "A", 4096)).maxBytes).toBe(4096);
    expect(parsed(question("web", "A", 100)).maxBytes).toBe(512);
  });

  test.each([
    ["an answer", "00018000000000000000 0000", null],
    ["too short a header", "0001", null],
    ["no question", "000100000000000000000000", "000180010000000000000000"],
    ["a pointer to itself", "000100000001000000000000c00c00010001", "000180010000000000000000"],
    ["another operation", "000128000001000000000000", "0001a8040000000000000000"],
  ])("that is %s is refused or left alone", (_, hex, answer) => {
    const got = parseQuery(Buffer.from(hex.replaceAll(" ", ""), "hex"));
    expect(got instanceof Uint8Array ? Buffer.from(got).toString("hex") : got).toBe(answer);
  });

  test("of any bytes does no harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const query = parseQuery(bytes);
        if (query !== null && !(query instanceof Uint8Array)) failureTo(query, Rcode.SERVER_FAILED);
      }),
    );
  });
});

test("any question that is understood can be answered, whatever its name, type and class", () => {
  const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 5 });
  const number = fc.nat(0xffff);
  fc.assert(
    fc.property(labels, number, number, (name, type, kind) => {
      const head = Buffer.from("000701000001000000000000", "hex");
      const tail = Buffer.from([0, type >> 8, type & 0xff, kind >> 8, kind & 0xff]);
      const bytes = Buffer.concat([head, ...name.flatMap((label) => [Buffer.from([label.length]), label]), tail]);
      const query = parseQuery(bytes);
      if (query === null || query instanceof Uint8Array) return;
      const failure = failureTo(query, Rcode.SERVER_FAILED);
      expect(isAnswerTo(bytes, failure)).toBe(true);
      expect(isAnswerTo(bytes, answerTo(query, [], false))).toBe(true);
    }),
  );
});

describe("an answer", () => {
  test("that is too long for a datagram is cut and says so", () => {
    const query = parsed(question(`${"n".repeat(60)}.net`));
    const answers = addressAnswers(
      query,
      Array.from({ length: 20 }, (_, i) => `10.0.0.${i}`),
    );
    const cut = answerTo(query, answers, false);
    expect(cut.length).toBeLessThanOrEqual(512);
    expect(decode(Buffer.from(cut))).toMatchObject({ id: 77, flag_tc: true, flag_rd: true, flag_ra: true });
    const whole = decode(Buffer.from(answerTo(query, answers, true)));
    expect(whole.flag_tc).toBe(false);
    expect(whole.answers).toHaveLength(20);
  });

  test("of a server counts only for the same number and question", () => {
    const asked = question("Web.example");
    const answer = answerTo(parsed(question("web.EXAMPLE")), [], false);
    expect(isAnswerTo(asked, answer)).toBe(true);
    expect(isAnswerTo(asked, withId(answer, 78))).toBe(false);
    expect(isAnswerTo(asked, answerTo(parsed(question("web.example", "AAAA")), [], false))).toBe(false);
    expect(isAnswerTo(asked, asked)).toBe(false);
    expect(isAnswerTo(asked, answer.subarray(0, 11))).toBe(false);
    expect(rcodeOf(failureTo(parsed(asked), Rcode.SERVER_FAILED))).toBe(2);
  });
});

test.each([
  ["4.3.2.10.in-addr.arpa", "10.2.3.4"],
  ["4.3.2.10.IN-ADDR.ARPA.", "10.2.3.4"],
  [`5.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, "fd00::5"],
  ["3.2.10.in-addr.arpa", null],
  ["web", null],
])("%s stands for %p", (name, address) => {
  expect(reversedAddress(name)).toBe(address);
});
