// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { expect, test } from "bun:test";
import { parseReference } from "../../src/image/reference.ts";
import { idOf, LocalBuilder, textOf } from "./local-builder.ts";

test("a build says what Docker's classic builder says", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = `ARG BASE=busybox
FROM \${BASE} AS one
RUN echo out; sleep 0.1; echo err >&2
HEALTHCHECK CMD true
HEALTHCHECK NONE
FROM one
COPY a /a
CMD ["a"]`;
  const options = {
    tags: [parseReference("x:1"), parseReference("example.com/y")],
    buildArgs: new Map([
      ["BASE", "busybox:latest"],
      ["UNUSED", "1"],
    ]),
    labels: { z: "1", a: "b c" },
  };
  const said = await builder.build(dockerfile, { a: "a" }, options);
  expect(textOf(said)).toBe(`Step 1/10 : ARG BASE=busybox
Step 2/10 : FROM \${BASE} AS one
 ---> ID
Step 3/10 : RUN echo out; sleep 0.1; echo err >&2
 ---> Running in ID
out
\u001b[91merr
\u001b[0m ---> Removed intermediate container ID
 ---> ID
Step 4/10 : HEALTHCHECK CMD true
 ---> Running in ID
 ---> Removed intermediate container ID
 ---> ID
Step 5/10 : HEALTHCHECK NONE
Note: overriding previous HEALTHCHECK: [CMD-SHELL true]
 ---> Running in ID
 ---> Removed intermediate container ID
 ---> ID
Step 6/10 : FROM one
 ---> ID
Step 7/10 : COPY a /a
 ---> ID
Step 8/10 : CMD ["a"]
 ---> Running in ID
 ---> Removed intermediate container ID
 ---> ID
Step 9/10 : LABEL a=b c
 ---> Running in ID
 ---> Removed intermediate container ID
 ---> ID
Step 10/10 : LABEL z=1
 ---> Running in ID
 ---> Removed intermediate container ID
 ---> ID
[Warning] One or more build-args [UNUSED] were not consumed
Successfully built ID
Successfully tagged x:1
Successfully tagged example.com/y:latest
`);
  const image = builder.images.resolve(idOf(said));
  expect(builder.images.resolve("x:1").id).toBe(image.id);
  expect(image.config.config).toMatchObject({
    Cmd: ["a"],
    Labels: { a: "b c", z: "1" },
    Healthcheck: { Test: ["NONE"] },
  });
});

test("a quiet build says the id alone, or all that led to its failure", async () => {
  await using builder = await LocalBuilder.open();
  const [only, ...rest] = await builder.build("FROM busybox\nENV A=1", {}, { quiet: true });
  expect(rest).toEqual([]);
  expect(only).toEqual({ stream: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
  const said = await builder.build("FROM busybox\nRUN echo why; false", {}, { quiet: true });
  expect(textOf(said)).toContain("why\nERROR The command");
});

test("history tells each step, and which of them changed no file", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = `FROM busybox
ARG V=1
MAINTAINER me
ENV A=b C="d e"
RUN echo $V > /v
RUN true
COPY --chown=1 a /a
WORKDIR /w
SHELL ["/bin/sh", "-ec"]
CMD x`;
  const image = builder.images.resolve(idOf(await builder.build(dockerfile, { a: "a" })));
  const history = image.config.history
    ?.slice(1)
    .map((step) => [step.created_by?.replace(/[0-9a-f]{64}/, "HASH"), step.empty_layer ?? false]);
  expect(history).toEqual([
    ["/bin/sh -c #(nop)  ARG V=1", true],
    ["/bin/sh -c #(nop)  MAINTAINER me", true],
    ["/bin/sh -c #(nop)  ENV A=b C=d e", true],
    ["|1 V=1 /bin/sh -c echo $V > /v", false],
    ["|1 V=1 /bin/sh -c true", true],
    ["/bin/sh -c #(nop) COPY --chown=1 file:HASH in /a ", false],
    ["/bin/sh -c #(nop) WORKDIR /w", false],
    ["/bin/sh -ec #(nop)  SHELL [/bin/sh -ec]", true],
    ['/bin/sh -ec #(nop)  CMD ["/bin/sh" "-ec" "x"]', true],
  ]);
  expect(image.config.author).toBe("me");
  expect(image.config.rootfs.diff_ids).toHaveLength(4);
});

test("triggers of the base run before the stage and are not inherited", async () => {
  await using builder = await LocalBuilder.open();
  const base = "FROM busybox\nONBUILD RUN echo triggered > /t\nONBUILD COPY a /a";
  await builder.build(base, {}, { tags: [parseReference("base")] });
  const said = await builder.build("FROM base\nRUN cat /t /a", { a: "copied" });
  expect(textOf(said)).toContain("# Executing 2 build triggers\n ---> Running in ID\n");
  expect(textOf(said)).toContain("triggered\ncopied");
  expect(builder.images.resolve(idOf(said)).config.config?.OnBuild ?? null).toBeNull();
});

test("a target ends the build with its stage", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = "FROM busybox AS a\nENV S=a\nFROM busybox AS b\nRUN false";
  const said = await builder.build(dockerfile, {}, { target: "A" });
  expect(builder.images.resolve(idOf(said)).config.config?.Env).toContain("S=a");
  await expect(builder.build(dockerfile, {}, { target: "c" })).rejects.toThrow(
    "failed to reach build target c in Dockerfile",
  );
});

test("each refusal has Docker's words and comes before or after the first line as Docker's does", async () => {
  await using builder = await LocalBuilder.open();
  const thrown: readonly (readonly [string, string])[] = [
    ["FOO", "dockerfile parse error on line 1: unknown instruction: FOO"],
    ["", "the Dockerfile (Dockerfile) cannot be empty"],
  ];
  for (const [dockerfile, message] of thrown) await expect(builder.build(dockerfile)).rejects.toThrow(message);
  await expect(builder.build("FROM busybox", {}, { dockerfile: "other" })).rejects.toThrow(
    "Cannot locate specified Dockerfile: other",
  );
  await expect(builder.build("FROM busybox", {}, { dockerfile: "../x" })).rejects.toThrow(
    "forbidden path outside the build context",
  );

  const said: readonly (readonly [string, string])[] = [
    ["FROM nosuch", "No such image: nosuch"],
    ["FROM $nothing", "base name ($nothing) should not be blank"],
    ["FROM busybox AS a\nFROM busybox AS a", "a stage name already used"],
    ["FROM scratch", "No image was generated. Is your Dockerfile empty?"],
    ["FROM --platform=linux/s390x busybox", "does not match the specified platform (linux/s390x)"],
    [
      "FROM busybox\nCOPY nofile /x",
      "COPY failed: file not found in build context or excluded by .dockerignore: stat nofile: file does not exist",
    ],
    ["FROM busybox\nCOPY no* /x", "COPY failed: no source files were specified"],
    ["FROM busybox\nCOPY ../x /x", "COPY failed: forbidden path outside the build context: ../x ()"],
    ["FROM busybox\nCOPY https://x/y /x", "COPY failed: source can't be a URL for COPY"],
    ["FROM busybox\nCOPY --from=0 /a /b", "invalid from flag value 0: refers to current build stage"],
    ["FROM busybox\nCOPY --from=nosuch /a /b", "invalid from flag value nosuch: No such image: nosuch"],
    ["FROM busybox AS a\nFROM busybox\nCOPY --from=a /nofile /b", "COPY failed: stat nofile: file does not exist"],
    ["FROM busybox\nCOPY --chmod=x Dockerfile /b", "invalid chmod parameter: 'x'"],
    ["FROM busybox\nWORKDIR /etc/passwd", "Cannot mkdir: /etc/passwd is not a directory"],
    ["FROM busybox\nWORKDIR /etc/passwd/x", "Cannot mkdir: /etc/passwd/x"],
    ["FROM busybox\nCOPY --chown=nobody Dockerfile /b", "can't find uid for user nobody: no such user: nobody"],
    ["FROM busybox\nCOPY --chown=0:nogroup Dockerfile /b", "can't find gid for group nogroup: no such group: nogroup"],
    ["FROM busybox\nCOPY Dockerfile /etc/passwd/x", "failed to copy files: "],
    ["FROM busybox\nEXPOSE abc", "Invalid containerPort: abc"],
    ["FROM busybox\nENV a=${b:?must}", 'failed to process "${b:?must}": b: must'],
    ["FROM busybox\nRUN --mount=type=cash,target=/c true", 'unsupported mount type "cash" (did you mean cache?)'],
    ["FROM busybox\nRUN --security=insecure true", "security.insecure is not allowed"],
  ];
  for (const [dockerfile, message] of said) {
    const last = (await builder.build(dockerfile)).at(-1);
    expect(last && "error" in last ? last.error : "no error").toContain(message);
    expect(last).toMatchObject({ errorDetail: { message: expect.stringContaining(message) } });
  }
});
