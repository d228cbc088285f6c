import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import type { CacheDocument } from "../prune.ts";
import { matching, pruneOptions } from "./cache-records.ts";
import { PruneRequestSchema } from "./proto/control_pb.ts";

const STEP: CacheDocument = {
  ID: "step-1",
  Parents: [],
  Type: "regular",
  Description: "RUN make",
  InUse: false,
  Shared: true,
  Size: 10,
  CreatedAt: "2026-01-01T00:00:00Z",
  LastUsedAt: "2026-01-01T00:00:00Z",
  UsageCount: 1,
};
const MOUNT: CacheDocument = { ...STEP, ID: "mount-2", Type: "exec.cachemount", Shared: false, InUse: true };

const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], ["step-1", "mount-2"]],
  [[""], ["step-1", "mount-2"]],
  [["type==regular"], ["step-1"]],
  [["type!=regular"], ["mount-2"]],
  [["id~=^mount"], ["mount-2"]],
  [["inuse"], ["mount-2"]],
  [["shared==true,type==exec.cachemount"], []],
  [
    ["shared==true", "type==exec.cachemount"],
    ["step-1", "mount-2"],
  ],
  [['description=="RUN make"'], ["step-1", "mount-2"]],
];
for (const [filters, ids] of cases) {
  test(`${JSON.stringify(filters)} means ${ids.join(" and ") || "nothing"}`, () => {
    expect(matching(filters, [STEP, MOUNT]).map(({ ID }) => ID)).toEqual([...ids]);
  });
}

test("a filter that is none is refused", () => {
  for (const filter of ["color==red", "id~=(", "=="]) expect(() => matching([filter], [STEP])).toThrow("invalid");
});

test("what no filter fits is not everything", () => {
  const request = create(PruneRequestSchema, {
    filter: ["id==nothing"],
    keepDuration: 2_000_000_000n,
    reservedSpace: 5n,
  });
  expect(pruneOptions(request, [STEP])).toEqual({ all: false, unusedForMs: 2000, keepBytes: 5, types: [], ids: [""] });
});
