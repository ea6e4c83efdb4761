import type { Component } from "@xebec/core-lifecycle";
import { createReflector, type KubeClient, RESOURCES } from "@xebec/platform-kube";

/** Since when kubelet ends and probes native sidecars as a mesh needs it. */
const NATIVE_SINCE = [1, 33] as const;

/** Follows the nodes, to say whether native sidecars work on each of them. */
export function kubeletVersions(client: KubeClient): {
  readonly component: Component;
  /** False while no node is known. */
  readonly haveNativeSidecars: () => boolean;
} {
  const nodes = new Map<string, boolean>();
  const component = createReflector({
    ...{ client, type: RESOURCES.nodes },
    project: ({ status }) => isNative((status as NodeStatus | undefined)?.nodeInfo?.kubeletVersion ?? ""),
    changed({ puts, deletes }) {
      for (const name of deletes) nodes.delete(name);
      for (const [name, native] of puts) nodes.set(name, native);
    },
  });
  return { component, haveNativeSidecars: () => nodes.size > 0 && [...nodes.values()].every(Boolean) };
}

interface NodeStatus {
  readonly nodeInfo?: { readonly kubeletVersion?: string };
}

/** @param version `v1.35.4` */
export function isNative(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const [least, since] = NATIVE_SINCE;
  return Number(major) > least || (Number(major) === least && Number(minor) >= since);
}
