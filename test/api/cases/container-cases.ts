import { type ApiCase, casesOf, newContainer, newExec } from "./api-case.ts";

const NO_SUCH = { says: "No such container: absent" };
const CREATE = { Image: "busybox", Cmd: ["true"] };

/** On the containers `running`, `created`, `exited`, `paused`, `terminal` and `readonly`. */
export const CONTAINER_CASES: readonly ApiCase[] = [
  ...casesOf(
    "GET /containers/json",
    [200, "all are asked for", "/containers/json?all=1&size=1"],
    [200, "the filter fits nothing", "/containers/json?filters=%7B%22name%22%3A%5B%22absent%22%5D%7D"],
    [
      400,
      "a filter is unknown",
      "/containers/json?filters=%7B%22x%22%3A%5B%22y%22%5D%7D",
      { says: "invalid filter 'x'" },
    ],
    [400, "the limit is no number", "/containers/json?limit=x", { says: "limit" }],
  ),
  ...casesOf(
    "POST /containers/create",
    [201, "the image is there", "/containers/create?name=made", { send: { json: { ...CREATE, Unknown: 1 } } }],
    [400, "the config is empty", "/containers/create", { send: { json: {} }, says: "config cannot be empty" }],
    [400, "a field has another type", "/containers/create", { send: { json: { ...CREATE, Tty: "yes" } }, says: "Tty" }],
    [
      400,
      "a field within has another type",
      "/containers/create",
      { send: { json: { ...CREATE, HostConfig: { Memory: "much" } } }, says: "HostConfig.Memory" },
    ],
    [400, "the name is none", "/containers/create?name=-", { send: { json: CREATE }, says: "Invalid container name" }],
    [404, "the image is absent", "/containers/create", { send: { json: { Image: "absent" } }, says: "No such image" }],
    [
      409,
      "the name is taken",
      "/containers/create?name=running",
      { send: { json: CREATE }, says: "is already in use" },
    ],
  ),
  ...casesOf(
    "GET /containers/{id}/json",
    [200, "it runs", "/containers/running/json?size=1"],
    [200, "it never ran", "/containers/created/json"],
    [200, "it has ended", "/containers/exited/json"],
    [404, "there is none", "/containers/absent/json", NO_SUCH],
  ),
  ...casesOf(
    "GET /containers/{id}/top",
    [200, "it runs", "/containers/running/top?ps_args=aux"],
    [404, "there is none", "/containers/absent/top", NO_SUCH],
    [409, "it does not run", "/containers/created/top", { says: "is not running", undocumented: true }],
  ),
  ...casesOf(
    "GET /containers/{id}/logs",
    [200, "it has written", "/containers/exited/logs?stdout=1&stderr=1"],
    [400, "no stream is asked for", "/containers/exited/logs", { says: "at least one stream", undocumented: true }],
    [404, "there is none", "/containers/absent/logs?stdout=1", NO_SUCH],
  ),
  ...casesOf(
    "GET /containers/{id}/changes",
    [200, "it has written files", "/containers/exited/changes"],
    [404, "there is none", "/containers/absent/changes", NO_SUCH],
  ),
  ...casesOf(
    "GET /containers/{id}/export",
    [200, "it is there", "/containers/created/export"],
    [404, "there is none", "/containers/absent/export", NO_SUCH],
  ),
  ...casesOf(
    "GET /containers/{id}/stats",
    [200, "it runs", "/containers/running/stats?stream=0"],
    [200, "one sample is asked for", "/containers/running/stats?stream=0&one-shot=1"],
    [200, "it does not run", "/containers/created/stats?stream=0"],
    [404, "there is none", "/containers/absent/stats", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/resize",
    [200, "it has a terminal", "/containers/terminal/resize?h=10&w=20"],
    [400, "a size is none", "/containers/terminal/resize?h=x&w=1", { says: "h", undocumented: true }],
    [404, "there is none", "/containers/absent/resize?h=1&w=1", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/start",
    [204, "it does not run", async (engine) => `/containers/${await newContainer(engine)}/start`],
    [304, "it runs", "/containers/running/start"],
    [
      400,
      "settings are sent",
      "/containers/created/start",
      { send: { json: { Binds: ["/a:/b"] } }, says: "removed in v1.24", undocumented: true },
    ],
    [404, "there is none", "/containers/absent/start", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/stop",
    [204, "it runs", async (engine) => `/containers/${await newContainer(engine, {}, { start: true })}/stop?t=0`],
    [304, "it does not run", "/containers/exited/stop"],
    [404, "there is none", "/containers/absent/stop", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/restart",
    [204, "it runs", async (engine) => `/containers/${await newContainer(engine, {}, { start: true })}/restart?t=0`],
    [404, "there is none", "/containers/absent/restart", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/kill",
    [
      204,
      "it runs",
      async (engine) => `/containers/${await newContainer(engine, {}, { start: true })}/kill?signal=KILL`,
    ],
    [400, "the signal is none", "/containers/running/kill?signal=NONE", { says: "signal", undocumented: true }],
    [404, "there is none", "/containers/absent/kill", NO_SUCH],
    [409, "it does not run", "/containers/exited/kill", { says: "is not running" }],
  ),
  ...casesOf(
    "POST /containers/{id}/update",
    [
      200,
      "a limit changes",
      "/containers/created/update",
      { send: { json: { Memory: 64 << 20, MemorySwap: 128 << 20 } } },
    ],
    [404, "there is none", "/containers/absent/update", { send: { json: {} }, ...NO_SUCH }],
    [
      400,
      "a field has another type",
      "/containers/created/update",
      { send: { json: { Memory: "x" } }, says: "Memory", undocumented: true },
    ],
  ),
  ...casesOf(
    "POST /containers/{id}/rename",
    [204, "the name is free", async (engine) => `/containers/${await newContainer(engine)}/rename?name=renamed`],
    [400, "the name is empty", "/containers/created/rename?name=", { says: "may be empty", undocumented: true }],
    [404, "there is none", "/containers/absent/rename?name=other", NO_SUCH],
    [409, "the name is taken", "/containers/created/rename?name=running", { says: "is already in use" }],
  ),
  ...casesOf(
    "POST /containers/{id}/pause",
    [204, "it runs", async (engine) => `/containers/${await newContainer(engine, {}, { start: true })}/pause`],
    [404, "there is none", "/containers/absent/pause", NO_SUCH],
    [409, "it is paused", "/containers/paused/pause", { says: "is already paused", undocumented: true }],
  ),
  ...casesOf(
    "POST /containers/{id}/unpause",
    [
      204,
      "it is paused",
      async (engine) => {
        const id = await newContainer(engine, {}, { start: true });
        await engine.api(`/containers/${id}/pause`, { method: "POST" });
        return `/containers/${id}/unpause`;
      },
    ],
    [404, "there is none", "/containers/absent/unpause", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/attach",
    [101, "the connection is upgraded", "/containers/exited/attach?logs=1&stdout=1&stderr=1"],
    [200, "it is not", "/containers/exited/attach?logs=1&stdout=1&stderr=1"],
    [400, "the detach keys are none", "/containers/running/attach?stream=1&detachKeys=nothing", { says: "nothing" }],
    [404, "there is none", "/containers/absent/attach?stream=1", NO_SUCH],
  ),
  ...casesOf(
    "GET /containers/{id}/attach/ws",
    [101, "the connection is upgraded", "/containers/exited/attach/ws?logs=1&stdout=1&stderr=1"],
    [400, "it is not", "/containers/exited/attach/ws?logs=1&stdout=1&stderr=1", { says: "WebSocket" }],
    [404, "there is none", "/containers/absent/attach/ws?stream=1", NO_SUCH],
  ),
  ...casesOf(
    "POST /containers/{id}/wait",
    [200, "it has ended", "/containers/exited/wait"],
    [
      400,
      "the condition is unknown",
      "/containers/exited/wait?condition=never",
      { says: 'invalid condition: "never"' },
    ],
    [404, "there is none", "/containers/absent/wait", NO_SUCH],
  ),
  ...casesOf(
    "DELETE /containers/{id}",
    [204, "it does not run", async (engine) => `/containers/${await newContainer(engine)}?v=1`],
    [404, "there is none", "/containers/absent", NO_SUCH],
    [409, "it runs", "/containers/running", { says: "stop the container before" }],
  ),
  ...casesOf(
    "HEAD /containers/{id}/archive",
    [200, "the path is there", "/containers/created/archive?path=/etc"],
    [400, "no path is given", "/containers/created/archive"],
    [404, "the path is absent", "/containers/created/archive?path=/absent"],
  ),
  ...casesOf(
    "GET /containers/{id}/archive",
    [200, "the path is there", "/containers/created/archive?path=/etc"],
    [400, "no path is given", "/containers/created/archive", { says: "path cannot be empty" }],
    [
      404,
      "the path is absent",
      "/containers/created/archive?path=/absent",
      { says: "Could not find the file /absent" },
    ],
  ),
  ...casesOf(
    "PUT /containers/{id}/archive",
    [200, "an archive comes", "/containers/created/archive?path=/tmp", { send: { raw: new Uint8Array(1024) } }],
    [400, "no archive comes", "/containers/created/archive?path=/tmp", { send: { raw: "no archive ".repeat(100) } }],
    [
      403,
      "its root is read-only",
      "/containers/readonly/archive?path=/tmp",
      { send: { raw: new Uint8Array(1024) }, says: "rootfs is marked read-only" },
    ],
    [
      404,
      "the path is absent",
      "/containers/created/archive?path=/absent",
      { send: { raw: new Uint8Array(1024) }, says: "Could not find the file /absent" },
    ],
  ),
  ...casesOf(
    "POST /containers/prune",
    [200, "the filter fits nothing", "/containers/prune?filters=%7B%22label%22%3A%5B%22absent%22%5D%7D"],
    [
      400,
      "a filter is unknown",
      "/containers/prune?filters=%7B%22x%22%3A%5B%22y%22%5D%7D",
      { says: "invalid filter 'x'", undocumented: true },
    ],
  ),
  ...casesOf(
    "POST /containers/{id}/exec",
    [201, "it runs", "/containers/running/exec", { send: { json: { Cmd: ["true"] } } }],
    [
      400,
      "no command is given",
      "/containers/running/exec",
      { send: { json: {} }, says: "exec command", undocumented: true },
    ],
    [404, "there is none", "/containers/absent/exec", { send: { json: { Cmd: ["true"] } }, ...NO_SUCH }],
    [409, "it is paused", "/containers/paused/exec", { send: { json: { Cmd: ["true"] } }, says: "is paused" }],
    [409, "it does not run", "/containers/exited/exec", { send: { json: { Cmd: ["true"] } }, says: "is not running" }],
  ),
  ...casesOf(
    "POST /exec/{id}/start",
    [
      200,
      "it is detached from",
      async (engine) => `/exec/${await newExec(engine, "running", { Cmd: ["true"] })}/start`,
      { send: { json: { Detach: true } } },
    ],
    [404, "there is none", "/exec/absent/start", { send: { json: {} }, says: "No such exec instance: absent" }],
    [
      409,
      "its container has stopped",
      async (engine) => {
        const container = await newContainer(engine, {}, { start: true });
        const exec = await newExec(engine, container, { Cmd: ["true"] });
        await engine.api(`/containers/${container}/pause`, { method: "POST" });
        return `/exec/${exec}/start`;
      },
      { send: { json: {} }, says: "is paused" },
    ],
  ),
  ...casesOf(
    "POST /exec/{id}/resize",
    [
      200,
      "it has a terminal",
      async (engine) => {
        const exec = await newExec(engine, "running", { Cmd: ["sleep", "1000"], Tty: true });
        await engine.api(`/exec/${exec}/start`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ Detach: true, Tty: true }),
        });
        return `/exec/${exec}/resize?h=10&w=20`;
      },
    ],
    [400, "a size is none", "/exec/absent/resize?h=x&w=1", { says: "h" }],
    [404, "there is none", "/exec/absent/resize?h=1&w=1", { says: "No such exec instance: absent" }],
  ),
  ...casesOf(
    "GET /exec/{id}/json",
    [200, "it was made", async (engine) => `/exec/${await newExec(engine, "running", { Cmd: ["true"] })}/json`],
    [404, "there is none", "/exec/absent/json", { says: "No such exec instance: absent" }],
  ),
];
