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

/** The locality that labels give; a label writes dots for slashes. */
export function localityOfLabels(labels: Labels): string | undefined {
  return (labels["topology.istio.io/locality"] ?? labels["istio-locality"])?.replaceAll(".", "/");
}

/** The locality of a WorkloadEntry: its own, else that of its labels. */
export function localityOfEntry({ locality, labels = {} }: WorkloadEntrySpec): string {
  return locality || localityOfLabels(labels) || "";
}
