import type { NodeType } from "@xebec/model-names";
import type { Snapshot } from "@xebec/pilot-snapshot";
import { type Keyed, keyed } from "./keyed.ts";
import type { Interception, MeshProxy } from "./proxy.ts";

/**
 * What builders know about a proxy when they build shared resources. Proxies with equal fields are one class. To let builders know
 * more (network, locality, the Sidecar or the policies that select a proxy), add a field here and set it in `classOf`.
 */
export type ProxyClass = Keyed<{
  readonly type: NodeType;
  readonly namespace: string;
  readonly interception: Interception;
  /** Accepts HTTP/1.0. */
  readonly http10: boolean;
  /** Only labels that some selector reads. */
  readonly labels: Readonly<Record<string, string>>;
}>;

/** The class of a proxy. */
export function classOf(proxy: MeshProxy, { selectorLabels }: Pick<Snapshot, "selectorLabels">): ProxyClass {
  const labels: Record<string, string> = {};
  for (const name of selectorLabels) {
    const value = proxy.labels[name];
    if (value !== undefined) labels[name] = value;
  }
  const { type, namespace, interception, http10 } = proxy;
  return keyed({ type, namespace, interception, http10, labels });
}
