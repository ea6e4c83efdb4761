import { ConsulRegistry, KubernetesRegistry, type ServiceRegistry } from "@xebec/pilot-registry";
import type { Bus } from "@xebec/platform-bus";
import { createConsulCatalog } from "@xebec/platform-consul";
import { busRecords } from "./bus-records.ts";

export interface RegistryParts {
  readonly bus: Bus;
  /** Directory of the last known good state. */
  readonly cacheDir?: string;
  /** `--consulserverURL`. */
  readonly consulServer?: string | undefined;
  readonly consulToken?: string | undefined;
}

const fromBus = ({ bus, cacheDir }: RegistryParts): ServiceRegistry =>
  new KubernetesRegistry(busRecords(bus, cacheDir));

/** The platform registries by their name in `--registries`. A new one has a line here. */
export const PLATFORM_REGISTRIES: Readonly<Record<string, (parts: RegistryParts) => ServiceRegistry>> = {
  Bus: fromBus,
  // Whoever starts pilot publishes on its own bus what the API server has.
  Kubernetes: fromBus,
  Consul: ({ consulServer = "", consulToken }) =>
    new ConsulRegistry(createConsulCatalog({ server: consulServer, token: consulToken })),
};
