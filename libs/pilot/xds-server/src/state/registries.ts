import { KubernetesRegistry, type ServiceRegistry } from "@xebec/pilot-registry";
import type { Bus } from "@xebec/platform-bus";
import { busRecords } from "./bus-records.ts";

export interface RegistryParts {
  readonly bus: Bus;
  /** Directory of the last known good state. */
  readonly cacheDir?: string;
}

/** The platform registries by their name in `--registries`. A new one has a line here. */
export const PLATFORM_REGISTRIES: Readonly<Record<string, (parts: RegistryParts) => ServiceRegistry>> = {
  Bus: ({ bus, cacheDir }) => new KubernetesRegistry(busRecords(bus, cacheDir)),
};
