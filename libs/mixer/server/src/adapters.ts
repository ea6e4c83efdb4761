import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { type AdapterEntry, followAdapters, isServed, loadAdapters } from "@xebec/mixer-catalogue";
import { adapterWatcher, installAdapters } from "@xebec/mixer-loader";
import type { Adapter, AdapterHost, AdapterInfo, HandlerLimits } from "@xebec/mixer-sdk";
import { createDeliver } from "@xebec/mixer-sinks/delivery";
import type { Bus } from "@xebec/platform-bus";
import { confinementError } from "@xebec/platform-files";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { AdapterPages } from "./adapter-pages.ts";
import type { MixerConfig } from "./config.ts";
import { deliveryMeters } from "./delivery-meters.ts";
import type { Ledger } from "./ledger.ts";
import { VARIETIES } from "./mixer-service.ts";
import { WorkloadIndex } from "./workload-index.ts";

const log = logger("adapters");

/** The adapters of a service, and what they made of the process. */
export interface ServiceAdapters {
  /** Changes when an adapter is loaded again. */
  readonly adapters: readonly Adapter[];
  readonly limits: HandlerLimits;
  readonly pages: AdapterPages;
  /** Loads adapters again when they change, and calls `changed` then. */
  follow(changed: () => void): Component;
  /** What an adapter may use of this process. */
  hostOf(info: AdapterInfo): AdapterHost;
  /** The pods that adapters see. */
  readonly index: WorkloadIndex;
}

/** What handlers may reach by the service's flags. */
export function handlerLimits({
  handlerNetworks,
  handlerDirs,
}: Pick<MixerConfig, "handlerNetworks" | "handlerDirs">): HandlerLimits {
  const policy = createAddressPolicy(handlerNetworks);
  return {
    addressRefusal: (address) => policy.refusal(address),
    fileRefusal: (path) => confinementError(path, handlerDirs),
    directories: handlerDirs,
  };
}

interface AdapterParts {
  readonly config: MixerConfig;
  readonly bus: Bus;
  readonly metrics: Metrics;
  /** What outlasts the process, if something does. */
  readonly ledger?: Ledger | undefined;
}

/** Loads the adapters that a service runs, those from outside too. What their remote sinks get waits on the bus, if it keeps anything. */
export async function serviceAdapters(
  service: keyof typeof VARIETIES,
  { config, bus, metrics, ledger }: AdapterParts,
): Promise<ServiceAdapters> {
  const index = new WorkloadIndex();
  const { workloads } = index;
  const limits = handlerLimits(config);
  const pages = new AdapterPages();
  const external = await installAdapters(config.adapter);
  const deliver = createDeliver({ queue: bus.work, ...deliveryMeters(metrics, bus.work) });
  const varieties = VARIETIES[service];
  const hostOf = (info: AdapterInfo): AdapterHost => {
    pages.declare(info);
    return {
      limits,
      deliver,
      workloads,
      shared: (name) => bus.table(name),
      ...(ledger ? { kept: (group: string) => ledger.group(`${info.name} ${group}`) } : {}),
      serve: (port, path, page) => pages.add(`${info.name}/${port}`, path, page),
    };
  };
  const adapters = await loadAdapters(varieties, hostOf);
  return { adapters, limits, pages, index, follow, hostOf };

  function follow(changed: () => void): Component {
    const watcher = adapterWatcher(config.adapterReload ? external : []);
    let stop = (): void => undefined;
    const replace = async ({ info, load }: AdapterEntry): Promise<void> => {
      const module = await load?.();
      if (!module) return;
      pages.clear(info.name);
      const made = module.createAdapter(hostOf(info));
      const at = adapters.findIndex((each) => each.name === info.name);
      adapters.splice(at < 0 ? adapters.length : at, 1, made);
      changed();
    };
    return {
      name: watcher.name,
      async start(signal) {
        stop = followAdapters((entry) => {
          if (!isServed(entry.info, varieties)) return;
          replace(entry).catch((error: unknown) => log.error({ err: error, adapter: entry.info.name }, "not replaced"));
        });
        await watcher.start(signal);
      },
      async close() {
        stop();
        await watcher.close?.();
      },
    };
  }
}
