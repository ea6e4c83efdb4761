/** The parts of a Kubernetes Pod that injection reads or writes; all others pass through untouched. */
export interface Pod {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: PodMetadata;
  readonly spec?: PodSpec;
}

export interface PodMetadata {
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
}

export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string }[];
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** The container that is the sidecar. */
export const PROXY = "istio-proxy";
export const INIT = "istio-init";
export const VALIDATION = "istio-validation";

/** An item of a list that Kubernetes merges by name. */
export interface Named {
  readonly name: string;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly containerPort: number; readonly name?: string; readonly protocol?: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly restartPolicy?: string;
}

/** The object that users know a pod by. */
export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** The owner that users know: the Deployment `reviews-v1`, not its ReplicaSet `reviews-v1-5d4f`; the CronJob, not its Job. */
export function workloadOf(pod: Pod): Workload {
  const { metadata } = pod;
  const owner = metadata?.ownerReferences?.find((each) => each.controller) ?? metadata?.ownerReferences?.[0];
  if (!owner) {
    const { name, generateName = "" } = metadata ?? {};
    return { apiVersion: "v1", kind: "Pod", name: name || generateName.replace(/-$/, "") };
  }
  const { apiVersion = "apps/v1", kind, name } = owner;
  if (kind === "ReplicaSet") {
    const rollout = metadata?.labels?.["rollouts-pod-template-hash"];
    if (rollout && name.endsWith(`-${rollout}`))
      return { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: name.slice(0, -rollout.length - 1) };
    return { apiVersion, kind: "Deployment", name: name.replace(/-[a-z0-9]+$/, "") };
  }
  // A CronJob names its Jobs by the time, in minutes or, before Kubernetes 1.21, in seconds.
  const [, cronJob] = kind === "Job" ? (/^(.+)-\d{8,10}$/.exec(name) ?? []) : [];
  return cronJob ? { apiVersion, kind: "CronJob", name: cronJob } : { apiVersion, kind, name };
}
