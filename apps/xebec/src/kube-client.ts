import { XebecError } from "@xebec/core-errors";
import type { KubeClient } from "@xebec/platform-kube";

/** The flags that name a cluster. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The cluster that the flags name, else KUBECONFIG. @throws XebecError invalid_argument where none is named */
export async function openCluster({ kubeconfig, context }: ClusterFlags): Promise<KubeClient> {
  const file = kubeconfig ?? process.env.KUBECONFIG;
  if (!file) throw new XebecError("invalid_argument", "no cluster is named: use --kubeconfig, or set KUBECONFIG");
  const { openKubeClient } = await import("@xebec/platform-kube");
  return openKubeClient({ kubeconfig: file, ...(context ? { context } : {}) });
}
