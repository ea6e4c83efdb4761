import type { NodeType } from "@xebec/model-names";
import { type EnvoyFilterSelection, envoyFilterSelection, type Snapshot, sidecarFor } from "@xebec/pilot-snapshot";
import type { EnvoyFeature } from "./envoy-features.ts";
import { type Keyed, keyed } from "./keyed.ts";
import type { ServedProxyConfig } from "./own-proxy-config.ts";
import type { AddressFamilies, Interception, MeshProxy, ModuleFetcher, XdsGenerator } from "./proxy.ts";

/** Says that clients call a workload with mutual TLS: gRPC's servers cannot accept both. */
export const TLS_MODE_LABEL = "security.istio.io/tlsMode";

/**
 * What builders know about a proxy when they build shared resources. Proxies with equal fields are one class. To let builders know
 * more (network, locality, the policies that select a proxy), add a field here, set it in `classOf`, and name what it is made from
 * in `hasSameClasses`. A field that says which object was selected costs fewer classes than the labels that the object reads.
 */
export type ProxyClass = Keyed<{
  readonly type: NodeType;
  readonly namespace: string;
  readonly interception: Interception;
  /** Accepts HTTP/1.0. */
  readonly http10: boolean;
  /** Only labels that some selector reads. */
  readonly labels: Readonly<Record<string, string>>;
  /** The Sidecar that holds for them, `<namespace>/<name>`; absent where there is none. */
  readonly sidecar?: string;
  /** The account of their workload, while some role reads it. */
  readonly serviceAccount?: string;
  /** Which EnvoyFilters patch what they get; absent where none does. */
  readonly patched?: EnvoyFilterSelection;
  /** Whose form of the configuration they take; absent for Envoy's. */
  readonly generator?: XdsGenerator;
  /** The families in which their workloads find hosts by the agent's DNS; absent where they do not. */
  readonly dnsCapture?: AddressFamilies;
  /** What their own ProxyConfig says; absent where that is nothing. */
  readonly proxyConfig?: ServedProxyConfig;
  /** Who fetches modules for them; absent for nobody. */
  readonly modules?: ModuleFetcher;
  /** What their version of Envoy does not know; absent where that is nothing. */
  readonly lacks?: readonly EnvoyFeature[];
}>;

/** What of a snapshot decides about the class of a proxy. */
export type ClassState = Pick<Snapshot, "selectorLabels" | "sidecars" | "envoyFilters" | "mesh" | "rolesByAccount">;

/** The class of a proxy. */
export function classOf(proxy: MeshProxy, snapshot: ClassState): ProxyClass {
  const labels: Record<string, string> = {};
  const { generator, lacks, dnsCapture, modules, proxyConfig } = proxy;
  for (const name of generator ? [...snapshot.selectorLabels, TLS_MODE_LABEL] : snapshot.selectorLabels) {
    if (Object.hasOwn(proxy.labels, name)) labels[name] = proxy.labels[name] as string;
  }
  const { type, namespace, interception, http10 } = proxy;
  const sidecar = type === "sidecar" ? sidecarFor(snapshot, proxy) : undefined;
  const patched = envoyFilterSelection(snapshot, proxy);
  return keyed({
    ...{ type, namespace, interception, http10, labels },
    ...(sidecar ? { sidecar: `${sidecar.namespace}/${sidecar.name}` } : {}),
    ...(snapshot.rolesByAccount.size > 0 ? { serviceAccount: proxy.serviceAccount } : {}),
    ...(patched ? { patched } : {}),
    ...(generator ? { generator } : {}),
    ...(dnsCapture ? { dnsCapture } : {}),
    ...(proxyConfig ? { proxyConfig } : {}),
    ...(modules ? { modules } : {}),
    ...(lacks ? { lacks } : {}),
  });
}

/** True when every proxy has the same class in both snapshots. */
export function hasSameClasses(before: ClassState, after: ClassState): boolean {
  return (
    before.selectorLabels === after.selectorLabels &&
    before.sidecars === after.sidecars &&
    before.rolesByAccount.size > 0 === after.rolesByAccount.size > 0 &&
    before.envoyFilters === after.envoyFilters &&
    before.mesh.rootNamespace === after.mesh.rootNamespace
  );
}
