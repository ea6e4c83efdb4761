import { labelsMatch } from "@xebec/model-names";
import type { Resource, ServiceEntrySpec, WorkloadEntrySpec } from "@xebec/model-resources";
import { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
import { RegistryListeners } from "./listeners.ts";
import type { MeshEndpoint, ServiceDefinition } from "./service.ts";
import type { ConfigRegistry, RegistryChange, RegistryListener, RegistryState } from "./service-registry.ts";
import { VirtualAddresses } from "./virtual-addresses.ts";
import { type Workload, workloadOfEntry, workloadOfPod } from "./workload.ts";
import { isHealthChecked } from "./workload-health.ts";
import { endpointForEntry, endpointForService, isReachable, Workloads } from "./workload-selection.ts";

const WORKLOAD_ENTRY = "networking.istio.io/WorkloadEntry";

type Entry = Resource<ServiceEntrySpec>;

/** What selects workloads of a namespace: a ServiceEntry, or a Kubernetes service, which takes WorkloadEntries alone. */
interface Selecting {
  readonly selector: Readonly<Record<string, string>>;
  readonly takesPods: boolean;
  /** Makes its definitions anew. */
  define(): ServiceDefinition[];
}

/**
 * The hosts of ServiceEntries, with the WorkloadEntries and pods that they select; and the WorkloadEntries that Kubernetes services
 * select (docs/reference/pilot.md §1.7, §1.8).
 */
export class ServiceEntryRegistry implements ConfigRegistry {
  readonly name = "ServiceEntry";
  readonly configKinds = ["networking.istio.io/ServiceEntry", WORKLOAD_ENTRY];
  readonly #listeners = new RegistryListeners();
  readonly #definitions = new Map<string, ServiceDefinition>();
  /** Ids of the definitions of each entry or selecting service, by its key or id. */
  readonly #idsOf = new Map<string, readonly string[]>();
  readonly #workloads = new Workloads();
  /** WorkloadEntries that are called while their agents report that they are healthy, by key. */
  readonly #checked = new Map<string, Resource<WorkloadEntrySpec>>();
  /** Keys of WorkloadEntries whose agents report so. */
  readonly #healthy = new Set<string>();
  readonly #addresses = new VirtualAddresses();
  /** By key. */
  readonly #entries = new Map<string, Entry>();
  /** Who selects workloads, by namespace, and by key or id. */
  readonly #selecting = new Map<string, Map<string, Selecting>>();

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
    const services = new Map<string, ServiceDefinition | undefined>();
    const [group, kind, namespace = "", name = ""] = key.split("/");
    if (`${group}/${kind}` === WORKLOAD_ENTRY) {
      const entry = resource as Resource<WorkloadEntrySpec> | undefined;
      if (entry && isHealthChecked(entry)) this.#checked.set(key, entry);
      else this.#checked.delete(key);
      const isCalled = entry && (!this.#checked.has(key) || this.#healthy.has(key));
      this.#putWorkload(namespace, `entry/${name}`, isCalled ? workloadOfEntry(entry) : undefined, services);
    } else this.#putEntry(key, namespace, resource as Entry | undefined, services);
    this.#report(services);
  }

  putHealth(key: string, healthy: boolean): void {
    if (this.#healthy.has(key) === healthy) return;
    if (healthy) this.#healthy.add(key);
    else this.#healthy.delete(key);
    const entry = this.#checked.get(key);
    if (entry) this.putConfig(key, entry);
  }

  observe({ pods, services }: RegistryChange): void {
    const changed = new Map<string, ServiceDefinition | undefined>();
    for (const [key, pod] of pods) {
      const [namespace = "", name = ""] = key.split("/");
      this.#putWorkload(namespace, `pod/${name}`, pod && workloadOfPod(pod), changed);
    }
    for (const [id, definition] of services) this.#putService(id, definition, changed);
    this.#report(changed);
  }

  #putEntry(key: string, namespace: string, entry: Entry | undefined, services: RegistryServices): void {
    const selector = entry?.spec.workloadSelector?.labels;
    const define = (): ServiceDefinition[] =>
      entry ? this.#addressed(key, definitionsOf(entry, this.#workloads)) : [];
    // First what may fail; then nothing can stay half made.
    const hosts = define().map(({ service }) => service.host);
    const moved = this.#addresses.replace(key, entry, hosts);
    if (entry) this.#entries.set(key, entry);
    else this.#entries.delete(key);
    this.#select(namespace, key, selector && { selector, takesPods: true, define });
    this.#define(key, define(), services);
    for (const other of moved) {
      const each = this.#entries.get(other);
      if (each) this.#define(other, this.#addressed(other, definitionsOf(each, this.#workloads)), services);
    }
  }

  /** Adds the virtual addresses of a ServiceEntry's hosts. */
  #addressed(key: string, definitions: ServiceDefinition[]): ServiceDefinition[] {
    return definitions.map((each) => {
      const { namespace, host } = each.service;
      const virtualAddress = this.#addresses.of(key, namespace, host);
      return virtualAddress ? { ...each, service: { ...each.service, virtualAddress } } : each;
    });
  }

  /** Notes a service of another registry, if WorkloadEntries may be among its endpoints. */
  #putService(id: string, definition: ServiceDefinition | undefined, services: RegistryServices): void {
    const { service } = definition ?? {};
    const selector = service?.kubernetes ? service.selector : undefined;
    const namespace = service?.namespace ?? id.slice(id.lastIndexOf("@") + 1);
    const isKnown = this.#selecting.get(namespace)?.has(id);
    if (!isKnown && !selector) return;
    const define = (): ServiceDefinition[] => (service ? additionsTo(service, selector ?? {}, this.#workloads) : []);
    this.#select(namespace, id, selector && { selector, takesPods: false, define });
    this.#define(id, define(), services);
  }

  #select(namespace: string, key: string, selecting: Selecting | undefined): void {
    const list = this.#selecting.get(namespace);
    if (!selecting) {
      if (list?.delete(key) && list.size === 0) this.#selecting.delete(namespace);
    } else if (list) list.set(key, selecting);
    else this.#selecting.set(namespace, new Map([[key, selecting]]));
  }

  #putWorkload(namespace: string, name: string, after: Workload | undefined, services: RegistryServices): void {
    const before = this.#workloads.replace(namespace, name, after);
    const isEntry = name.startsWith("entry/");
    for (const [key, { selector, takesPods, define }] of this.#selecting.get(namespace) ?? [])
      if ((isEntry || takesPods) && [before, after].some((each) => each && labelsMatch(selector, each.labels)))
        this.#define(key, define(), services);
  }

  /** Puts the definitions of an entry or service in the place of its former ones. */
  #define(key: string, after: readonly ServiceDefinition[], services: RegistryServices): void {
    for (const id of this.#idsOf.get(key) ?? []) services.set(id, undefined);
    for (const each of after) services.set(each.service.id, each);
    if (after.length > 0)
      this.#idsOf.set(
        key,
        after.map((each) => each.service.id),
      );
    else this.#idsOf.delete(key);
  }

  #report(services: RegistryServices): void {
    for (const [id, definition] of services)
      if (definition) this.#definitions.set(id, definition);
      else this.#definitions.delete(id);
    if (services.size > 0) void this.#listeners.call({ services, pods: new Map() });
  }
}

type RegistryServices = Map<string, ServiceDefinition | undefined>;

function definitionsOf(entry: Entry, workloads: Workloads): ServiceDefinition[] {
  return servicesFromEntry(entry).map((service) => ({
    service,
    endpoints: service.selector
      ? workloads
          .selected(entry.namespace, service.selector)
          .filter((each) => isReachable(each, { dns: service.resolution === "dns" }))
          .map((each) => endpointForEntry(each, service.ports))
      : endpointsFromEntry(entry, service.host),
  }));
}

/** The WorkloadEntries that a Kubernetes service selects, as what is added to it. */
function additionsTo(
  service: ServiceDefinition["service"],
  selector: Readonly<Record<string, string>>,
  workloads: Workloads,
): ServiceDefinition[] {
  const endpoints: MeshEndpoint[] = workloads
    .selected(service.namespace, selector)
    .filter((each) => each.configKey !== undefined && isReachable(each, { dns: false }))
    .map((each) => endpointForService(each, service.ports))
    .filter((each) => Object.keys(each.ports).length > 0);
  if (endpoints.length === 0) return [];
  const { selector: _own, ...rest } = service;
  return [
    {
      service: { ...rest, id: `${service.id}/~workload-entries`, kubernetes: false },
      endpoints,
      addsOnly: true,
    },
  ];
}
