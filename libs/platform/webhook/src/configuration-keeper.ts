import { Coalescer, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import {
  type Applied,
  createReflector,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  serverSideApply,
} from "@xebec/platform-kube";

const log = logger("webhook");
const RETRY_MS = 1_000;

export interface ConfigurationKeeperOptions {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly name: string;
  readonly fieldManager: string;
  /**
   * What the configuration should say, without its `caBundle`.
   * @param present what there is; undefined when there is none
   * @returns undefined when it is right as it is
   */
  wanted(present: KubeObject | undefined): Promise<Applied | undefined>;
  /** Called after each write. @param error absent when it went well */
  wrote?(error?: unknown): void;
}

/** A configuration that is made when it is missing, and made right again when somebody changes it. */
export interface ConfigurationKeeper extends Component {
  readonly present: KubeObject | undefined;
  /** Looks again, because something that `wanted` depends on has changed. */
  look(): void;
  missing(): readonly string[];
}

/** Fields are applied on the server, so that several replicas may write the same at once, and what others add stays. */
export function createConfigurationKeeper(options: ConfigurationKeeperOptions): ConfigurationKeeper {
  const { client, type, name, fieldManager } = options;
  const stop = new AbortController();
  let present: KubeObject | undefined;
  const work = new Coalescer(async () => {
    if (stop.signal.aborted || !reflector.synced) return;
    try {
      const wanted = await options.wanted(present);
      if (!wanted || stop.signal.aborted) return;
      present = await serverSideApply(client, type, wanted, { fieldManager, force: true, signal: stop.signal });
      options.wrote?.();
      log.info({ configuration: name }, "the webhook configuration was written");
    } catch (error) {
      if (stop.signal.aborted) return;
      options.wrote?.(error);
      log.warn({ configuration: name, err: error }, "the webhook configuration cannot be written; it is tried again");
      await sleep(RETRY_MS, stop.signal).catch(() => undefined);
      setImmediate(look);
    }
  });
  const look = (): void => void work.request();
  const reflector = createReflector({
    ...{ client, type, fieldSelector: `metadata.name=${name}` },
    project: (object) => object,
    changed: ({ puts, deletes }) => {
      if (deletes.has(name)) present = undefined;
      present = puts.get(name) ?? present;
      look();
    },
  });
  return {
    name: `${type.kind} ${name}`,
    get present() {
      return present;
    },
    look,
    start: (signal) => reflector.start(signal),
    missing: () =>
      present ? [] : [...reflector.missing(), ...(reflector.synced ? [`${name} is not written yet`] : [])],
    async close() {
      stop.abort();
      await reflector.close?.();
      await work.request();
    },
  };
}
