import { expect, test } from "bun:test";
import { layersMount } from "./mounts.ts";

const place = { target: "/image", subpath: "" };
const NEW = { major: 6, minor: 8 };

test("one layer is bound, more are an overlay that is only read, none is an empty directory", () => {
  expect(layersMount("/snapshots", ["7/fs"], place, NEW)).toMatchObject({
    kind: "bind",
    source: "/snapshots/7/fs",
    readonly: true,
  });
  expect(layersMount("/snapshots", ["9/fs", "7/fs"], place, NEW)).toMatchObject({
    kind: "filesystem",
    type: "overlay",
    source: "/snapshots",
    readonly: true,
    options: ["redirect_dir=off", "metacopy=off", "lowerdir+=9/fs", "lowerdir+=7/fs"],
  });
  expect(layersMount("/snapshots", [], place, NEW)).toMatchObject({ type: "tmpfs", readonly: true });
});

test("before kernel 6.8 the layers stand in one option", () => {
  const mount = layersMount("/snapshots", ["9/fs", "7/fs"], place, { major: 6, minor: 7 });
  expect(mount).toMatchObject({ options: ["redirect_dir=off", "metacopy=off", "lowerdir=9/fs:7/fs"] });
});
