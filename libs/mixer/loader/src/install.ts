import { watch } from "node:fs";
import { basename } from "node:path";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { ADAPTERS, installAdapter } from "@xebec/mixer-catalogue";
import { type AdapterPackage, type LoadedAdapter, loadAdapterPackage } from "./load.ts";
import { findPackage, refusal } from "./package.ts";

const log = logger("adapters");
/** Editors write a file in several steps. */
const STILL_MS = 100;

/** By the path of the module: the services of one process share them. */
const installed = new Map<string, LoadedAdapter>();
const removals = new Map<string, () => void>();

/**
 * Loads adapters from outside and makes them known to this process.
 * @param references folders and names of npm packages, as `--adapter` has them
 * @returns what was loaded
 * @throws XebecError invalid_argument for the first one that cannot be
 */
export async function installAdapters(references: readonly string[], from?: string): Promise<LoadedAdapter[]> {
  const loaded: LoadedAdapter[] = [];
  for (const each of references) {
    const { entry } = findPackage(each, from);
    loaded.push(installed.get(entry) ?? (await install(each, from)));
  }
  return loaded;
}

/** Takes adapters away that were installed: by default all. */
export function uninstallAdapters(adapters: readonly LoadedAdapter[] = [...installed.values()]): void {
  for (const { place } of adapters) {
    removals.get(place.entry)?.();
    removals.delete(place.entry);
    installed.delete(place.entry);
  }
}

/** The module of an adapter that was installed. @returns undefined for one that was not */
export function installedFrom(name: string): string | undefined {
  return [...installed].find(([, { info }]) => info === ADAPTERS.get(name))?.[0];
}

async function install(reference: string, from?: string): Promise<LoadedAdapter> {
  const found = await loadAdapterPackage(reference, from);
  try {
    removals.set(found.place.entry, installAdapter({ info: found.info, load: async () => found.module }));
  } catch (error) {
    throw refusal(reference, (error as Error).message);
  }
  installed.set(found.place.entry, found);
  log.info({ adapter: found.info.name, version: found.place.version, from: found.place.root }, "an adapter was loaded");
  return found;
}

/** Loads adapters again whenever a file of their folders changes; one that cannot be loaded leaves the one before. */
export function adapterWatcher(adapters: readonly LoadedAdapter[]): Component {
  const closers: (() => void)[] = [];
  return {
    name: "adapters",
    async start() {
      for (const { place } of adapters) closers.push(follow(place.root, () => reload(place)));
    },
    async close() {
      for (const each of closers) each();
    },
  };
}

/** Loads adapters when it starts, for a process that only has to know them. @param follows whether changed ones are loaded again */
export function adapterLoader(references: readonly string[], follows: boolean): Component {
  let watcher: Component | undefined;
  return {
    name: "adapters",
    async start(signal) {
      const loaded = await installAdapters(references);
      if (!follows) return;
      watcher = adapterWatcher(loaded);
      await watcher.start(signal);
    },
    close: async () => watcher?.close?.(),
  };
}

async function reload({ root, entry, reference }: AdapterPackage): Promise<void> {
  try {
    await install(reference.endsWith(basename(entry)) ? entry : root);
  } catch (error) {
    log.error({ err: error, from: root }, "an adapter could not be loaded again; the one before stays");
  }
}

/** @returns ends it */
function follow(root: string, changed: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(root, { recursive: true, persistent: false }, (_event, file) => {
    if (file?.includes("node_modules") || file?.split("/").some((each) => each.startsWith("."))) return;
    clearTimeout(timer);
    timer = setTimeout(() => void changed(), STILL_MS);
  });
  watcher.on("error", (error) => log.warn({ err: error, from: root }, "changes of an adapter are not seen any more"));
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
