/** A type of objects that an API server has. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in paths. */
  readonly plural: string;
  readonly clusterScoped?: boolean;
}

const core = (kind: string, plural: string, clusterScoped = false): ResourceType => ({
  ...{ group: "", version: "v1", kind, plural, clusterScoped },
});

/** The types of Kubernetes itself that the mesh reads or writes. */
export const RESOURCES = {
  services: core("Service", "services"),
  pods: core("Pod", "pods"),
  nodes: core("Node", "nodes", true),
  namespaces: core("Namespace", "namespaces", true),
  secrets: core("Secret", "secrets"),
  configMaps: core("ConfigMap", "configmaps"),
  serviceAccounts: core("ServiceAccount", "serviceaccounts"),
  endpointSlices: {
    ...{ group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices" },
  },
  leases: { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases" },
  customResourceDefinitions: {
    ...{ group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition" },
    ...{ plural: "customresourcedefinitions", clusterScoped: true },
  },
  mutatingWebhooks: {
    ...{ group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhookConfiguration" },
    ...{ plural: "mutatingwebhookconfigurations", clusterScoped: true },
  },
  validatingWebhooks: {
    ...{ group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration" },
    ...{ plural: "validatingwebhookconfigurations", clusterScoped: true },
  },
} as const satisfies Record<string, ResourceType>;

/** `networking.istio.io/v1`, or `v1` in the core group. */
export function apiVersionOf({ group, version }: ResourceType): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The object that a request is about; a collection when it has no name. */
export interface ResourcePath {
  /** Absent: the objects of all namespaces, or an object without one. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** `status`. */
  readonly subresource?: string | undefined;
}

/** The path of a request. */
export function pathOf(type: ResourceType, { namespace, name, subresource }: ResourcePath = {}): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const parts = [
    ...(namespace !== undefined && !type.clusterScoped ? ["namespaces", namespace] : []),
    type.plural,
    ...(name !== undefined ? [name] : []),
    ...(subresource !== undefined ? [subresource] : []),
  ];
  return `${root}/${parts.map(encodeURIComponent).join("/")}`;
}

/** An object as the server has it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMetadata;
  readonly [field: string]: unknown;
}

export interface KubeMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generateName?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
}

/** The key of an object among those of its type: `<namespace>/<name>`, or its name where it has no namespace. */
export function objectKey({ metadata: { namespace, name } }: Pick<KubeObject, "metadata">): string {
  return namespace ? `${namespace}/${name}` : name;
}
