import type { Resource, WorkloadEntrySpec } from "@xebec/model-resources";
import type { WorkloadGroup } from "@xebec/pilot-snapshot";
import type { MeshProxy } from "@xebec/pilot-xds-gen";

/** By which a WorkloadEntry says that its group has made it. */
const GROUP_ANNOTATION = "istio.io/autoRegistrationGroup";
const MAX_NAME = 253;

/** The WorkloadEntry of a workload that registers itself: the template of its group, with what the workload knows (docs/reference/pilot.md §1.8). */
export function registeredEntry(group: WorkloadGroup, proxy: MeshProxy): Resource<WorkloadEntrySpec> {
  const { metadata, template } = group.spec;
  const { "istio-locality": _locality, ...own } = proxy.labels;
  const labels = { ...template.labels, ...metadata?.labels, ...own };
  const network = proxy.place.network || template.network;
  const locality = proxy.place.locality || template.locality;
  return {
    ...{ group: "networking.istio.io", version: "v1", kind: "WorkloadEntry", namespace: proxy.namespace },
    name: nameOf(group.name, proxy.ip, proxy.place.network),
    annotations: { ...metadata?.annotations, [GROUP_ANNOTATION]: group.name },
    spec: {
      ...template,
      ...{ address: proxy.ip, labels },
      ...(network ? { network } : {}),
      ...(locality ? { locality } : {}),
    },
  };
}

/** The WorkloadEntry that a proxy says it is (`ISTIO_META_WORKLOAD_ENTRY`), by its names alone: what it says is the object's matter. */
export function somebodysEntry({ namespace, workloadEntry }: MeshProxy): Resource {
  return {
    ...{ group: "networking.istio.io", version: "v1", kind: "WorkloadEntry", namespace, name: workloadEntry },
    spec: {},
  };
}

/** True for an object that somebody has applied, false for what no one but its own workload has registered. */
export function isSomebodys({ annotations }: Resource): boolean {
  return annotations?.[GROUP_ANNOTATION] === undefined;
}

function nameOf(group: string, ip: string, network: string): string {
  const name = [group, ip.replaceAll(":", "-"), ...(network ? [network] : [])].join("-");
  return name.slice(-MAX_NAME).replace(/^[^a-z0-9]+/i, "");
}
