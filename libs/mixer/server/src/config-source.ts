import { Coalescer } from "@xebec/core-async";
import { isXebecError, XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { MIXER_GROUP } from "@xebec/mixer-config";
import type { MixerRuntime } from "@xebec/mixer-runtime";
import { type ConditionController, type ConfigPosition, decodeResource, type Resource } from "@xebec/model-resources";
import { type Bus, createConditions, createRevisionReader, type RevisionChange } from "@xebec/platform-bus";
import type { MixerMeters } from "./meters.ts";

export type MixerController = Extract<ConditionController, `mixer-${string}`>;

export interface ConfigSourceOptions {
  /** The controller whose conditions are written. */
  readonly service: MixerController;
  readonly bus: Bus;
  readonly runtime: MixerRuntime;
  readonly meters: MixerMeters;
  readonly metrics: Metrics;
  readonly cacheFile?: string | undefined;
}

/** Follows the configuration. */
export interface ConfigSource extends Component {
  /** Puts what there is into effect again, because adapters have changed. */
  refresh(): void;
  /** Says in the conditions how handlers do now. */
  healthChanged(): void;
}

const log = logger("config");
/** Conditions of handlers whose health comes and goes are written at most once in this time. */
const HEALTH_MS = 1_000;

/** Follows the bucket `config` and keeps the runtime and the conditions up to date with it. */
export function createConfigSource(options: ConfigSourceOptions): ConfigSource {
  const { service, bus, runtime, meters, metrics, cacheFile } = options;
  const resources = new Map<string, Resource>();
  const conditions = createConditions(bus, service);
  let closed = false;
  /** Something of Mixer's has changed since the configuration was put into effect. */
  let due = false;
  /** How far the reader has come. */
  let position: ConfigPosition | undefined;
  let failure: string | undefined;
  const applied = new Coalescer(async () => {
    if (closed) return;
    const reached = position;
    if (due) {
      due = false;
      await putIntoEffect();
    }
    // Everything up to here is in effect, and what became of it was said.
    if (reached) void conditions.observed(reached, failure);
  });
  async function putIntoEffect(): Promise<void> {
    try {
      const all = await runtime.apply(resources.values());
      failure = undefined;
      conditions.replace(all);
      meters.config(all);
      for (const { object, reason, message } of all.filter((each) => each.state === "rejected"))
        log.warn({ object, reason }, message);
      log.info(
        { objects: all.length, rejected: all.filter((each) => each.state === "rejected").length },
        "configuration in effect",
      );
    } catch (error) {
      failure = `the configuration could not be put into effect: ${XebecError.from(error).message}`;
      log.error({ err: error }, "the configuration could not be put into effect; the one before stays");
    }
  }
  const read = (key: string, bytes: Uint8Array): void => {
    try {
      resources.set(key, decodeResource(bytes));
    } catch (error) {
      resources.delete(key);
      log.error({ object: key, err: isXebecError(error) ? error.message : error }, "an object cannot be read");
    }
  };
  const reader = createRevisionReader({
    bus,
    bucket: "config",
    cacheFile,
    metrics,
    // The ten thousand VirtualServices of a mesh cost nothing here.
    parts: (part) => part.startsWith(`${MIXER_GROUP}/`),
    apply({ puts, deletes, first }: RevisionChange) {
      let ours = first;
      for (const key of deletes) ours = resources.delete(key) || ours;
      for (const [key, bytes] of puts) {
        ours = true;
        read(key, bytes);
      }
      if (!ours) return;
      due = true;
      void applied.request();
    },
    reached(next) {
      position = next;
      void applied.request();
    },
  });
  let healthDue: NodeJS.Timeout | undefined;
  return {
    name: "configuration",
    refresh() {
      due = true;
      void applied.request();
    },
    healthChanged() {
      if (closed || healthDue) return;
      healthDue = setTimeout(() => {
        healthDue = undefined;
        if (!closed && failure === undefined && runtime.snapshot) conditions.replace(runtime.conditions);
      }, HEALTH_MS);
      healthDue.unref();
    },
    start: (signal) => reader.start(signal),
    missing: () => [
      ...(reader.missing?.() ?? []),
      ...(runtime.snapshot ? [] : [failure ?? "no configuration is in effect yet"]),
    ],
    async close() {
      await reader.close?.();
      closed = true;
      clearTimeout(healthDue);
      // Waits for a configuration that is just being put into effect.
      await applied.request();
      await runtime.close();
    },
  };
}
