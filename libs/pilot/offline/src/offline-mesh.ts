import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { type ConfigDump, configDumpOf, type Json, object, string } from "@xebec/pilot-proxy-config";
import { KubernetesRegistry, ServiceEntryRegistry } from "@xebec/pilot-registry";
import { SnapshotBuilder } from "@xebec/pilot-snapshot";
import { decoded, Generator, type MeshProxy, proxyOf, TYPE_URL, wholeApi, type XdsType } from "@xebec/pilot-xds-gen";

/** A proxy as it introduces itself to pilot: the node of its bootstrap. */
export interface OfflineNode {
  readonly id: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** `region/zone/subzone`. */
  readonly locality?: string;
}

export interface OfflineOptions {
  readonly domain?: string;
  readonly trustDomain?: string;
}

/** What pilot would send to proxies, made by its own generators without any server. */
export class OfflineMesh {
  readonly #generator: Generator;

  /**
   * @param resources objects that galley accepts
   * @param records what a registry of the platform says of services and pods
   */
  constructor(resources: readonly Resource[], records: readonly WorkloadRecord[], options: OfflineOptions = {}) {
    const { domain = "cluster.local", trustDomain = "cluster.local" } = options;
    const platform = new KubernetesRegistry();
    const registries = [platform, new ServiceEntryRegistry()];
    const builder = new SnapshotBuilder({ domain, trustDomain, registries });
    platform.apply({ puts: records, deletes: [] });
    builder.apply({ puts: resources, deletes: [] });
    this.#generator = new Generator(builder.snapshot);
  }

  /**
   * The whole configuration of a proxy, as its Envoy would have it.
   * @throws XebecError invalid_argument when the node's id has not Istio's form
   */
  async dumpOf({ id, metadata = {}, locality = "" }: OfflineNode): Promise<ConfigDump> {
    const proxy = proxyOf({ id, metadata, locality });
    const [clusters, listeners] = [await this.#resources(proxy, "cluster"), await this.#resources(proxy, "listener")];
    const routes = await this.#resources(proxy, "route", [...new Set(namesIn(listeners, routeTable))]);
    const endpoints = await this.#resources(proxy, "endpoint", clusters.flatMap(endpointName));
    const extensions = await this.#resources(proxy, "extensionconfig", [...new Set(namesIn(listeners, extension))]);
    return configDumpOf([
      section("Clusters", "dynamic_active_clusters", clusters, (cluster) => ({ cluster })),
      section("Listeners", "dynamic_listeners", listeners, (listener) => ({
        ...{ name: listener.name, active_state: { listener } },
      })),
      section("Routes", "dynamic_route_configs", routes, (route_config) => ({ route_config })),
      section("Endpoints", "dynamic_endpoint_configs", endpoints, (endpoint_config) => ({ endpoint_config })),
      section("Ecds", "ecds_filters", extensions, (ecds_filter) => ({ ecds_filter })),
    ]);
  }

  async #resources(proxy: MeshProxy, type: XdsType, names: readonly string[] = []): Promise<Json[]> {
    const registry = await wholeApi();
    const set = { key: names.join(" "), names };
    const { resources } = this.#generator.resources(type, proxy, this.#generator.proxyClass(proxy), set);
    return [...resources.values()].map((each) => decoded(TYPE_URL[type], each, registry) as Json);
  }
}

/** A message of the dump that Envoy would make of these resources. */
function section(type: string, field: string, resources: readonly Json[], entryOf: (resource: Json) => Json): Json {
  return { "@type": `type.googleapis.com/envoy.admin.v3.${type}ConfigDump`, [field]: resources.map(entryOf) };
}

/** The name by which a cluster asks for its endpoints. */
function endpointName(cluster: Json): string[] {
  if (cluster.type !== "EDS") return [];
  return [string(object(cluster.eds_cluster_config)?.service_name) || string(cluster.name)];
}

const routeTable = (value: Json): string => string(object(value.rds)?.route_config_name);
/** An entry of a filter whose configuration is discovered has its name beside it. */
const extension = (value: Json): string => (value.config_discovery === undefined ? "" : string(value.name));

/** The names that messages at any depth refer to. */
function namesIn(value: unknown, nameOf: (value: Json) => string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => namesIn(each, nameOf));
  const own = object(value);
  if (!own) return [];
  const name = nameOf(own);
  return [...(name ? [name] : []), ...Object.values(own).flatMap((each) => namesIn(each, nameOf))];
}
