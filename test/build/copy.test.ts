// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type ContextFiles, idOf, LocalBuilder } from "./local-builder.ts";

/** Every path below /x as `kind+mode owner:group path [-> target] [content]`. */
const LIST = `find /x | sort | while read -r path; do
  stat -c '%A %u:%g %n' "$path"
  if [ -L "$path" ]; then echo "  -> $(readlink "$path")"; elif [ -f "$path" ]; then echo "  $(cat "$path")"; fi
done`;

const FILES: ContextFiles = {
  "a.txt": "A",
  "b.txt": { content: "B", mode: 0o755 },
  d: { directory: true, mode: 0o700 },
  "d/x": "X",
  "d/sub": { directory: true, mode: 0o750 },
  "d/sub/y": "Y",
  "d/link": { link: "sub/y" },
  "to-d": { link: "d" },
  "to-a": { link: "/a.txt" },
  out: { link: "../../../../../../etc/passwd" },
};

describe("COPY", () => {
  const rows: readonly { readonly name: string; readonly lines: string; readonly expected: string }[] = [
    { name: "a file to a name", lines: "COPY a.txt /x", expected: "-rw-r--r-- 0:0 /x\n  A\n" },
    {
      name: "a file into a directory that is not there yet",
      lines: "COPY a.txt /x/y/",
      expected: "drwxr-xr-x 0:0 /x\ndrwxr-xr-x 0:0 /x/y\n-rw-r--r-- 0:0 /x/y/a.txt\n  A\n",
    },
    {
      name: "a file into a directory that is there and keeps what it is",
      lines: "RUN mkdir -m 700 /x && chown 5:6 /x\nCOPY a.txt /x",
      expected: "drwx------ 5:6 /x\n-rw-r--r-- 0:0 /x/a.txt\n  A\n",
    },
    {
      name: "a file over another",
      lines: "RUN echo old > /x && chmod 600 /x && chown 5:6 /x\nCOPY b.txt /x",
      expected: "-rwxr-xr-x 0:0 /x\n  B\n",
    },
    {
      name: "a directory's content, not itself",
      lines: "COPY d /x",
      expected: `drwx------ 0:0 /x
lrwxrwxrwx 0:0 /x/link
  -> sub/y
drwxr-x--- 0:0 /x/sub
-rw-r--r-- 0:0 /x/sub/y
  Y
-rw-r--r-- 0:0 /x/x
  X
`,
    },
    {
      name: "several sources, wildcards and a directory among them",
      lines: "COPY *.txt d/s* /x/",
      expected: `drwxr-xr-x 0:0 /x
-rw-r--r-- 0:0 /x/a.txt
  A
-rwxr-xr-x 0:0 /x/b.txt
  B
-rw-r--r-- 0:0 /x/y
  Y
`,
    },
    {
      name: "with an owner by name and permissions",
      lines: "COPY --chown=www:staff --chmod=640 a.txt /x",
      expected: "-rw-r----- 33:50 /x\n  A\n",
    },
    {
      name: "a user alone, with the group that he is in",
      lines: "COPY --chown=www a.txt /x",
      expected: "-rw-r--r-- 33:33 /x\n  A\n",
    },
    {
      name: "links: followed as sources, kept inside a tree",
      lines: "COPY to-a to-d/link /x/",
      expected: "drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/link\n  Y\n-rw-r--r-- 0:0 /x/to-a\n  A\n",
    },
    {
      name: "through a link in the image",
      lines: "RUN mkdir /x && ln -s /x /link\nCOPY a.txt /link/",
      expected: "drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/a.txt\n  A\n",
    },
    {
      name: "relative to the working directory",
      lines: "WORKDIR /x\nCOPY a.txt .\nCOPY a.txt b",
      expected: "drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/a.txt\n  A\n-rw-r--r-- 0:0 /x/b\n  A\n",
    },
    {
      name: "here-documents, expanded or not",
      lines: "ENV V=value\nCOPY <<one <<'two' /x/\nis $V \"quoted\"\none\nis $V\ntwo",
      expected: 'drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/one\n  is value "quoted"\n-rw-r--r-- 0:0 /x/two\n  is $V\n',
    },
    {
      name: "the JSON form, with blanks in names",
      lines: 'COPY ["a.txt", "/x/a b"]',
      expected: "drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/a b\n  A\n",
    },
    {
      name: "with variables",
      lines: "ARG F=a\nENV D=/x\nCOPY ${F}.txt $D/${F%a}b",
      expected: "drwxr-xr-x 0:0 /x\n-rw-r--r-- 0:0 /x/b\n  A\n",
    },
  ];
  for (const { name, lines, expected } of rows) {
    test(name, async () => {
      await using builder = await LocalBuilder.open();
      expect(await builder.see(LIST, `FROM busybox\n${lines}`, FILES)).toBe(expected);
    });
  }

  test("from an earlier stage or an image keeps owners, follows links and matches wildcards", async () => {
    await using builder = await LocalBuilder.open();
    const dockerfile = `FROM busybox AS made
RUN mkdir -p /o/p && echo x > /o/p/f && chown -R 7:8 /o/p && ln -s p /o/l && ln -s f /o/p/g
FROM busybox
COPY --from=made /o/l /x/l
COPY --from=0 /o/p/* /x/w/
COPY --from=busybox --chown=9 /etc/group /x/
`;
    expect(await builder.see(LIST, dockerfile)).toBe(`drwxr-xr-x 0:0 /x
-rw-r--r-- 9:9 /x/group
  root:x:0:
www:x:33:
staff:x:50:
drwxr-xr-x 7:8 /x/l
-rw-r--r-- 7:8 /x/l/f
  x
lrwxrwxrwx 0:0 /x/l/g
  -> f
drwxr-xr-x 0:0 /x/w
-rw-r--r-- 7:8 /x/w/f
  x
-rw-r--r-- 7:8 /x/w/g
  x
`);
  });

  test("a changed owner in an earlier stage is copied, not taken from the cache", async () => {
    await using builder = await LocalBuilder.open();
    const build = (owner: number) =>
      builder.see(
        "stat -c %u /x",
        `FROM busybox AS a\nRUN echo x > /f && chown ${owner} /f\nFROM busybox\nCOPY --from=a /f /x`,
      );
    expect([await build(1), await build(2)]).toEqual(["1\n", "2\n"]);
  });

  test("onto scratch makes an image of that alone", async () => {
    await using builder = await LocalBuilder.open();
    const image = builder.images.resolve(idOf(await builder.build("FROM scratch\nCOPY a.txt /only", FILES)));
    expect(image.config.rootfs.diff_ids).toHaveLength(1);
    expect(image.config.config?.Env).toEqual([expect.stringMatching(/^PATH=/)]);
  });

  test("stays inside context and image whatever links say", async () => {
    await using builder = await LocalBuilder.open();
    const host = "/lighter-escaped";
    const dockerfile = `FROM busybox\nRUN ln -s ../../../../../.. /up && ln -s ${host} /abs\n`;
    const outside = (await builder.build("FROM busybox\nCOPY out /x", FILES)).at(-1);
    expect(outside).toMatchObject({ error: expect.stringContaining("stat out: file does not exist") });
    expect(await builder.see("cat /escaped", `${dockerfile}COPY a.txt /up/escaped`, FILES)).toBe("A");
    await builder.build(`${dockerfile}COPY a.txt /abs`, FILES);
    expect([existsSync("/escaped"), existsSync(host)]).toEqual([false, false]);
  });
});

describe("ADD", () => {
  const archive = (...options: string[]) => spawnSync("tar", ["-C", "/etc", ...options, "-c", "hostname"]).stdout;

  test("unpacks local archives, however packed, and copies what is none", async () => {
    await using builder = await LocalBuilder.open();
    const files: ContextFiles = {
      "plain.tar": { content: archive() },
      "gzip.bin": { content: archive("-z") },
      "xz.bin": { content: archive("-J") },
      "bzip2.bin": { content: archive("-j") },
      "text.gz": { content: Bun.gzipSync(Buffer.from("no archive")) },
    };
    const dockerfile = `FROM busybox
ADD plain.tar /x/plain
ADD gzip.bin /x/gzip/
ADD xz.bin /x/xz
ADD bzip2.bin /x/bzip2
ADD text.gz /x/
COPY plain.tar /x/copied`;
    const names = await builder.see("find /x -type f | sort", dockerfile, files);
    expect(names.trim().split("\n")).toEqual([
      "/x/bzip2/hostname",
      "/x/copied",
      "/x/gzip/hostname",
      "/x/plain/hostname",
      "/x/text.gz",
      "/x/xz/hostname",
    ]);
  });

  test("fetches a URL, checks its content and never unpacks it", async () => {
    const packed = archive("-z");
    using server = Bun.serve({
      port: 0,
      fetch: ({ url }) =>
        url.endsWith("/nothing")
          ? new Response("no", { status: 404 })
          : new Response(packed, { headers: { "last-modified": "Thu, 01 Jan 2015 00:00:00 GMT" } }),
    });
    await using builder = await LocalBuilder.open();
    const at = `http://localhost:${server.port}`;
    const stat = "stat -c '%n %a %Y' /x/*";
    expect(await builder.see(stat, `FROM busybox\nADD ${at}/a.tgz /x/`)).toBe("/x/a.tgz 600 1420070400\n");
    const refusals: readonly (readonly [string, string])[] = [
      [`ADD ${at}/nothing /x`, "with status 404"],
      [`ADD ${at}/ /x/`, "cannot determine filename for source"],
      [`ADD --checksum=sha256:${"0".repeat(64)} ${at}/a /x`, "digest mismatch"],
      ["ADD http://localhost:1/a /x", 'ADD failed: Get "http://localhost:1/a"'],
    ];
    for (const [line, message] of refusals) {
      const last = (await builder.build(`FROM busybox\n${line}`)).at(-1);
      expect(last).toMatchObject({ error: expect.stringContaining(message) });
    }
  });
});
