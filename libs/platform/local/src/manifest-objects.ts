import type { SecretRecord } from "@xebec/model-pki";
/** The Kubernetes objects that the local platform understands, as far as it reads them. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
    readonly secretKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
    readonly resourceFieldRef?: unknown;
  };
}

/** What a probe or a hook does. */
export interface Action {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly host?: string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly sleep?: { readonly seconds: number };
}

export interface Probe extends Action {
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
  readonly terminationGracePeriodSeconds?: number;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: Action; readonly postStart?: Action };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

interface FileItem {
  readonly key: string;
  readonly path: string;
}
interface FieldItem {
  readonly path: string;
  readonly fieldRef?: { readonly fieldPath: string };
}

export interface PodVolume {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly optional?: boolean; readonly items?: readonly FileItem[] };
  readonly secret?: { readonly secretName: string; readonly optional?: boolean; readonly items?: readonly FileItem[] };
  readonly downwardAPI?: { readonly items?: readonly FieldItem[] };
  readonly emptyDir?: unknown;
  readonly projected?: {
    readonly sources?: readonly {
      readonly serviceAccountToken?: {
        readonly path: string;
        readonly audience?: string;
        readonly expirationSeconds?: number;
      };
      readonly configMap?: { readonly name: string; readonly items?: readonly FileItem[] };
      readonly downwardAPI?: { readonly items?: readonly FieldItem[] };
    }[];
  };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly containers: readonly ContainerSpec[];
  readonly volumes?: readonly PodVolume[];
  readonly terminationGracePeriodSeconds?: number;
}

export interface PodTemplate {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec: PodSpec;
}

export interface Deployment {
  readonly kind: "Deployment";
  readonly metadata: ObjectMeta;
  readonly replicas: number;
  readonly template: PodTemplate;
  readonly minReadySeconds?: number;
  readonly strategy?: {
    readonly type?: string;
    readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
  };
}

export interface KubeService {
  readonly kind: "Service";
  readonly metadata: ObjectMeta;
  readonly selector: Readonly<Record<string, string>>;
  readonly externalName?: string;
  readonly headless: boolean;
  /** By which a gateway between networks is reached from outside. */
  readonly externalIps?: readonly string[];
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly targetPort: number | string;
    readonly protocol: "TCP" | "UDP" | "SCTP";
    readonly appProtocol?: string;
  }[];
}

export interface ConfigData {
  readonly kind: "ConfigMap" | "Secret";
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
  /** Certificates and keys for gateways; absent when it holds none. */
  readonly credential?: SecretRecord;
}

export interface PlainObject {
  readonly kind: "Namespace" | "ServiceAccount";
  readonly metadata: ObjectMeta;
}

export type ClusterObject = Deployment | KubeService | ConfigData | PlainObject;

/** `Deployment/default/reviews-v1` */
export function objectKey({ kind, metadata }: ClusterObject): string {
  return `${kind}/${kind === "Namespace" ? "" : metadata.namespace}/${metadata.name}`;
}
