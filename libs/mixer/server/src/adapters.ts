import { loadAdapters } from "@xebec/mixer-catalogue";
import type { Adapter, HandlerLimits } from "@xebec/mixer-sdk";
import { confinementError } from "@xebec/platform-files";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { AdapterPages } from "./adapter-pages.ts";
import type { MixerConfig } from "./config.ts";
import { VARIETIES } from "./mixer-service.ts";

/** The adapters of a service, and what they made of the process. */
export interface ServiceAdapters {
  readonly adapters: readonly Adapter[];
  readonly limits: HandlerLimits;
  readonly pages: AdapterPages;
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
  const pages = new AdapterPages();
  const adapters = await loadAdapters(VARIETIES[service], (info) => {
    pages.declare(info);
    return { limits, serve: (port, path, page) => pages.add(`${info.name}/${port}`, path, page) };
  });
  return { adapters, limits, pages };
}
