import { labelsMatch } from "@xebec/model-names";
import type { MtlsMode } from "@xebec/model-resources";
import {
  authenticationPolicyOf,
  type PeerAuthentication,
  type PolicyTarget,
  peerAuthenticationsOf,
} from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";
import type { ServiceTarget } from "../scope/service-target.ts";

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
 * Where no PeerAuthentication says anything, a Policy of Istio 1.1 decides.
 * @param labels the workload's labels; undefined asks for the namespace's mode
 * @param target the port of a service, by which policies of Istio 1.1 go
 */
export function mtlsDecision(
  scope: Scope,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
  port: number | undefined,
  target?: PolicyTarget,
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
  return ofNamespace(own) ?? ofNamespace(ofRoot) ?? ofPolicy(scope, namespace, target) ?? { mode: "PERMISSIVE" };
}

/** What a Policy of Istio 1.1 says: without `peers` connections are plaintext (docs/reference/pilot.md §3.14). */
function ofPolicy(scope: Scope, namespace: string, target: PolicyTarget | undefined): MtlsDecision | undefined {
  const policy = scope.read(authenticationPolicyOf, namespace, target);
  if (!policy) return undefined;
  const { peers = [], peerIsOptional = false } = policy.spec;
  const mtls = peers.find((each) => each.mtls)?.mtls;
  const strict = peerIsOptional || mtls?.mode === "PERMISSIVE" ? "PERMISSIVE" : "STRICT";
  return { mode: mtls ? strict : "DISABLE", configKey: policy.key };
}

/** A port that a workload serves, as policies of Istio 1.1 know it. */
export function policyTarget({ serviceName, servicePort, portName }: ServiceTarget): PolicyTarget {
  return { name: serviceName, port: servicePort, portName };
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
