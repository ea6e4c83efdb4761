import { labelsMatch } from "@xebec/model-names";
import type { MtlsMode } from "@xebec/model-resources";
import { type PeerAuthentication, peerAuthenticationsOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";

/** A mode, and the key of the object that it is from; none for the default. */
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
 */
export function mtlsDecision(
  scope: Scope,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
  port: number | undefined,
): MtlsDecision {
  const root = scope.mesh.rootNamespace;
  const ofRoot = scope.read(peerAuthenticationsOf, root);
  const own = scope.read(peerAuthenticationsOf, namespace);
  const given = (each: PeerAuthentication | undefined, mode: string | undefined): MtlsDecision | undefined =>
    !each || mode === undefined || mode === "UNSET" ? undefined : { mode: mode as MtlsMode, configKey: each.key };
  if (labels && namespace !== root) {
    const workload = ofWorkload(own, labels);
    const atPort = port === undefined ? undefined : given(workload, workload?.spec.portLevelMtls?.[String(port)]?.mode);
    const mode = atPort ?? given(workload, workload?.spec.mtls?.mode);
    if (mode) return mode;
  }
  const ofNamespace = (list: typeof own): MtlsDecision | undefined => {
    const each = list.find((one) => !hasSelector(one));
    return given(each, each?.spec.mtls?.mode);
  };
  return ofNamespace(own) ?? ofNamespace(ofRoot) ?? { mode: "PERMISSIVE" };
}

/** The ports for which a workload's policy has a mode of their own, whether a service has them or not. */
export function portsWithMode(
  scope: Scope,
  { namespace, labels }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
): number[] {
  const policies = scope.read(peerAuthenticationsOf, namespace);
  if (namespace === scope.mesh.rootNamespace) return [];
  const own = ofWorkload(policies, labels);
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
