import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { type Condition, decodeCondition, decodeResource, isObservedKey, type Resource } from "@xebec/model-resources";
import { type Bus, createConditions, createMemoryBus, createRevisionReader } from "@xebec/platform-bus";
import { createConfigPublisher } from "./config-publisher.ts";
import type { ConfigSource } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";

const never = new AbortController().signal;

/** A DestinationRule as YAML. */
export const rule = (name: string, host: string): string =>
  `apiVersion: networking.istio.io/v1alpha3\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: {host: ${host}}\n`;

/** The same as an object. */
export const ruleObject = (name: string, host: string, more: object = {}): object => ({
  apiVersion: "networking.istio.io/v1alpha3",
  kind: "DestinationRule",
  metadata: { name },
  spec: { host, ...more },
});

export const ruleKey = (name: string): string => `networking.istio.io/DestinationRule/default/${name}`;

/** Writes a file at once, as editors do. */
export function save(dir: string, name: string, content: string | Uint8Array): void {
  writeFileSync(join(dir, `.${name}`), content);
  renameSync(join(dir, `.${name}`), join(dir, name));
}

export interface PublishOptions {
  readonly bus?: Bus;
  readonly stateDir?: string;
}

/** Sources that are published on a bus, and what the bus holds of them. */
export async function publishing(sources: readonly ConfigSource[], options: PublishOptions = {}) {
  const bus = options.bus ?? createMemoryBus();
  await bus.start(never);
  /** How much each revision has changed. */
  const revisions: number[] = [];
  /** Keys that some revision has deleted. */
  const deleted: string[] = [];
  const reader = createRevisionReader({
    ...{ bus, bucket: "config" },
    apply({ puts, deletes }) {
      revisions.push(puts.size + deletes.size);
      deleted.push(...deletes);
    },
  });
  const conditions = new Map<string, Condition>();
  const watching = bus.bucket("status").watch({
    entry: (key, bytes) => {
      if (isObservedKey(key)) return;
      if (bytes) conditions.set(key, decodeCondition(bytes));
      else conditions.delete(key);
    },
    synced: () => {},
  });
  const publisher = createConfigPublisher({
    ...{ sources, bus, conditions: createConditions(bus, "galley") },
    ...(options.stateDir ? { stateDir: options.stateDir } : {}),
  });
  await publisher.start(never);
  await reader.start(never);
  const held = (key: string): Resource | undefined => {
    const bytes = reader.entries().get(key);
    return bytes && decodeResource(bytes);
  };
  return {
    publisher,
    reader,
    revisions,
    deleted,
    held,
    conditions,
    /** The host of a DestinationRule that is published. */
    host: (name: string): string | undefined => (held(ruleKey(name))?.spec as { host: string } | undefined)?.host,
    refused: () => [...conditions.values()].filter((each) => each.status === "False"),
    read: () => waitFor("everything is read", 5_000, () => reader.synced),
    async close(): Promise<void> {
      watching.close();
      await publisher.close?.();
      await reader.close?.();
    },
  };
}

/** A directory that is published. @returns before anything is read */
export function publishingDirectory(dir: string, options: PublishOptions = {}) {
  return publishing([createDirectorySource(dir)], options);
}

/** A directory that is published and was read. @param stateDir of last known good objects */
export async function readDirectory(dir: string, stateDir?: string) {
  const galley = await publishingDirectory(dir, stateDir ? { stateDir } : {});
  await galley.read();
  return galley;
}
