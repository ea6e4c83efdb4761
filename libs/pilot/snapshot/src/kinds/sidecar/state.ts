import { hostsOverlap, labelsMatch } from "@xebec/model-names";
import type { SidecarEgress, SidecarSpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";

/** Whom a proxy calls, of one namespace or of all. */
export interface EgressHost {
  /** A namespace, or `*` for all. */
  readonly namespace: string;
  /** Canonical; may have a wildcard. */
  readonly host: string;
}

/** A listener of `spec.egress`. The namespace `.` is that of the proxy: it is resolved where the proxy is known. */
export interface EgressListener extends Pick<SidecarEgress, "port" | "bind" | "captureMode"> {
  readonly hosts: readonly EgressHost[];
}

export interface Sidecar extends NamedObject {
  readonly spec: SidecarSpec;
  /** What it says of `egress`; one listener for everything where it says nothing. */
  readonly egress: readonly EgressListener[];
}

export interface SidecarState {
  /** By namespace, the oldest first. */
  readonly sidecars: PersistentMap<readonly Sidecar[]>;
}

export const sidecarKeys = {
  /** @param id `<namespace>/<name>` */
  sidecar: (id: string): string => `sidecar/${id}`,
} as const;

/** Which sidecar proxy is meant. */
export interface SidecarClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The Sidecar that holds for a proxy: the oldest of its namespace that selects it, else the oldest for the whole namespace, else the
 * oldest for the whole root namespace (docs/reference/pilot.md §3.5).
 */
export function sidecarFor({ sidecars, mesh }: SidecarState & MeshState, client: SidecarClient): Sidecar | undefined {
  if (sidecars.size === 0) return undefined;
  const own = sidecars.get(client.namespace) ?? [];
  return (
    own.find(({ spec }) => hasLabels(spec) && labelsMatch(spec.workloadSelector?.labels, client.labels)) ??
    own.find(({ spec }) => !hasLabels(spec)) ??
    sidecars.get(mesh.rootNamespace)?.find(({ spec }) => !hasLabels(spec))
  );
}

export function hasLabels({ workloadSelector }: SidecarSpec): boolean {
  return Object.keys(workloadSelector?.labels ?? {}).length > 0;
}

/** A Sidecar by `<namespace>/<name>`. */
export const sidecarNamed = new Query(({ sidecars }: SidecarState, keys, id: string): Sidecar | undefined => {
  keys.add(sidecarKeys.sidecar(id));
  const [namespace = "", name] = id.split("/");
  return sidecars.get(namespace)?.find((each) => each.name === name);
});

/** Whether a listener's hosts cover a host of an object of a namespace. @param client the proxy's namespace */
export function egressCovers(
  { hosts }: Pick<EgressListener, "hosts">,
  client: string,
  namespace: string,
  names: readonly string[],
): boolean {
  return hosts.some(
    (each) =>
      (each.namespace === "*" || (each.namespace === "." ? client : each.namespace) === namespace) &&
      names.some((name) => hostsOverlap(each.host, name)),
  );
}
