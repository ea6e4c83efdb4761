import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Coalescer } from "@xebec/core-async";
import type { ConfigOf } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { readYaml } from "@xebec/core-yaml";
import {
  DEFAULT_TEMPLATE,
  DEFAULT_VALUES,
  type InjectConfig,
  type InjectValues,
  type MeshProxyConfigs,
  parseInjectConfig,
} from "@xebec/injector-template";
import { createDirectoryWatcher } from "@xebec/platform-files";
import type { InjectorConfig } from "./config.ts";

const log = logger("inject");

/** What the webhook injects with; replaced whole when a file changes and is good. */
export interface InjectSettings {
  readonly config: InjectConfig;
  readonly values: InjectValues;
  /** What the mesh's configuration says of proxies. */
  readonly mesh?: MeshProxyConfigs;
}

/** Reads the two files and again when they change; a bad file keeps what was there before. */
export function createSettings(config: ConfigOf<typeof InjectorConfig>): {
  component: Component;
  current: () => InjectSettings;
} {
  let current: InjectSettings = { config: parseInjectConfig("{}", DEFAULT_TEMPLATE), values: DEFAULT_VALUES };
  const read = async (): Promise<InjectSettings> => ({
    config: parseInjectConfig(config.injectConfig ? await text(config.injectConfig) : "{}", DEFAULT_TEMPLATE),
    values: config.valuesFile
      ? { ...DEFAULT_VALUES, ...valuesOf(await text(config.valuesFile), config.valuesFile) }
      : DEFAULT_VALUES,
  });
  const reload = new Coalescer(async () => {
    try {
      current = await read();
    } catch (error) {
      log.warn({ err: error }, "the injector's configuration is refused; the last good one stays");
    }
  });
  const paths = [config.injectConfig, config.valuesFile].filter((each) => each !== undefined);
  const watchers = [...new Set(paths.map(dirname))].map((root) =>
    createDirectoryWatcher({
      root,
      name: `injector files in ${root}`,
      names: paths.filter((each) => dirname(each) === root).map((each) => basename(each)),
      handlers: {
        file: () => void reload.request(),
        removed: () => {},
        recovered: () => {},
        failed: (path, error) =>
          log.warn({ err: error, path }, "an injector file cannot be read; the last good one stays"),
        synced: () => {},
      },
    }),
  );
  return {
    current: () => current,
    component: {
      name: "settings",
      async start(signal) {
        current = await read();
        for (const each of watchers) await each.start(signal);
      },
      async close() {
        for (const each of watchers) await each.close?.();
      },
    },
  };
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new XebecError("not_found", `${path} cannot be read`, { cause: error });
  }
}

function valuesOf(source: string, path: string): Partial<InjectValues> {
  const value: unknown = readYaml(source) ?? {};
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new XebecError("invalid_argument", `${path}: must be a map of values`);
  for (const key of Object.keys(value))
    if (!(key in DEFAULT_VALUES))
      throw new XebecError(
        "invalid_argument",
        `${path}: unknown value ${key}; known are ${Object.keys(DEFAULT_VALUES).join(", ")}`,
      );
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]));
}
