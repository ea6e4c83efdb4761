import { type AttributeBag, type AttributeValue, type Derive, formatIp, type Layout } from "@xebec/model-attributes";
import { type PeerInfo, type PeerRole, peerAttribute, UNKNOWN_PEER } from "./peer.ts";
import type { WorkloadIndex } from "./workload-index.ts";

/** Attributes from which the others of a workload are found; they need slots even when no rule reads them. */
export const WORKLOAD_INPUTS: readonly string[] = (["source", "destination"] as const).flatMap((side) =>
  ["uid", "ip", "principal"].map((name) => `${side}.${name}`),
);

/**
 * Finds attributes of workloads for callers of Mixer's own API, which send a uid or an address only (the work of Istio's
 * kubernetesenv adapter, docs/reference/mixer.md §6.7). What is looked up for it is recorded as referenced; what is
 * said of unknown workloads is not.
 */
export function deriveWorkload(index: WorkloadIndex, layout: Layout): Derive {
  const inputs = (side: PeerRole) => ({
    uid: layout.find(`${side}.uid`),
    ip: layout.find(`${side}.ip`),
    principal: layout.find(`${side}.principal`),
  });
  const sides = { source: inputs("source"), destination: inputs("destination") };
  const readers = layout.names.map((name) => (name.endsWith(".uid") ? undefined : peerAttribute(name)));
  const uids = layout.names.map((name) => (name.endsWith(".uid") ? peerAttribute(name) : undefined));
  return (bag, slot) => {
    const reader = readers[slot];
    if (reader) {
      const { uid, ip, principal } = sides[reader.side];
      const peer = peerOf(index, textOf(bag, uid), addressOf(bag, ip), textOf(bag, principal));
      return reader.read(peer);
    }
    const own = uids[slot];
    if (!own) return undefined;
    // A uid is found by the address alone; asking for itself would not end.
    const { ip, principal } = sides[own.side];
    const peer = peerOf(index, "", addressOf(bag, ip), textOf(bag, principal));
    return own.read(peer);
  };
}

function peerOf(index: WorkloadIndex, uid: string, ip: string, principal: string): PeerInfo | undefined {
  // The uid of an unknown workload was derived here; the principal may say more of it.
  return uid === "" || uid === UNKNOWN_PEER.uid ? index.byIpAndPrincipal(ip, principal) : index.byUid(uid);
}

function textOf(bag: AttributeBag, slot: number): string {
  const value: AttributeValue | undefined = slot < 0 ? undefined : bag.get(slot);
  return typeof value === "string" ? value : "";
}

function addressOf(bag: AttributeBag, slot: number): string {
  const value = slot < 0 ? undefined : bag.get(slot);
  return value instanceof Uint8Array ? formatIp(value) : "";
}
