import { expect, test } from "bun:test";
import { ContainerConfigSchema } from "./container-config.ts";
import { linkEnvironment, linkNames, parseLink } from "./links.ts";

const target = {
  name: "db-1",
  config: ContainerConfigSchema.parse({
    Hostname: "dbhost",
    Env: ["PATH=/bin", "HOME=/root", "POSTGRES_USER=me", "EMPTY="],
    ExposedPorts: { "5433/tcp": {}, "5432/udp": {}, "5432/tcp": {} },
  }),
};

test("a link's variables are Docker's", () => {
  const link = { alias: "my-db", target, address: "172.17.0.5" };
  expect(linkEnvironment(link, "web")).toEqual([
    "MY_DB_PORT=tcp://172.17.0.5:5432",
    "MY_DB_PORT_5432_TCP=tcp://172.17.0.5:5432",
    "MY_DB_PORT_5432_TCP_ADDR=172.17.0.5",
    "MY_DB_PORT_5432_TCP_PORT=5432",
    "MY_DB_PORT_5432_TCP_PROTO=tcp",
    "MY_DB_PORT_5432_UDP=udp://172.17.0.5:5432",
    "MY_DB_PORT_5432_UDP_ADDR=172.17.0.5",
    "MY_DB_PORT_5432_UDP_PORT=5432",
    "MY_DB_PORT_5432_UDP_PROTO=udp",
    "MY_DB_PORT_5433_TCP=tcp://172.17.0.5:5433",
    "MY_DB_PORT_5433_TCP_ADDR=172.17.0.5",
    "MY_DB_PORT_5433_TCP_PORT=5433",
    "MY_DB_PORT_5433_TCP_PROTO=tcp",
    "MY_DB_NAME=/web/my-db",
    "MY_DB_ENV_POSTGRES_USER=me",
    "MY_DB_ENV_EMPTY=",
  ]);
  expect(linkNames(link)).toEqual(["my-db", "dbhost", "db-1"]);
});

test.each([
  ["db", { name: "db", alias: "db" }],
  ["db:database", { name: "db", alias: "database" }],
  ["/db:/web/database", { name: "db", alias: "database" }],
])("%s is a link", (text, link) => {
  expect(parseLink(text)).toEqual(link);
});

test.each(["", "a:b:c", ":b", "a:"])("%p is none", (text) => {
  expect(() => parseLink(text)).toThrow("bad format for links");
});
