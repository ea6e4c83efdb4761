import { loadAdapters } from "@xebec/mixer-catalogue";
import type { Adapter, Exposition, HandlerLimits } from "@xebec/mixer-sdk";
import { confinementError } from "@xebec/platform-files";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import type { MixerConfig } from "./config.ts";
import { VARIETIES } from "./mixer-service.ts";

/** The adapters of a service, and what they made of the process. */
export interface ServiceAdapters {
  readonly adapters: readonly Adapter[];
  readonly limits: HandlerLimits;
  /** Metrics that adapters expose. */
  readonly expositions: readonly Exposition[];
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

/** Loads the adapters that a service runs. */
export async function serviceAdapters(service: keyof typeof VARIETIES, config: MixerConfig): Promise<ServiceAdapters> {
  const limits = handlerLimits(config);
  const expositions: Exposition[] = [];
  const adapters = await loadAdapters(VARIETIES[service], {
    limits,
    expose: (each) => void expositions.push(each),
  });
  return { adapters, limits, expositions };
}
