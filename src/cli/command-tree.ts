import type { Command } from "./command.ts";

/** Loads one command's file: nothing is read before it is asked for. */
export type CommandLoader = () => Promise<{ readonly command: Command }>;

export interface CommandGroup {
  readonly summary: string;
  readonly commands: Readonly<Record<string, CommandLoader>>;
}

const attach = () => import("./commands/attach.ts");
const build = () => import("./commands/build.ts");
const commit = () => import("./commands/commit.ts");
const cp = () => import("./commands/cp.ts");
const create = () => import("./commands/create.ts");
const daemon = () => import("./commands/daemon.ts");
const diff = () => import("./commands/diff.ts");
const events = () => import("./commands/events.ts");
const exec = () => import("./commands/exec.ts");
const exportContainer = () => import("./commands/export.ts");
const history = () => import("./commands/history.ts");
const images = () => import("./commands/images.ts");
const importImage = () => import("./commands/import.ts");
const info = () => import("./commands/info.ts");
const inspect = () => import("./commands/inspect.ts");
const kill = () => import("./commands/kill.ts");
const load = () => import("./commands/load.ts");
const login = () => import("./commands/login.ts");
const logout = () => import("./commands/logout.ts");
const logs = () => import("./commands/logs.ts");
const pause = () => import("./commands/pause.ts");
const port = () => import("./commands/port.ts");
const ps = () => import("./commands/ps.ts");
const pull = () => import("./commands/pull.ts");
const push = () => import("./commands/push.ts");
const rebase = () => import("./commands/rebase.ts");
const rename = () => import("./commands/rename.ts");
const restart = () => import("./commands/restart.ts");
const rm = () => import("./commands/rm.ts");
const rmi = () => import("./commands/rmi.ts");
const rollback = () => import("./commands/rollback.ts");
const run = () => import("./commands/run.ts");
const save = () => import("./commands/save.ts");
const search = () => import("./commands/search.ts");
const start = () => import("./commands/start.ts");
const stats = () => import("./commands/stats.ts");
const stop = () => import("./commands/stop.ts");
const tag = () => import("./commands/tag.ts");
const top = () => import("./commands/top.ts");
const unpause = () => import("./commands/unpause.ts");
const update = () => import("./commands/update.ts");
const version = () => import("./commands/version.ts");
const wait = () => import("./commands/wait.ts");

/** What is written directly behind `lighter`. */
export const commands: Readonly<Record<string, CommandLoader>> = {
  attach,
  build,
  commit,
  cp,
  create,
  daemon,
  diff,
  events,
  exec,
  export: exportContainer,
  history,
  images,
  import: importImage,
  info,
  inspect,
  kill,
  load,
  login,
  logout,
  logs,
  pause,
  port,
  ps,
  pull,
  push,
  rebase,
  rename,
  restart,
  rm,
  rmi,
  rollback,
  run,
  save,
  search,
  start,
  stats,
  stop,
  tag,
  top,
  unpause,
  update,
  version,
  wait,
};

/** Groups: the same commands under Docker's longer names, and what exists only there. */
export const groups: Readonly<Record<string, CommandGroup>> = {
  builder: {
    summary: "What builds keep",
    commands: {
      build,
      prune: () => import("./commands/builder-prune.ts"),
    },
  },
  container: {
    summary: "Manage containers",
    commands: {
      attach,
      commit,
      cp,
      create,
      diff,
      exec,
      export: exportContainer,
      inspect: () => import("./commands/container-inspect.ts"),
      kill,
      list: ps,
      logs,
      ls: ps,
      pause,
      port,
      prune: () => import("./commands/container-prune.ts"),
      ps,
      reflog: () => import("./commands/container-reflog.ts"),
      rename,
      restart,
      rm,
      run,
      start,
      stats,
      stop,
      top,
      unpause,
      update,
      wait,
    },
  },
  image: {
    summary: "Manage images",
    commands: {
      build,
      diff: () => import("./commands/image-diff.ts"),
      history,
      import: importImage,
      inspect: () => import("./commands/image-inspect.ts"),
      list: images,
      load,
      log: () => import("./commands/image-log.ts"),
      ls: images,
      prune: () => import("./commands/image-prune.ts"),
      pull,
      push,
      reflog: () => import("./commands/image-reflog.ts"),
      rm: rmi,
      save,
      show: () => import("./commands/image-show.ts"),
      tag,
      tree: () => import("./commands/image-tree.ts"),
    },
  },
  network: {
    summary: "Manage networks",
    commands: {
      connect: () => import("./commands/network-connect.ts"),
      create: () => import("./commands/network-create.ts"),
      disconnect: () => import("./commands/network-disconnect.ts"),
      inspect: () => import("./commands/network-inspect.ts"),
      list: () => import("./commands/network-ls.ts"),
      ls: () => import("./commands/network-ls.ts"),
      prune: () => import("./commands/network-prune.ts"),
      rm: () => import("./commands/network-rm.ts"),
    },
  },
  registry: {
    summary: "Serve and tend a registry of one's own",
    commands: {
      gc: () => import("./commands/registry-gc.ts"),
      serve: () => import("./commands/registry-serve.ts"),
    },
  },
  system: {
    summary: "Manage the engine",
    commands: {
      df: () => import("./commands/system-df.ts"),
      "dial-stdio": () => import("./commands/system-dial-stdio.ts"),
      events,
      info,
      prune: () => import("./commands/system-prune.ts"),
    },
  },
  template: {
    summary: "Make base images without a registry",
    commands: {
      build: () => import("./commands/template-build.ts"),
      ls: () => import("./commands/template-ls.ts"),
    },
  },
  volume: {
    summary: "Manage volumes",
    commands: {
      create: () => import("./commands/volume-create.ts"),
      inspect: () => import("./commands/volume-inspect.ts"),
      list: () => import("./commands/volume-ls.ts"),
      ls: () => import("./commands/volume-ls.ts"),
      prune: () => import("./commands/volume-prune.ts"),
      rm: () => import("./commands/volume-rm.ts"),
    },
  },
};
