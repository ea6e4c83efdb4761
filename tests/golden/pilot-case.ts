import { fromBinary, type Registry, toJson } from "@bufbuild/protobuf";
import { validateObject, violationsText } from "@xebec/galley-validate";
import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import type { SnapshotChange } from "@xebec/pilot-snapshot";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { Generator, type MeshProxy, proxyOf, type ResourceSet, TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";

/** The input of a pilot case. */
export interface PilotInput {
  /** Node id and metadata of each proxy, by a name for the output. */
  readonly proxies: Readonly<Record<string, { readonly id: string; readonly metadata: Record<string, unknown> }>>;
  readonly workloads?: readonly WorkloadRecord[];
  /** Configuration objects as users write them. */
  readonly config?: readonly Record<string, unknown>[];
}

/** The snapshot of a case's input. */
export function snapshotOf(input: PilotInput): SnapshotChange {
  const builder = new MeshBuilder();
  const puts = (input.config ?? []).map((value): Resource => {
    const result = validateObject({ value });
    if (result.outcome !== "accepted")
      throw new Error(
        `the case's input is refused: ${result.outcome === "rejected" ? violationsText(result.violations) : result.outcome}`,
      );
    return result.resource;
  });
  return builder.apply({ config: { puts, deletes: [] }, workloads: { puts: input.workloads ?? [], deletes: [] } });
}

export function proxiesOf(input: PilotInput): Map<string, MeshProxy> {
  return new Map(Object.entries(input.proxies).map(([name, node]) => [name, proxyOf({ ...node, locality: "" })]));
}

/** Everything that a proxy gets, in Envoy's own JSON form; endpoints and routes for all names that it would ask for. */
export function generated(change: SnapshotChange, proxy: MeshProxy, registry: Registry): Record<string, unknown> {
  const generator = new Generator(change.snapshot);
  const view = generator.proxyClass(proxy);
  const json = (type: XdsType, set: ResourceSet): Record<string, unknown>[] =>
    [...set.resources.values()].map((each) => {
      const schema = registry.getMessage(TYPE_URL[type].replace("type.googleapis.com/", ""));
      if (!schema) throw new Error(`${type} is not in the registry`);
      return toJson(schema, fromBinary(schema, each.bytes), { registry, useProtoFieldName: true }) as Record<
        string,
        unknown
      >;
    });
  const clusters = json("cluster", generator.resources("cluster", proxy, view));
  const listeners = json("listener", generator.resources("listener", proxy, view));
  const named = (type: XdsType, names: readonly string[]): Record<string, unknown>[] =>
    json(type, generator.resources(type, proxy, view, { key: names.join(), names }));
  const eds = clusters.filter((each) => each.type === "EDS").map((each) => String(each.name));
  return {
    ...{ clusters, endpoints: named("endpoint", eds), listeners, routes: named("route", rdsNames(listeners)) },
    extensionConfigs: named("extensionconfig", discoveredFilters(listeners)),
  };
}

/** The filters of listeners whose configuration comes by discovery. */
function discoveredFilters(listeners: unknown): string[] {
  const names = new Set<string>();
  JSON.stringify(listeners, (_key, value: { config_discovery?: unknown; name?: unknown } | null) => {
    if (value?.config_discovery) names.add(String(value.name));
    return value;
  });
  return [...names].sort();
}

/** The route tables that listeners refer to. */
function rdsNames(listeners: unknown): string[] {
  const names = new Set<string>();
  JSON.stringify(listeners, (key, value: unknown) => {
    if (key === "route_config_name" && typeof value === "string") names.add(value);
    return value;
  });
  return [...names].sort();
}
