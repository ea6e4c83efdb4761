import { keyOf, type Resource, type ServiceEntrySpec } from "@xebec/model-resources";
import { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
import { RegistryListeners } from "./listeners.ts";
import type { ServiceDefinition } from "./service.ts";
import type { ConfigRegistry, RegistryListener, RegistryState } from "./service-registry.ts";

/** The hosts of ServiceEntries. */
export class ServiceEntryRegistry implements ConfigRegistry {
  readonly name = "ServiceEntry";
  readonly configKinds = ["networking.istio.io/ServiceEntry"];
  readonly #listeners = new RegistryListeners();
  readonly #definitions = new Map<string, ServiceDefinition>();
  /** Ids of the services of each entry, by its key. */
  readonly #idsOf = new Map<string, readonly string[]>();

  get state(): RegistryState {
    return { services: this.#definitions, pods: new Map() };
  }

  watch(listener: RegistryListener): void {
    this.#listeners.add(listener);
  }

  async start(): Promise<void> {
    // It is given what it reads.
  }

  missing(): readonly string[] {
    return [];
  }

  putConfig(key: string, resource: Resource | undefined): void {
    // First what may fail; then nothing can stay half made.
    const after = resource ? definitionsOf(resource as Resource<ServiceEntrySpec>) : [];
    const services = new Map<string, ServiceDefinition | undefined>();
    for (const id of this.#idsOf.get(key) ?? []) services.set(id, undefined);
    for (const each of after) services.set(each.service.id, each);
    for (const [id, definition] of services)
      if (definition) this.#definitions.set(id, definition);
      else this.#definitions.delete(id);
    if (resource)
      this.#idsOf.set(
        keyOf(resource),
        after.map((each) => each.service.id),
      );
    else this.#idsOf.delete(key);
    if (services.size > 0) void this.#listeners.call({ services, pods: new Map() });
  }
}

function definitionsOf(entry: Resource<ServiceEntrySpec>): ServiceDefinition[] {
  return servicesFromEntry(entry).map((service) => ({ service, endpoints: endpointsFromEntry(entry, service.host) }));
}
