import { randomUUID } from "node:crypto";
import { logger } from "@xebec/core-log";
import { checkKey } from "./key-codec.ts";
import type { KeyValue, KeyValueWatch, KeyValueWatcher } from "./key-value.ts";

const log = logger("bus");
const CONFIRM_MS = 1_000;

/** A bucket in the memory of a process. */
export class MemoryKeyValue implements KeyValue {
  readonly #incarnation = randomUUID();
  readonly #values = new Map<string, Uint8Array>();
  readonly #watches = new Set<{ dirty: Set<string>; flush(): void }>();

  async put(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    this.#values.set(key, value);
    this.#changed(key);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    if (this.#values.delete(key)) this.#changed(key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    return this.#values.get(key);
  }

  keep(): void {}

  watch(watcher: KeyValueWatcher): KeyValueWatch {
    let synced = false;
    let due = false;
    const watch = {
      dirty: new Set(this.#values.keys()),
      flush: (): void => {
        if (due) return;
        due = true;
        queueMicrotask(() => {
          due = false;
          if (!this.#watches.has(watch)) return;
          const keys = [...watch.dirty];
          watch.dirty.clear();
          for (const key of keys)
            guarded(() => watcher.wants?.(key) !== false && watcher.entry(key, this.#values.get(key)));
          if (!synced) guarded(() => watcher.synced(this.#incarnation));
          synced = true;
          guarded(() => watcher.confirmed?.());
        });
      },
    };
    this.#watches.add(watch);
    watch.flush();
    const confirm = setInterval(() => guarded(() => watcher.confirmed?.()), CONFIRM_MS);
    confirm.unref();
    return {
      close: () => {
        clearInterval(confirm);
        this.#watches.delete(watch);
      },
      refresh: () => {
        for (const key of this.#values.keys()) watch.dirty.add(key);
        watch.flush();
      },
    };
  }

  #changed(key: string): void {
    for (const watch of this.#watches) {
      // At the end, so that the order of the last changes is kept: a commit comes after what it commits.
      watch.dirty.delete(key);
      watch.dirty.add(key);
      watch.flush();
    }
  }
}

function guarded(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error }, "a watcher failed");
  }
}
