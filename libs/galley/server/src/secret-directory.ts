import { Turns } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { manifestSteps } from "@xebec/core-yaml";
import { type SecretRecord, secretKey, secretRecordOf } from "@xebec/model-pki";
import { type Bus, SecretPublisher } from "@xebec/platform-bus";
import { createDirectoryWatcher, FileTurns } from "@xebec/platform-files";

const log = logger("secrets");
const READING = { leaves: (_apiVersion: string, kind: string): boolean => kind !== "Secret" && kind !== "ConfigMap" };

/**
 * Publishes the credentials of the Secrets and ConfigMaps of a directory of manifests in the bucket `secrets`, for a process that has no
 * platform beside it. One that is refused keeps its last good form; a file that cannot be read withdraws nothing.
 * @param dir the directory; empty or absent when there is none
 * @returns one component, or none
 */
export function secretDirectory(dir: string | undefined, bus: Bus): Component[] {
  return dir ? [new SecretDirectory(dir, bus)] : [];
}

class SecretDirectory implements Component {
  readonly name = "secrets";
  readonly #dir: string;
  readonly #files = new Map<string, ReadonlyMap<string, SecretRecord>>();
  readonly #turns = new FileTurns();
  readonly #watcher: Component;
  readonly #publisher: SecretPublisher;
  #isSynced = false;

  constructor(dir: string, bus: Bus) {
    this.#dir = dir;
    this.#publisher = new SecretPublisher(bus, "directory", () => (this.#isSynced ? this.#all() : undefined));
    const forget = (path: string): void => this.#inTurn(path, () => void this.#files.delete(path));
    this.#watcher = createDirectoryWatcher({
      ...{ root: dir, name: `secrets in ${dir}`, endings: [".yaml", ".yml", ".json"] },
      handlers: {
        file: (path, content) => this.#inTurn(path, () => this.#read(path, content)),
        removed: forget,
        recovered: forget,
        // Galley reads the same files, and reports what is wrong with them.
        failed: () => {},
        synced: () =>
          this.#inTurn("", () => {
            this.#isSynced = true;
          }),
      },
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#publisher.start(signal);
    await this.#watcher.start(signal);
  }

  missing(): readonly string[] {
    return this.#isSynced ? this.#publisher.missing() : [`the Secrets of ${this.#dir} are not read yet`];
  }

  async close(): Promise<void> {
    await this.#watcher.close?.();
    await this.#turns.close();
    await this.#publisher.close();
  }

  #inTurn(path: string, work: () => void | Promise<void>): void {
    this.#turns.take(path, async () => {
      await work();
      void this.#publisher.request();
    });
  }

  /** Of files that hold one Secret the first by its path counts. */
  #all(): SecretRecord[] {
    const all = new Map<string, SecretRecord>();
    for (const [, records] of [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const [key, record] of records) if (!all.has(key)) all.set(key, record);
    return [...all.values()];
  }

  async #read(path: string, content: Uint8Array): Promise<void> {
    const before = this.#files.get(path);
    const found = new Map<string, SecretRecord>();
    const turns = new Turns(256, 1);
    for (const step of manifestSteps(content, READING)) {
      await turns.next();
      if (!step) continue;
      if ("object" in step) this.#take(step.object.value, before, found);
      // What cannot be read might be any of them: none is withdrawn.
      else for (const [key, good] of before ?? []) if (!found.has(key)) found.set(key, good);
    }
    if (found.size > 0) this.#files.set(path, found);
    else this.#files.delete(path);
  }

  #take(
    value: Readonly<Record<string, unknown>>,
    before: ReadonlyMap<string, SecretRecord> | undefined,
    found: Map<string, SecretRecord>,
  ): void {
    const { apiVersion, kind, metadata } = value;
    if (apiVersion !== "v1" || (kind !== "Secret" && kind !== "ConfigMap")) return;
    const { name, namespace = "default" } = (metadata ?? {}) as {
      readonly name?: unknown;
      readonly namespace?: unknown;
    };
    if (typeof name !== "string" || typeof namespace !== "string") return;
    const key = secretKey({ kind, namespace, name });
    try {
      const record = secretRecordOf(kind, { namespace, name }, value);
      if (record && !found.has(key)) found.set(key, record);
    } catch (error) {
      if (!isXebecError(error)) throw error;
      log.error({ object: key, reason: error.message }, "a Secret is refused; what it said before stays");
      const good = before?.get(key);
      if (good) found.set(key, good);
    }
  }
}
