import { labelsMatch } from "@xebec/model-names";
import { attached, unlessUnused } from "../conditions.ts";
import type { ConnectedSidecar, KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import type { PeerAuthentication, PeerAuthenticationState } from "./state.ts";

export type PeerAuthenticationReads = PeerAuthenticationState & MeshState;

/** Whether each PeerAuthentication is the one that holds for its workloads. */
export function* peerAuthenticationConditions(
  snapshot: PeerAuthenticationReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  for (const list of snapshot.peerAuthentications.values())
    for (const each of conditionsOf(list, snapshot, proxies.use?.sidecars)) yield unlessUnused(each, proxies);
}

/** @param list those of one namespace, the oldest first */
function conditionsOf(
  list: readonly PeerAuthentication[],
  { mesh }: MeshState,
  sidecars: readonly ConnectedSidecar[] | undefined,
): ObjectCondition[] {
  const first = new Map<string, PeerAuthentication>();
  return list.map((each) => {
    const scope = scopeOf(each);
    const older = first.get(scope);
    if (!older) first.set(scope, each);
    return attached(each.key, [
      ...unsupportedInPeerAuthentication(each, mesh.rootNamespace, older),
      ...portsOfNobody(each, sidecars),
    ]);
  });
}

function portsOfNobody(
  { namespace, spec }: PeerAuthentication,
  sidecars: readonly ConnectedSidecar[] | undefined,
): string[] {
  const ports = Object.keys(spec.portLevelMtls ?? {});
  if (ports.length === 0 || !sidecars) return [];
  const own = sidecars.filter(
    (each) => each.namespace === namespace && labelsMatch(spec.selector?.matchLabels, each.labels),
  );
  if (own.length === 0) return [];
  return ports
    .filter((port) => !own.some((each) => !each.ports || each.ports.has(Number(port))))
    .map((port) => `spec.portLevelMtls.${port}: no workload that it selects serves the port`);
}

/** @param older another one for the same workloads, which was there before */
function unsupportedInPeerAuthentication(
  each: PeerAuthentication,
  rootNamespace: string,
  older: PeerAuthentication | undefined,
): string[] {
  if (each.namespace === rootNamespace && hasSelector(each))
    return [`spec.selector: in the root namespace ${rootNamespace} an object with a selector has no effect`];
  return older ? [`spec: the older ${older.key.split("/").slice(2).join("/")} holds for the same workloads`] : [];
}

/** Whom it is for, as a text for comparing. */
function scopeOf({ namespace, spec }: PeerAuthentication): string {
  return `${namespace}${JSON.stringify(Object.entries(spec.selector?.matchLabels ?? {}).sort())}`;
}

function hasSelector({ spec }: PeerAuthentication): boolean {
  return Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}
