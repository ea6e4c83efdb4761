/** The parts of a Kubernetes Pod that injection reads or writes; all others pass through untouched. */
export interface Pod {
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly apiVersion?: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly serviceAccountName?: string;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly { readonly name: string }[];
    readonly imagePullSecrets?: readonly { readonly name: string }[];
  };
}

/** The container that is the sidecar. */
export const PROXY = "istio-proxy";

/** An item of a list that Kubernetes merges by name. */
export interface Named {
  readonly name: string;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly { readonly containerPort: number; readonly name?: string; readonly protocol?: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** The owner that users know: the Deployment `reviews-v1`, not its ReplicaSet `reviews-v1-5d4f`. */
export function workloadOf(pod: Pod): { readonly apiVersion: string; readonly kind: string; readonly name: string } {
  const owner = pod.metadata?.ownerReferences?.find((each) => each.controller) ?? pod.metadata?.ownerReferences?.[0];
  if (!owner) {
    const { name, generateName = "" } = pod.metadata ?? {};
    return { apiVersion: "v1", kind: "Pod", name: name || generateName.replace(/-$/, "") };
  }
  const { apiVersion = "apps/v1", kind } = owner;
  if (kind !== "ReplicaSet") return { apiVersion, kind, name: owner.name };
  return { apiVersion, kind: "Deployment", name: owner.name.replace(/-[a-z0-9]+$/, "") };
}
