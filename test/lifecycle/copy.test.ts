import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs"; // biome-ignore format: one line
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "lighter-copy-"));
  engine = await startEngine();
  const script =
    "mkdir -p /src/sub /srv/tree; echo hello > /src/file; chmod 640 /src/file; chown 7:8 /src/file; echo deep > /src/sub/deep; ln -s file /src/link; ln -s /etc /escape; ln -s /src /tosrc; echo vol > /vol/inside; sleep 1000";
  await engine.expectDocker(
    "run",
    "-d",
    "--name",
    "box",
    "-v",
    "data:/vol",
    "--tmpfs",
    "/mem",
    "busybox",
    "sh",
    "-c",
    script,
  );
  await engine.expectDocker("exec", "box", "sh", "-c", "until [ -e /vol/inside ]; do :; done");
  await engine.expectDocker("create", "--name", "still", "-v", "data:/vol", "busybox", "sleep", "1000");
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

describe.each(CLIS)("%s cp", (cli) => {
  const cp = (...args: string[]) => output(engine, cli, "cp", "-q", ...args);
  const fresh = () => mkdtempSync(join(scratch, "here-"));
  const inside = (script: string) => engine.expectDocker("exec", "box", "sh", "-c", script);

  test("a file comes out under its name, or the one that is given, with its mode", async () => {
    const here = fresh();
    await cp("box:/src/file", here);
    await cp("box:src/file", join(here, "renamed"));
    expect(readFileSync(join(here, "file"), "utf8")).toBe("hello\n");
    expect(readFileSync(join(here, "renamed"), "utf8")).toBe("hello\n");
    expect(lstatSync(join(here, "file")).mode & 0o777).toBe(0o640);
  });

  test("a directory comes out as a whole; with /. only what is in it", async () => {
    const here = fresh();
    await cp("box:/src", here);
    expect(readFileSync(join(here, "src/sub/deep"), "utf8")).toBe("deep\n");
    expect(readlinkSync(join(here, "src/link"))).toBe("file");
    await cp("box:/src/.", join(here, "new"));
    expect(readFileSync(join(here, "new/sub/deep"), "utf8")).toBe("deep\n");
  });

  test("a link is copied as a link, with -L what it leads to inside the container", async () => {
    const here = fresh();
    await cp("box:/src/link", here);
    expect(readlinkSync(join(here, "link"))).toBe("file");
    await cp("-L", "box:/src/link", join(here, "followed"));
    expect(readFileSync(join(here, "followed"), "utf8")).toBe("hello\n");
    await cp("box:/escape/hostname", join(here, "hostname"));
    expect(readFileSync(join(here, "hostname"), "utf8")).toBe(`${await inside("hostname")}\n`);
  });

  test("files and directories go in, beside, over and with another name", async () => {
    const here = fresh();
    mkdirSync(join(here, "dir/sub"), { recursive: true });
    writeFileSync(join(here, "dir/sub/a"), "A");
    symlinkSync("a", join(here, "dir/sub/link"));
    writeFileSync(join(here, "one"), "1");
    const at = `/srv/tree/${cli}`;
    await inside(`mkdir ${at}`);
    await cp(join(here, "one"), `box:${at}`);
    await cp(join(here, "one"), `box:${at}/two`);
    await cp(join(here, "dir"), `box:${at}`);
    await cp(`${join(here, "dir")}/.`, `box:${at}/contents`);
    expect(
      await inside(`cd ${at}; find . | sort; cat one two dir/sub/a; readlink contents/sub/link; stat -c %u one`),
    ).toBe(
      [".", "./contents", "./contents/sub", "./contents/sub/a", "./contents/sub/link", "./dir", "./dir/sub"]
        .concat(["./dir/sub/a", "./dir/sub/link", "./one", "./two", "11Aa", "0"])
        .join("\n"),
    );
  });

  test("- is a tar stream in both directions, which keeps owner and mode", async () => {
    const tar = Bun.spawn(
      [...(cli === "docker" ? ["docker"] : [`${process.cwd()}/dist/lighter`]), "cp", "box:/src", "-"],
      { env: engine.env },
    );
    const bytes = new Uint8Array(await new Response(tar.stdout).arrayBuffer());
    expect(await tar.exited).toBe(0);
    await inside(`mkdir /srv/${cli}`);
    const { exitCode, stderr } = await engine[`${cli}Input`](bytes, "cp", "-a", "-", `box:/srv/${cli}`);
    expect([stderr, exitCode]).toEqual(["", 0]);
    expect(await inside(`stat -c '%u:%g %a' /srv/${cli}/src/file; cat /srv/${cli}/src/sub/deep`)).toBe("7:8 640\ndeep");
  });

  test("volumes, and a container that does not run, are reached as well", async () => {
    const here = fresh();
    await cp("box:/vol/inside", join(here, "running"));
    await cp("still:/vol/inside", join(here, "stopped"));
    expect(readFileSync(join(here, "running"), "utf8") + readFileSync(join(here, "stopped"), "utf8")).toBe(
      "vol\nvol\n",
    );
    writeFileSync(join(here, "put"), cli);
    await cp(join(here, "put"), "still:/vol/put");
    await cp(join(here, "put"), "still:/root/put");
    expect(await inside("cat /vol/put")).toBe(cli);
    await cp("still:/root/put", join(here, "back"));
    expect(readFileSync(join(here, "back"), "utf8")).toBe(cli);
  });

  test("a container that does not run shows its binds under their own names, a single file too", async () => {
    const host = fresh();
    writeFileSync(join(host, "real.conf"), "bound");
    symlinkSync("real.conf", join(host, "link.conf"));
    mkdirSync(join(host, "tree"));
    writeFileSync(join(host, "tree/leaf"), "leaf");
    const binds = [`${host}/link.conf:/etc/app.conf:ro`, `${host}/tree:/srv/tree`];
    const id = await output(engine, cli, "create", ...binds.flatMap((bind) => ["-v", bind]), "busybox", "true");
    const here = fresh();
    await cp(`${id}:/etc/app.conf`, here);
    await cp(`${id}:/srv`, here);
    expect(readFileSync(join(here, "app.conf"), "utf8")).toBe("bound");
    expect(readFileSync(join(here, "srv/tree/leaf"), "utf8")).toBe("leaf");
    await cp(join(here, "app.conf"), `${id}:/srv/tree/added`);
    expect(readFileSync(join(host, "tree/added"), "utf8")).toBe("bound");
    const [message] = await refusal(engine, cli, "cp", join(here, "app.conf"), `${id}:/etc/app.conf`);
    expect(message).toContain("busy");
    expect(readFileSync(join(host, "real.conf"), "utf8")).toBe("bound");
    await output(engine, cli, "rm", id);
  });

  test("links of the container lead nowhere outside of it", async () => {
    const here = fresh();
    writeFileSync(join(here, "planted"), "x");
    await inside(`ln -sfn ${scratch} /outside; ln -sfn ../../../../../../..${scratch} /dots`);
    for (const link of ["/outside", "/dots"]) {
      const [message, exitCode] = await refusal(engine, cli, "cp", join(here, "planted"), `box:${link}/planted`);
      expect([message, exitCode]).toEqual([expect.stringMatching(/Could not find|no such/i), 1]);
      expect(existsSync(join(scratch, "planted"))).toBe(false);
    }
  });

  test.each([
    [["box:/nosuch", "/tmp"], "Could not find the file /nosuch in container box"],
    [["nosuch:/etc", "/tmp"], "No such container: nosuch"],
    [["/nosuch-here", "box:/tmp"], "/nosuch-here: no such file or directory"],
    [["box:/etc", "still:/etc"], "copying between containers is not supported"],
    [["/etc/hostname", "/tmp"], "must specify at least one container source"],
    [["box:/src", "/etc/hostname"], "cannot copy directory"],
  ])("%j is refused", async (args, expected) => {
    const { stderr, exitCode } = await engine[cli]("cp", ...args);
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), 1]);
  });
});

test.each(CLIS)("%s diff tells what was added, changed and deleted, not what is mounted", async (cli) => {
  const script =
    "echo x > /new; mkdir /made; echo y > /made/in; rm /bin/busybox; echo z >> /etc/passwd; echo v > /vol/volume; chmod 711 /root";
  const id = await output(engine, cli, "run", "-d", "-v", "/vol", "busybox", "sh", "-c", script);
  await output(engine, cli, "wait", id);
  expect((await lines(engine, cli, "diff", id)).sort()).toEqual(
    [
      "A /made",
      "A /made/in",
      "A /new",
      "A /vol",
      "C /bin",
      "C /etc",
      "C /etc/passwd",
      "C /root",
      "D /bin/busybox",
    ].sort(),
  );
  await output(engine, cli, "rm", "-v", id);
});
