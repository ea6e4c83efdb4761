import type { Reporter } from "./access-log-entry.ts";
import { peerOfNode } from "./peer.ts";
import type { WorkloadIndex } from "./workload-index.ts";

/** Who reports. @param id of the proxy's node: `sidecar~IP~POD.NAMESPACE~DOMAIN` @param metadata of its node, as far as it is known */
export function reporterOfNode(
  index: WorkloadIndex,
  kind: Reporter["kind"],
  id: string,
  metadata: Readonly<Record<string, unknown>>,
): Reporter {
  const pod = id.split("~", 3)[2];
  // The registry knows more than the proxy sends, and knows it newer.
  return { kind, peer: (pod && index.byUid(`kubernetes://${pod}`)) || (id ? peerOfNode(id, metadata) : undefined) };
}
