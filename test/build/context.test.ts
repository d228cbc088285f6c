import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { Readable } from "node:stream";
import { idOf, LocalBuilder, tarOf } from "./local-builder.ts";

describe("a context", () => {
  const packers: readonly (readonly string[])[] = [["gzip"], ["zstd"], ["xz"], ["bzip2"]];
  for (const [packer = ""] of packers) {
    test(`packed by ${packer}`, async () => {
      await using builder = await LocalBuilder.open();
      const plain = Buffer.concat(
        await Array.fromAsync<Buffer>(tarOf({ Dockerfile: "FROM busybox\nCOPY a /a", a: "text" })),
      );
      const packed = spawnSync(packer, ["-c"], { input: plain }).stdout;
      expect(idOf(await builder.buildFrom(Readable.from([packed])))).toStartWith("sha256:");
    });
  }

  test("may have its Dockerfile anywhere, and by a name in small letters", async () => {
    await using builder = await LocalBuilder.open();
    const files = { "deep/My.file": "FROM busybox\nCOPY a /a", a: "a" };
    const said = await builder.buildFrom(tarOf(files), { dockerfile: "deep/My.file" });
    expect(idOf(said)).toStartWith("sha256:");
    expect(idOf(await builder.buildFrom(tarOf({ dockerfile: "FROM busybox\nENV a=b" })))).toStartWith("sha256:");
  });

  test("hides Dockerfile and .dockerignore from COPY if they are to be ignored", async () => {
    await using builder = await LocalBuilder.open();
    const see = (ignore: string) =>
      builder.see("cd /x && find . -type f | sort", "FROM busybox\nCOPY . /x", { ".dockerignore": ignore, a: "a" });
    expect(await see("Dockerfile\n.dockerignore\na")).toBe("./a\n");
    expect(await see("b")).toBe("./.dockerignore\n./Dockerfile\n./a\n");
  });

  test("keeps hard links, long names and empty directories", async () => {
    await using builder = await LocalBuilder.open();
    const long = `${"l".repeat(150)}/${"m".repeat(150)}`;
    const script = `mkdir -p ctx/d/empty "ctx/d/${long}"; echo one > ctx/d/a; ln ctx/d/a ctx/d/b; echo deep > "ctx/d/${long}/f"
      printf 'FROM busybox\\nCOPY d /x\\nCOPY d/b /alone\\n' > ctx/Dockerfile; tar -C ctx -c .`;
    const archive = spawnSync("sh", ["-c", script], { cwd: builder.root }).stdout;
    const id = idOf(await builder.buildFrom(Readable.from([archive])));
    const look = `cat /x/a /x/b /alone; [ /x/a -ef /x/b ] && echo linked; ls -d /x/empty; cat /x/${long}/f`;
    expect(await builder.look(id, look)).toBe("one\none\none\nlinked\n/x/empty\ndeep\n");
  });
});

describe("RUN", () => {
  test("takes a here-document as its script, or leaves it to the shell", async () => {
    await using builder = await LocalBuilder.open();
    const dockerfile = `FROM busybox
ARG V=arg
RUN <<EOF
echo "script $V" > /x
EOF
RUN cat <<'EOF' >> /x && echo and >> /x
kept $V
EOF
RUN <<EOF
#!/bin/cat
by whom it names
EOF`;
    const said = await builder.build(dockerfile);
    expect(await builder.look(idOf(said), "cat /x; echo /bin /x /.h*")).toBe(
      "script arg\nkept $V\nand\n/bin /x /.h*\n",
    );
    expect(said).toContainEqual({ stream: "#!/bin/cat\nby whom it names\n" });
  });

  test("gets environment, arguments, directory, user and options of the build", async () => {
    await using builder = await LocalBuilder.open();
    const dockerfile = `FROM busybox
ARG B
ENV A=a
WORKDIR /w
USER www
ENTRYPOINT ["/never"]
RUN true
RUN --network=none true`;
    const options = {
      buildArgs: new Map([["B", "b"]]),
      networkMode: "host",
      shmSizeBytes: 1024,
      extraHosts: ["h:1.2.3.4"],
    };
    await builder.build(dockerfile, {}, options);
    const [first, second] = builder.steps;
    expect(first).toMatchObject({
      args: ["/bin/sh", "-c", "true"],
      env: ["PATH=/bin", "A=a", "B=b"],
      cwd: "/w",
      user: "www",
      networkMode: "host",
      shmSizeBytes: 1024,
      extraHosts: ["h:1.2.3.4"],
    });
    expect(second?.networkMode).toBe("none");
  });
});
