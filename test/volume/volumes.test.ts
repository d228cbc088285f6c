import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usage } from "../../src/snapshot/archive.ts";
import { Trash } from "../../src/snapshot/trash.ts";
import { Store } from "../../src/store/database.ts";
import { type VolumeCreate, VolumeCreateSchema } from "../../src/volume/create-volume.ts";
import { Volumes } from "../../src/volume/volumes.ts";

let root: string;
let store: Store;
let trash: Trash;
let volumes: Volumes;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lighter-volumes-"));
  store = Store.open(join(root, "lighter.db"));
  trash = Trash.open(join(root, "trash"), () => {});
  volumes = open();
});

afterEach(async () => {
  await trash.settled();
  store[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

/** As an engine does that starts on what another left. */
function open(discard = (path: string) => trash.discard(path)): Volumes {
  return Volumes.open(store, join(root, "volumes"), { discard, usage });
}

function request(part: Partial<VolumeCreate> = {}): VolumeCreate {
  return VolumeCreateSchema.parse(part);
}

function names(filters: Record<string, string[]> = {}, users: Record<string, string[]> = {}): string[] {
  const found = volumes.list(new Map(Object.entries(filters)), new Map(Object.entries(users)));
  return found.Volumes.map(({ Name }) => Name);
}

function write(name: string, file: string, bytes: number): void {
  writeFileSync(join(volumes.path(name), file), Buffer.alloc(bytes));
}

describe("a volume", () => {
  test("is a directory that is found again by name, and made once", () => {
    const made = volumes.create(request({ Name: "data", Labels: { a: "b" } }));
    expect(made).toMatchObject({ Name: "data", Driver: "local", Labels: { a: "b" }, Options: null, Scope: "local" });
    expect(made.Mountpoint).toBe(join(root, "volumes/data/_data"));
    expect(made.CreatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(statSync(made.Mountpoint).mode & 0o777).toBe(0o755);
    expect(volumes.create(request({ Name: "data", Labels: { c: "d" } }))).toEqual(made);
    expect(volumes.inspect("data")).toEqual(made);
  });

  test("without a name is anonymous", () => {
    const { Name, Labels } = volumes.create(request());
    expect(Name).toMatch(/^[0-9a-f]{64}$/);
    expect(Labels).toEqual({ "com.docker.volume.anonymous": "" });
    expect(volumes.isAnonymous(Name)).toBe(true);
    volumes.create(request({ Name: "named" }));
    expect([volumes.isAnonymous("named"), volumes.isAnonymous("missing")]).toEqual([false, false]);
  });

  test("is empty until it has a file", () => {
    volumes.create(request({ Name: "data" }));
    expect(volumes.emptyDirectory("data")).toBeDefined();
    write("data", "file", 1);
    expect(volumes.emptyDirectory("data")).toBeUndefined();
  });

  test("on a file system of its own says what to mount, and mounts nothing", () => {
    const DriverOpts = { type: "nfs", device: ":/export", o: "addr=10.0.0.1,rw" };
    volumes.create(request({ Name: "shared", DriverOpts }));
    expect(volumes.filesystem("shared")).toEqual({ type: "nfs", device: ":/export", options: ["addr=10.0.0.1", "rw"] });
    expect(volumes.emptyDirectory("shared")).toBeUndefined();
    expect(() => volumes.create(request({ Name: "bad", DriverOpts: { foo: "bar" } }))).toThrow(
      'create bad: invalid option: "foo"',
    );
    expect(volumes.has("bad")).toBe(false);
  });

  test("that a mount point names is made where it is missing", () => {
    const point = { Name: "data", Driver: "local", anonymous: false, labels: { a: "b" }, driverOptions: {} };
    expect(volumes.ensure(point)).toEqual({ made: true });
    expect(volumes.ensure(point)).toEqual({ made: false });
    expect(volumes.inspect("data").Labels).toEqual({ a: "b" });
    expect(() => volumes.ensure({ ...point, Driver: "nope" })).toThrow('plugin "nope" not found');
  });
});

describe("the list", () => {
  test.each<[Record<string, string[]>, string[]]>([
    [{}, ["alpha", "beta"]],
    [{ name: ["lph"] }, ["alpha"]],
    [{ label: ["tier"] }, ["beta"]],
    [{ label: ["tier=db"] }, ["beta"]],
    [{ label: ["tier=web"] }, []],
    [{ dangling: ["true"] }, ["beta"]],
    [{ dangling: ["0"] }, ["alpha"]],
    [{ driver: ["other"] }, []],
  ])("filtered by %j is %j", (filters, expected) => {
    volumes.create(request({ Name: "beta", Labels: { tier: "db" } }));
    volumes.create(request({ Name: "alpha" }));
    expect(names(filters, { alpha: ["c1"] })).toEqual(expected);
  });

  test("refuses filters that it does not know", () => {
    expect(() => names({ foo: ["bar"] })).toThrow("invalid filter 'foo'");
    expect(() => names({ dangling: ["xx"] })).toThrow("invalid filter 'dangling=");
  });
});

describe("removal", () => {
  test("takes record and files", async () => {
    volumes.create(request({ Name: "data" }));
    write("data", "file", 10);
    volumes.remove("data", { force: false });
    expect(existsSync(join(root, "volumes/data"))).toBe(false);
    expect(() => volumes.inspect("data")).toThrow("get data: no such volume");
    await trash.settled();
    expect(readdirSync(join(root, "trash"))).toEqual([]);
  });

  test("of one in use is refused, also by force, naming the containers", () => {
    volumes.create(request({ Name: "data" }));
    const users = new Map([["data", ["c1", "c2"]]]);
    for (const force of [false, true]) {
      expect(() => volumes.remove("data", { force }, users)).toThrow("remove data: volume is in use - [c1, c2]");
    }
    expect(volumes.has("data")).toBe(true);
  });

  test("of one that a container is about to use is refused", () => {
    volumes.create(request({ Name: "data" }));
    {
      using _first = volumes.hold("data");
      {
        using _second = volumes.hold("data");
      }
      expect(() => volumes.remove("data", { force: true })).toThrow("volume is in use");
    }
    volumes.remove("data", { force: true });
  });

  test("of a missing one is an error, except by force", () => {
    expect(() => volumes.remove("nope", { force: false })).toThrow("get nope: no such volume");
    expect(() => volumes.remove("../etc", { force: false })).toThrow("get ../etc: no such volume");
    volumes.remove("nope", { force: true });
  });
});

describe("prune", () => {
  beforeEach(() => {
    volumes.create(request({ Name: "named" }));
    volumes.create(request({ Name: "used", Labels: { "com.docker.volume.anonymous": "" } }));
    volumes.create(request({ Name: "free", Labels: { "com.docker.volume.anonymous": "", keep: "no" } }));
    write("free", "file", 1000);
  });
  const users = () => new Map([["used", ["c1"]]]);

  test("takes unused anonymous volumes and tells what it freed", async () => {
    const { VolumesDeleted, SpaceReclaimed } = await volumes.prune(new Map(), users);
    expect(VolumesDeleted).toEqual(["free"]);
    expect(SpaceReclaimed).toBeGreaterThanOrEqual(1000);
    expect(names()).toEqual(["named", "used"]);
  });

  test("takes named ones with all, and keeps what labels or a holder protect", async () => {
    expect((await volumes.prune(new Map([["label!", ["keep=no"]]]), users)).VolumesDeleted).toEqual([]);
    using _hold = volumes.hold("free");
    expect((await volumes.prune(new Map([["all", ["true"]]]), users)).VolumesDeleted).toEqual(["named"]);
  });
});

test("disk usage names size and users of each volume", async () => {
  volumes.create(request({ Name: "data" }));
  write("data", "file", 5000);
  const [volume] = await volumes.listWithUsage(new Map([["data", ["c1", "c2"]]]));
  expect(volume?.UsageData.RefCount).toBe(2);
  expect(volume?.UsageData.Size).toBeGreaterThanOrEqual(5000);
});

describe("an engine that starts after a kill", () => {
  test("finishes a removal that was begun", () => {
    volumes.create(request({ Name: "data" }));
    const dying = open(() => {
      throw new Error("killed before the files went");
    });
    expect(() => dying.remove("data", { force: false })).toThrow("killed");
    expect(existsSync(join(root, "volumes/data"))).toBe(true);
    volumes = open();
    expect(volumes.has("data")).toBe(false);
    expect(existsSync(join(root, "volumes/data"))).toBe(false);
  });

  test("completes a creation, and touches no directory that it has no record of", () => {
    volumes.create(request({ Name: "data" }));
    rmSync(join(root, "volumes/data"), { recursive: true });
    mkdirSync(join(root, "volumes/foreign/_data"), { recursive: true });
    volumes = open();
    expect(existsSync(volumes.path("data"))).toBe(true);
    expect(names()).toEqual(["data"]);
    expect(existsSync(join(root, "volumes/foreign/_data"))).toBe(true);
  });
});
