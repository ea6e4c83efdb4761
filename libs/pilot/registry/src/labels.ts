import type { WorkloadEntrySpec } from "@xebec/model-resources";

// What labels say of a workload (docs/reference/pilot.md §1.6, §1.9).

const TLS_MODE = "security.istio.io/tlsMode";
const NETWORK = "topology.istio.io/network";

type Labels = Readonly<Record<string, string>>;

/** True for a workload whose proxy terminates mutual TLS. @param serviceAccount of one that says so by having an identity */
export function isMeshed(labels: Labels, serviceAccount?: string): boolean {
  return (labels[TLS_MODE] ?? (serviceAccount ? "istio" : "")) === "istio";
}

/** The network of a workload, as a field; nothing where none is named. */
export function networkOf(labels: Labels, given?: string): { readonly network?: string } {
  const network = labels[NETWORK] || given;
  return network ? { network } : {};
}

/** The cluster of workloads that name none, as Istio calls it. */
const CLUSTER = "Kubernetes";
/** The revision that is not written, as in Istio. */
const LATEST = "latest";

/**
 * What a client's proxy may tell of the workload behind an endpoint (`%UPSTREAM_METADATA(istio:workload)%`), in Istio's form:
 * `name;namespace;canonical service;canonical revision;cluster` (docs/reference/pilot.md §4.8).
 */
export function workloadMetadata(name: string, namespace: string, labels: Labels): string {
  const canonical = labels["service.istio.io/canonical-name"] || labels["app.kubernetes.io/name"] || labels.app || name;
  const revision =
    labels["service.istio.io/canonical-revision"] || labels["app.kubernetes.io/version"] || labels.version || LATEST;
  const cluster = labels["topology.istio.io/cluster"] || CLUSTER;
  return [name, namespace, canonical, revision === LATEST ? "" : revision, cluster].join(";");
}

/** The locality that labels give; a label writes dots for slashes. */
export function localityOfLabels(labels: Labels): string | undefined {
  return (labels["topology.istio.io/locality"] ?? labels["istio-locality"])?.replaceAll(".", "/");
}

/** The locality of a WorkloadEntry: its own, else that of its labels. */
export function localityOfEntry({ locality, labels = {} }: WorkloadEntrySpec): string {
  return locality || localityOfLabels(labels) || "";
}
