import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyedLock } from "../../src/base/keyed-lock.ts";
import { logTo } from "../../src/base/log.ts";
import { ContentStore } from "../../src/image/content-store.ts";
import { ImageStore } from "../../src/image/image-store.ts";
import { LayerStore } from "../../src/image/layer-store.ts";
import type { RegistryParts } from "../../src/registry/registry-parts.ts";
import { Snapshotter } from "../../src/snapshot/snapshotter.ts";
import { Trash } from "../../src/snapshot/trash.ts";
import { Store } from "../../src/store/database.ts";

/** What pull and push need, on a root of the test's own; disposing removes it. */
export interface TestParts extends RegistryParts, AsyncDisposable {
  readonly snapshotter: Snapshotter;
  /** Events as `action id`. */
  readonly emitted: string[];
  /** Opens the same root anew, as an engine does that was killed. */
  reopen(): TestParts;
}

export function openTestParts(root: string = mkdtempSync(join(tmpdir(), "lighter-registry-"))): TestParts {
  const store = Store.open(join(root, "lighter.db"));
  const trash = Trash.open(join(root, "trash"), logTo(2));
  const snapshotter = Snapshotter.open(store, join(root, "snapshots"), trash);
  const content = ContentStore.open(join(root, "content"));
  const layers = new LayerStore(store, content, snapshotter);
  const images = new ImageStore(store, content, layers);
  const emitted: string[] = [];
  const close = async () => {
    await trash.settled();
    store[Symbol.dispose]();
  };
  return {
    paths: { root },
    store,
    content,
    layers,
    images,
    snapshotter,
    locks: new KeyedLock(),
    emitted,
    events: { emit: (_type, action, id) => emitted.push(`${action} ${id}`) },
    reopen: () => {
      store[Symbol.dispose]();
      return openTestParts(root);
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
