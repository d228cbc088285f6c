import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import type { MountConfig } from "./mount-config.ts";
import { type MountPoint, mountsDocument } from "./mount-point.ts";
import { type MountSettings, resolveMountPoints } from "./mount-points.ts";

const VOLUMES = { volumePath: (name: string) => `/volumes/${name}/_data` };

function resolve(part: Partial<MountSettings>, others: Record<string, readonly MountPoint[]> = {}): MountPoint[] {
  const nothing = { Volumes: {}, Binds: null, Mounts: [], VolumesFrom: null, VolumeDriver: "", Tmpfs: {} };
  const mountPointsOf = (container: string) => {
    const points = others[container];
    if (!points) throw new Error(`No such container: ${container}`);
    return points;
  };
  return resolveMountPoints({ ...nothing, ...part }, { ...VOLUMES, mountPointsOf });
}

function mount(part: Partial<MountConfig>): Partial<MountSettings> {
  return { Mounts: [{ Type: "bind", Source: "", Target: "/x", ReadOnly: false, ...part }] };
}

const BIND_OPTIONS = {
  Propagation: "",
  NonRecursive: false,
  CreateMountpoint: false,
  ReadOnlyNonRecursive: false,
  ReadOnlyForceRecursive: false,
};
const VOLUME_OPTIONS = { NoCopy: false, Labels: {}, Subpath: "" };

const ANY_ID = /^[0-9a-f]{64}$/;

/** What Docker 20.10 printed for the same requests. */
describe("inspect shows", () => {
  test.each<[string, Partial<MountSettings>, unknown]>([
    [
      "a named volume",
      { Binds: ["vol1:/v1"] },
      {
        Type: "volume",
        Name: "vol1",
        Source: "/volumes/vol1/_data",
        Destination: "/v1",
        Driver: "local",
        Mode: "z",
        RW: true,
        Propagation: "",
      },
    ],
    [
      "a volume with a mode",
      { Binds: ["vol3:/v6:ro,nocopy,Z"] },
      {
        Type: "volume",
        Name: "vol3",
        Source: "/volumes/vol3/_data",
        Destination: "/v6",
        Driver: "local",
        Mode: "ro,nocopy,Z",
        RW: false,
        Propagation: "",
      },
    ],
    [
      "a bind with a mode",
      { Binds: ["/etc:/v2:ro,shared"] },
      { Type: "bind", Source: "/etc", Destination: "/v2", Mode: "ro,shared", RW: false, Propagation: "shared" },
    ],
    [
      "paths in their normal form",
      { Binds: ["/etc/:/v4/../v5/"] },
      { Type: "bind", Source: "/etc", Destination: "/v5", Mode: "", RW: true, Propagation: "rprivate" },
    ],
    [
      "a bind of --mount",
      mount({ Source: "/usr", ReadOnly: true }),
      { Type: "bind", Source: "/usr", Destination: "/x", Mode: "", RW: false, Propagation: "rprivate" },
    ],
    [
      "a volume of --mount",
      mount({ Type: "volume", Source: "vol2", VolumeOptions: { ...VOLUME_OPTIONS, NoCopy: true } }),
      {
        Type: "volume",
        Name: "vol2",
        Source: "/volumes/vol2/_data",
        Destination: "/x",
        Driver: "local",
        Mode: "z",
        RW: true,
        Propagation: "",
      },
    ],
    [
      "a tmpfs of --mount",
      mount({ Type: "tmpfs", TmpfsOptions: { SizeBytes: 1048576, Mode: 0o700 } }),
      { Type: "tmpfs", Source: "", Destination: "/x", Mode: "", RW: true, Propagation: "" },
    ],
    [
      "an anonymous volume of the image without a mode",
      { Volumes: { "anon/": {} } },
      {
        Type: "volume",
        Name: expect.stringMatching(ANY_ID),
        Source: expect.any(String),
        Destination: "/anon",
        Driver: "local",
        Mode: "",
        RW: true,
        Propagation: "",
      },
    ],
    [
      "an anonymous volume of --mount",
      mount({ Type: "volume" }),
      {
        Type: "volume",
        Name: expect.stringMatching(ANY_ID),
        Source: expect.any(String),
        Destination: "/x",
        Driver: "local",
        Mode: "z",
        RW: true,
        Propagation: "",
      },
    ],
  ])("%s", (_, settings, expected) => {
    expect(mountsDocument(resolve(settings))).toEqual([expected] as never);
  });
});

describe("what is mounted", () => {
  test("-v makes a missing source, --mount only when told", () => {
    const [bind, refused] = [resolve({ Binds: ["/nope-1:/x"] }), mount({ Source: "/nope-1" })];
    expect(bind[0]).toMatchObject({ Type: "bind", createSource: true });
    expect(() => resolve(refused)).toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /nope-1',
    );
    const told = mount({ Source: "/nope-1", BindOptions: { ...BIND_OPTIONS, CreateMountpoint: true } });
    expect(resolve(told)[0]).toMatchObject({ Type: "bind", createSource: true });
  });

  test("nocopy keeps a volume from being filled", () => {
    expect(resolve({ Binds: ["vol:/a", "vol2:/b:nocopy"] })).toMatchObject([{ copy: true }, { copy: false }]);
  });

  test("a volume's driver, labels and options are kept for its making", () => {
    const VolumeOptions = {
      ...VOLUME_OPTIONS,
      Labels: { a: "b" },
      DriverConfig: { Name: "local", Options: { type: "tmpfs" } },
    };
    expect(resolve(mount({ Type: "volume", Source: "vol", VolumeOptions }))).toMatchObject([
      { Driver: "local", labels: { a: "b" }, driverOptions: { type: "tmpfs" } },
    ]);
    expect(resolve({ Binds: ["vol:/a"], VolumeDriver: "nope" })).toMatchObject([{ Driver: "nope" }]);
  });

  test.each([
    ["a/b", "a/b"],
    ["./a//b/", "a/b"],
    ["a/../b", "b"],
    ["", ""],
  ])("the subpath %p of a volume or an image is %p", (Subpath, expected) => {
    const [volume] = resolve(mount({ Type: "volume", Source: "vol", VolumeOptions: { ...VOLUME_OPTIONS, Subpath } }));
    const [image] = resolve(mount({ Type: "image", Source: "app", ImageOptions: { Subpath } }));
    expect([volume, image]).toMatchObject([{ subpath: expected }, { subpath: expected, Name: "app", RW: false }]);
  });

  test("volumes of other containers come along, read-only where asked, without tmpfs, and not to be filled", () => {
    const other = resolve({ Binds: ["vol:/a", "/etc:/b"], ...mount({ Type: "tmpfs", Target: "/c" }) });
    expect(resolve({ VolumesFrom: ["other:ro"] }, { other })).toMatchObject([
      { Name: "vol", Destination: "/a", RW: false, copy: false },
      { Source: "/etc", Destination: "/b", RW: false },
    ]);
    expect(resolve({ VolumesFrom: ["other"] }, { other })).toMatchObject([{ RW: true }, { RW: true }]);
  });

  test("what is nearer to the user wins", () => {
    const other = resolve({ Binds: ["theirs:/a", "theirs2:/t"] });
    const settings = {
      VolumesFrom: ["other"],
      Binds: ["mine:/a"],
      Volumes: { "/a": {}, "/t": {}, "/free": {} },
      Tmpfs: { "/t/": "" },
    };
    expect(
      resolve(settings, { other }).map((point) => [point.Destination, point.Name.length < 64 && point.Name]),
    ).toEqual([
      ["/a", "mine"],
      ["/free", false],
    ]);
  });
});

describe("refused in Docker's words", () => {
  test.each<[Partial<MountSettings>, string]>([
    [{ Binds: ["a/b:/x"] }, 'create a/b: "a/b" includes invalid characters for a local volume name'],
    [
      { Binds: ["/a:b"] },
      `invalid volume specification: '/a:b': invalid mount config for type "bind": invalid mount path: 'b' mount path must be absolute`,
    ],
    [
      { Binds: ["/a:/"] },
      `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [{ Binds: ["/a:/b/.."] }, "destination can't be '/'"],
    [{ Binds: ["/a:/b:foo"] }, "invalid mode: foo"],
    [{ Binds: ["/a:/b:ro,rw"] }, "invalid mode: ro,rw"],
    [{ Binds: ["/a:/b:toString"] }, "invalid mode: toString"],
    [{ Binds: [":/b"] }, "invalid volume specification: ':/b'"],
    [{ Binds: ["a:/b:ro:z"] }, "invalid volume specification: 'a:/b:ro:z'"],
    [{ Binds: ["/x:ro"] }, "invalid volume specification: '/x:ro'"],
    [
      { Binds: ["vol1:/x:shared"] },
      `invalid volume specification: 'vol1:/x:shared': invalid mount config for type "volume": field BindOptions must not be specified`,
    ],
    [
      { Binds: ["/a:/x:nocopy"] },
      `invalid volume specification: '/a:/x:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
    ],
    [{ Binds: ["/a:/x", "/b:/x"] }, "Duplicate mount point: /x"],
    [{ Binds: ["/a:/x"], Tmpfs: { "/x": "" } }, "Duplicate mount point: /x"],
    [{ Tmpfs: { x: "" } }, "invalid mount path: 'x' mount path must be absolute"],
    [{ VolumesFrom: [""] }, "volumes-from specification cannot be an empty string"],
    [{ VolumesFrom: ["nope"] }, "No such container: nope"],
    [{ VolumesFrom: ["nope:foo"] }, "invalid mode: foo"],
    [{ VolumesFrom: ["nope:shared"] }, "invalid mode: shared"],
    [
      mount({ Type: "volume", ReadOnly: true }),
      `invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes`,
    ],
    [
      mount({ Type: "tmpfs", Source: "a" }),
      `invalid mount config for type "tmpfs": field Source must not be specified`,
    ],
    [mount({}), `invalid mount config for type "bind": field Source must not be empty`],
    [mount({ Target: "" }), `invalid mount config for type "bind": field Target must not be empty`],
    [mount({ Type: "foo" }), `invalid mount config for type "foo": mount type unknown`],
    [
      mount({ Source: "rel" }),
      `invalid mount config for type "bind": invalid mount path: 'rel' mount path must be absolute`,
    ],
    [
      mount({ Source: "/etc", BindOptions: { ...BIND_OPTIONS, Propagation: "foo" } }),
      `invalid mount config for type "bind": invalid propagation mode: foo`,
    ],
    [mount({ Type: "volume", Source: "a/b" }), 'create a/b: "a/b" includes invalid characters'],
    [mount({ Type: "volume", Source: "vol", BindOptions: BIND_OPTIONS }), "field BindOptions must not be specified"],
    [{ Volumes: { "/": {} } }, "invalid specification: destination can't be '/'"],
    [mount({ Type: "image" }), `invalid mount config for type "image": field Source must not be empty`],
    [
      mount({ Type: "image", Source: "app", ImageOptions: { Subpath: "a/../../b" } }),
      `invalid mount config for type "image": subpath must be a relative path within the image`,
    ],
    [
      mount({ Type: "image", Source: "app", VolumeOptions: VOLUME_OPTIONS }),
      `invalid mount config for type "image": field VolumeOptions must not be specified`,
    ],
    [
      mount({ Source: "/etc", ImageOptions: { Subpath: "" } }),
      `invalid mount config for type "bind": field ImageOptions must not be specified`,
    ],
    ...["/a", "..", "../b", "a/../..", "a\0b"].map((Subpath): [Partial<MountSettings>, string] => [
      mount({ Type: "volume", Source: "vol", VolumeOptions: { ...VOLUME_OPTIONS, Subpath } }),
      `invalid mount config for type "volume": subpath must be a relative path within the volume`,
    ]),
  ])("%j", (settings, message) => {
    expect(() => resolve(settings)).toThrow(message);
  });

  test("any bind is either resolved to absolute paths or refused by our own error", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom("/a", "ro", "vol", "..", "z", "/", ""));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        try {
          for (const point of resolve({ Binds: [words.join(":")] })) {
            expect(point.Destination).toMatch(/^\/./);
            expect(point.Source).toMatch(/^\//);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });
});
