import type { TestEngine } from "../../harness/test-engine.ts";
import { type ApiCase, casesOf } from "./api-case.ts";

const NO_SUCH = { says: "No such image: absent:latest" };

/** On the image `busybox`, which `running` uses, and a registry that wants a password and another that offers search. */
export function imageCases(registry: { readonly host: string }, searchable: string): readonly ApiCase[] {
  const login = { username: "bob", password: "secret", serveraddress: registry.host };
  const auth = { "X-Registry-Auth": Buffer.from(JSON.stringify(login)).toString("base64url") };
  const anonymous = { "X-Registry-Auth": Buffer.from("{}").toString("base64url") };
  return [
    ...casesOf(
      "GET /images/json",
      [200, "all are asked for", "/images/json?all=1&shared-size=1&digests=1"],
      [
        400,
        "a filter is unknown",
        "/images/json?filters=%7B%22x%22%3A%5B%22y%22%5D%7D",
        { says: "invalid filter 'x'", undocumented: true },
      ],
    ),
    ...casesOf(
      "POST /build",
      [
        200,
        "the context has a Dockerfile",
        "/build?t=built",
        { send: { raw: contextOf("FROM busybox\nLABEL a=b\n") } },
      ],
      [400, "the builder's version is unknown", "/build?version=3", { send: { raw: contextOf("FROM busybox\n") } }],
      [
        400,
        "a parameter is no JSON",
        "/build?buildargs=x",
        { send: { raw: contextOf("FROM busybox\n") }, says: "buildargs" },
      ],
    ),
    ...casesOf(
      "POST /session",
      [101, "the connection is upgraded", "/session", { send: { headers: { "X-Docker-Expose-Session-Uuid": "a" } } }],
      [400, "it is not", "/session"],
    ),
    ...casesOf("POST /build/prune", [200, "there is nothing", "/build/prune"]),
    ...casesOf(
      "POST /images/create",
      [200, "an archive comes", "/images/create?fromSrc=-&repo=imported", { send: { raw: new Uint8Array(1024) } }],
      [
        404,
        "the registry has none",
        `/images/create?fromImage=${registry.host}/absent&tag=1`,
        { send: { headers: auth } },
      ],
    ),
    ...casesOf(
      "GET /images/{name}/json",
      [200, "it was imported", "/images/busybox/json"],
      [200, "it was built", "/images/built/json"],
      [404, "there is none", "/images/absent/json", NO_SUCH],
    ),
    ...casesOf(
      "GET /images/{name}/history",
      [200, "it is there", "/images/built/history"],
      [404, "there is none", "/images/absent/history", NO_SUCH],
    ),
    ...casesOf(
      "POST /images/{name}/tag",
      [201, "the name is one", `/images/busybox/tag?repo=${registry.host}/busybox&tag=1`],
      [400, "the name is none", "/images/busybox/tag?repo=UPPER&tag=1", { says: "invalid reference format" }],
      [404, "there is none", "/images/absent/tag?repo=other", NO_SUCH],
    ),
    ...casesOf("POST /images/{name}/push", [
      200,
      "the registry takes it",
      `/images/${registry.host}/busybox/push?tag=1`,
      { send: { headers: auth } },
    ]),
    ...casesOf(
      "GET /distribution/{name}/json",
      [200, "the registry has it", `/distribution/${registry.host}/busybox:1/json`, { send: { headers: auth } }],
      [
        401,
        "the registry does not let in",
        `/distribution/${registry.host}/busybox:1/json`,
        { send: { headers: anonymous } },
      ],
    ),
    ...casesOf("GET /images/search", [200, "the registry offers it", `/images/search?term=${searchable}/busybox`]),
    ...casesOf(
      "POST /auth",
      [200, "the password is right", "/auth", { send: { json: login } }],
      [401, "the password is wrong", "/auth", { send: { json: { ...login, password: "wrong" } } }],
    ),
    ...casesOf(
      "POST /commit",
      [201, "the container is there", "/commit?container=exited&repo=committed&comment=said", { send: { json: {} } }],
      [404, "there is none", "/commit?container=absent", { send: { json: {} }, says: "No such container: absent" }],
    ),
    ...casesOf(
      "GET /images/{name}/get",
      [200, "it is there", "/images/busybox/get"],
      [404, "there is none", "/images/absent/get", { ...NO_SUCH, undocumented: true }],
    ),
    ...casesOf("GET /images/get", [200, "they are there", "/images/get?names=busybox&names=built"]),
    ...casesOf("POST /images/load", [
      200,
      "an archive of images comes",
      "/images/load",
      { send: { raw: archiveOf({ "manifest.json": "[]" }) } },
    ]),
    ...casesOf(
      "DELETE /images/{name}",
      [200, "nobody uses it", "/images/imported"],
      [404, "there is none", "/images/absent", NO_SUCH],
      [
        409,
        "a running container uses it",
        async (engine) => `/images/${await idOf(engine, "busybox")}?force=1`,
        { says: "conflict" },
      ],
    ),
    ...casesOf("POST /images/prune", [
      200,
      "all unused are asked for",
      "/images/prune?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D",
    ]),
  ];
}

async function idOf(engine: TestEngine, image: string): Promise<string> {
  return ((await (await engine.api(`/images/${image}/json`)).json()) as { Id: string }).Id;
}

function contextOf(dockerfile: string): Uint8Array {
  return archiveOf({ Dockerfile: dockerfile });
}

/** A tar archive (POSIX.1-1988, ustar) of small files. */
function archiveOf(files: Readonly<Record<string, string>>): Uint8Array {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${Buffer.byteLength(text).toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\0", 257);
    header.write("00", 263);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const content = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    content.write(text);
    return [header, content];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** What the registry's password file says of `bob`. */
export async function passwordFile(): Promise<string> {
  return `bob:${await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })}\n`;
}
