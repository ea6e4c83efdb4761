import { labelsMatch } from "@xebec/model-names";
import type { MtlsMode } from "@xebec/model-resources";
import { dependency, type PeerAuthentication, type Snapshot } from "@xebec/pilot-snapshot";

/** A mode, and the object that it is from; none for the default. */
export interface MtlsDecision {
  readonly mode: MtlsMode;
  readonly configKey?: string;
}

/** The mode that `mtlsDecision` finds. */
export function mtlsMode(...given: Parameters<typeof mtlsDecision>): MtlsMode {
  return mtlsDecision(...given).mode;
}

/**
 * The mutual TLS mode of a workload's port: port over workload over namespace over mesh; PERMISSIVE when nothing is set
 * (docs/reference/pilot.md §3.7).
 * @param labels the workload's labels; undefined asks for the namespace's mode
 * @param note gets the dependency keys
 */
export function mtlsDecision(
  snapshot: Snapshot,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
  port: number | undefined,
  note: (key: string) => void,
): MtlsDecision {
  const root = snapshot.mesh.rootNamespace;
  note(dependency.peerAuthentication(root));
  note(dependency.peerAuthentication(namespace));
  const own = snapshot.peerAuthentications.get(namespace) ?? [];
  const given = (each: PeerAuthentication | undefined, mode: string | undefined): MtlsDecision | undefined =>
    !each || mode === undefined || mode === "UNSET" ? undefined : { mode: mode as MtlsMode, configKey: each.key };
  if (labels && namespace !== root) {
    const workload = ofWorkload(own, labels);
    const atPort = port === undefined ? undefined : given(workload, workload?.spec.portLevelMtls?.[String(port)]?.mode);
    const mode = atPort ?? given(workload, workload?.spec.mtls?.mode);
    if (mode) return mode;
  }
  const scope = (list: typeof own): MtlsDecision | undefined => {
    const each = list.find((one) => !hasSelector(one));
    return given(each, each?.spec.mtls?.mode);
  };
  return scope(own) ?? scope(snapshot.peerAuthentications.get(root) ?? []) ?? { mode: "PERMISSIVE" };
}

/** The ports for which a workload's policy has a mode of their own, whether a service has them or not. */
export function portsWithMode(
  snapshot: Snapshot,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  note: (key: string) => void,
): number[] {
  note(dependency.peerAuthentication(namespace));
  if (namespace === snapshot.mesh.rootNamespace) return [];
  const own = ofWorkload(snapshot.peerAuthentications.get(namespace) ?? [], labels);
  return Object.keys(own?.spec.portLevelMtls ?? {}).map(Number);
}

function ofWorkload(
  policies: readonly PeerAuthentication[],
  labels: Readonly<Record<string, string>>,
): PeerAuthentication | undefined {
  return policies.find((each) => hasSelector(each) && labelsMatch(each.spec.selector?.matchLabels, labels));
}

function hasSelector(each: PeerAuthentication): boolean {
  return Object.keys(each.spec.selector?.matchLabels ?? {}).length > 0;
}
