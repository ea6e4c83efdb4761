import { randomUUID } from "node:crypto";
import type { AdmittedPod } from "./injection.ts";
import type { PodTemplate } from "./manifest-objects.ts";
import type { PodState } from "./state-file.ts";

/** A new pod of a Deployment, not yet admitted. */
export function newPodState(
  deployment: { readonly name: string; readonly namespace: string },
  hash: string,
  hostNumber: number,
  template: PodTemplate,
): PodState {
  const uid = randomUUID();
  const name = `${deployment.name}-${hash.slice(0, 8)}-${uid.slice(0, 5)}`;
  const labels = { ...template.metadata?.labels, "pod-template-hash": hash.slice(0, 8) };
  const annotations = { ...template.metadata?.annotations };
  const pod: AdmittedPod = {
    metadata: {
      name,
      namespace: deployment.namespace,
      labels,
      annotations,
      ownerReferences: [{ kind: "ReplicaSet", name: `${deployment.name}-${hash.slice(0, 8)}`, controller: true }],
    },
    spec: template.spec,
  };
  return {
    namespace: deployment.namespace,
    name,
    uid,
    hostNumber,
    deployment: deployment.name,
    hash,
    spec: pod,
    labels,
    annotations,
  };
}
