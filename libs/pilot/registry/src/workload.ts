import type { Resource, WorkloadEntrySpec } from "@xebec/model-resources";
import { keyOf } from "@xebec/model-resources";
import type { PodRecord } from "@xebec/model-workloads";
import { isMeshed, localityOfEntry, localityOfLabels, networkOf, workloadMetadata } from "./labels.ts";
import type { MeshEndpoint } from "./service.ts";

/** A pod or a WorkloadEntry, as services select them (Istio's WorkloadInstance, docs/reference/pilot.md §1.8). */
export interface Workload {
  /** Of a WorkloadEntry `keyOf` its object; undefined for a pod. */
  readonly configKey?: string;
  /** By which the order of endpoints is the same everywhere. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Ports by their names: those of containers, or those that a WorkloadEntry lists. */
  readonly ports: Readonly<Record<string, number>>;
  /** An endpoint without ports. */
  readonly endpoint: Omit<MeshEndpoint, "ports">;
}

/** A pod that services may select; undefined for one that is not ready. */
export function workloadOfPod(pod: PodRecord): Workload | undefined {
  if (!pod.ready || !pod.ip) return undefined;
  const { namespace, name, labels, serviceAccount } = pod;
  return {
    ...{ namespace, name: `pod/${name}`, labels },
    ports: Object.fromEntries(pod.ports.flatMap((each) => (each.name ? [[each.name, each.containerPort]] : []))),
    endpoint: {
      ...{
        address: pod.ip,
        labels,
        locality: localityOfLabels(labels) ?? pod.locality ?? "",
        weight: 1,
        mtls: isMeshed(labels),
      },
      ...networkOf(labels),
      ...(pod.node ? { node: pod.node } : {}),
      serviceAccount: { namespace, serviceAccount },
      workload: workloadMetadata(pod.workload.name, namespace, labels),
    },
  };
}

/** A WorkloadEntry. Labels of the object go before those of its spec, as in Istio. */
export function workloadOfEntry(resource: Resource<WorkloadEntrySpec>): Workload {
  const { namespace, name, spec } = resource;
  const labels = { ...spec.labels, ...resource.labels };
  return {
    ...{ configKey: keyOf(resource), namespace, name: `entry/${name}`, labels },
    ports: spec.ports ?? {},
    endpoint: { ...endpointOfEntry({ ...spec, labels }, namespace), configKey: keyOf(resource) },
  };
}

/** What a WorkloadEntry, or an endpoint of a ServiceEntry, says of an endpoint but for its ports. */
export function endpointOfEntry(spec: WorkloadEntrySpec, namespace: string): Omit<MeshEndpoint, "ports"> {
  const { address = "", labels = {}, weight, serviceAccount } = spec;
  return {
    ...{ address, labels, locality: localityOfEntry(spec), weight: weight || 1 },
    ...(serviceAccount ? { serviceAccount: { namespace, serviceAccount } } : {}),
    mtls: isMeshed(labels, serviceAccount),
    ...networkOf(labels, spec.network),
  };
}
