import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Coalescer } from "@xebec/core-async";
import type { ConfigOf } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { readYaml } from "@xebec/core-yaml";
import {
  type InjectConfig,
  type InjectContext,
  type InjectValues,
  injectContext,
  type MeshProxyConfigs,
  parseInjectConfig,
  readValues,
  withDefaults,
} from "@xebec/injector-template";
import { createDirectoryWatcher } from "@xebec/platform-files";
import type { InjectorConfig } from "./config.ts";

const log = logger("inject");

type FileNames = Pick<ConfigOf<typeof InjectorConfig>, "injectConfig" | "valuesFile" | "meshConfig">;

export interface SettingsOptions {
  readonly config: FileNames & Partial<Pick<ConfigOf<typeof InjectorConfig>, "revision">>;
  /** What the mesh's configuration says of proxies now. */
  readonly mesh?: () => MeshProxyConfigs;
  /** Whether proxies are native sidecars where a pod does not say it, now. */
  readonly nativeSidecars?: () => boolean;
}

interface Files {
  readonly config: InjectConfig;
  readonly values: InjectValues;
  readonly meshConfig: Readonly<Record<string, unknown>>;
}

/** Reads the files of the injector and again when they change; a bad file keeps what was there before. */
export function createSettings({ config, mesh, nativeSidecars }: SettingsOptions): {
  component: Component;
  /** What the webhook injects with; the same object until something changes. */
  current: () => InjectContext;
} {
  // Istio's templates ask for it by `env`.
  const environment = {
    get ENABLE_NATIVE_SIDECARS(): string {
      return String(nativeSidecars?.() ?? false);
    },
  };
  const read = async (): Promise<Files> => ({
    config: parseInjectConfig(config.injectConfig ? await text(config.injectConfig) : "{}", environment),
    values: await valuesOf(config),
    meshConfig: config.meshConfig ? await mapOf(config.meshConfig) : {},
  });
  let files: Files = { config: parseInjectConfig("{}", environment), values: withDefaults({}), meshConfig: {} };
  const current = memoized((now: Files, proxies: MeshProxyConfigs | undefined, native: boolean) =>
    injectContext({ ...now, nativeSidecars: native, ...(proxies ? { mesh: proxies } : {}) }),
  );
  const reload = new Coalescer(async () => {
    try {
      files = await read();
      log.info("the injector's configuration was read again");
    } catch (error) {
      log.warn({ err: error }, "the injector's configuration is refused; the last good one stays");
    }
  });
  const watchers = watchersOf(config, () => void reload.request());
  return {
    current: () => current(files, mesh?.(), nativeSidecars?.() ?? false),
    component: {
      name: "settings",
      async start(signal) {
        files = await read();
        for (const each of watchers) await each.start(signal);
      },
      async close() {
        for (const each of watchers) await each.close?.();
      },
    },
  };
}

async function valuesOf({ valuesFile, revision }: SettingsOptions["config"]): Promise<InjectValues> {
  const values = valuesFile ? readValues(await text(valuesFile), valuesFile) : withDefaults({});
  return revision ? { ...values, revision } : values;
}

function watchersOf(config: FileNames, changed: () => void) {
  const paths = [config.injectConfig, config.valuesFile, config.meshConfig].filter((each) => each !== undefined);
  return [...new Set(paths.map(dirname))].map((root) =>
    createDirectoryWatcher({
      root,
      name: `injector files in ${root}`,
      names: paths.filter((each) => dirname(each) === root).map((each) => basename(each)),
      handlers: {
        file: changed,
        removed: () => {},
        recovered: () => {},
        failed: (path, error) =>
          log.warn({ err: error, path }, "an injector file cannot be read; the last good one stays"),
        synced: () => {},
      },
    }),
  );
}

/** The last result again, as long as nothing has changed. */
function memoized<A extends readonly unknown[], R>(make: (...args: A) => R): (...args: A) => R {
  let last: { readonly args: A; readonly result: R } | undefined;
  return (...args) => {
    if (last && args.every((each, index) => each === last?.args[index])) return last.result;
    last = { args, result: make(...args) };
    return last.result;
  };
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new XebecError("not_found", `${path} cannot be read`, { cause: error });
  }
}

async function mapOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  const source = await text(path);
  let value: unknown;
  try {
    value = readYaml(source) ?? {};
  } catch (error) {
    throw new XebecError("invalid_argument", `${path}: ${(error as Error).message}`);
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", `${path}: must be a map`);
}
