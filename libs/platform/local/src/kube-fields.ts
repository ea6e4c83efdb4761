import { didYouMean } from "@xebec/core-errors";

type Fields = Readonly<Record<string, unknown>>;

/** Fields that Kubernetes has at a place: those of the objects or lists below it where they are looked at, else null. */
interface Shape {
  readonly [field: string]: Shape | null;
}

const fields = (names: string, nested: Shape = {}): Shape => ({
  ...Object.fromEntries(names.split(" ").map((name) => [name, null])),
  ...nested,
});

const META = fields(
  "name generateName namespace labels annotations uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers managedFields selfLink clusterName",
);
const HTTP_GET = fields("path port host scheme httpHeaders");
const PROBE = fields(
  "exec tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds",
  { httpGet: HTTP_GET },
);
const HOOK = fields("exec tcpSocket sleep", { httpGet: HTTP_GET });
const CONTAINER: Shape = {
  ports: fields("name hostPort containerPort protocol hostIP"),
  env: fields("name value", { valueFrom: fields("fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef") }),
  envFrom: fields("prefix configMapRef secretRef"),
  resources: fields("limits requests claims"),
  volumeMounts: fields("name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"),
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  lifecycle: fields("stopSignal", { preStop: HOOK, postStart: HOOK }),
};
const VOLUME = fields(
  "name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image",
);

/** Kubernetes' own fields of what stands in a pod. */
export const KNOWN_FIELDS = {
  port: Object.keys(CONTAINER.ports ?? {}),
  mount: Object.keys(CONTAINER.volumeMounts ?? {}),
  lifecycle: Object.keys(CONTAINER.lifecycle ?? {}),
  volume: Object.keys(VOLUME),
};

/** What stands below fields that the caller knows already is looked at there; all else is looked at here. */
const KINDS: Readonly<Record<string, Shape>> = {
  Namespace: fields("apiVersion kind spec status", { metadata: META }),
  ServiceAccount: fields("apiVersion kind secrets imagePullSecrets automountServiceAccountToken", { metadata: META }),
  ConfigMap: fields("apiVersion kind data binaryData immutable", { metadata: META }),
  Secret: fields("apiVersion kind data stringData type immutable", { metadata: META }),
  Service: fields("apiVersion kind status", {
    metadata: META,
    spec: fields(
      "selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution topologyKeys",
      { ports: fields("name protocol appProtocol port targetPort nodePort") },
    ),
  }),
  Deployment: fields("apiVersion kind status", { metadata: META }),
};

/** Fields of an object that Kubernetes does not have, a sentence each; of a Deployment's template only what is inside containers. */
export function unknownFields(object: Fields): string[] {
  const kind = String(object.kind);
  const unknown = unknownIn(object, KINDS[kind] ?? null, "");
  if (kind !== "Deployment") return unknown;
  const template = child(child(object.spec, "template"), "metadata");
  unknown.push(...unknownIn(template, META, "spec.template.metadata"));
  const pod = child(child(object.spec, "template"), "spec");
  for (const list of ["containers", "initContainers"]) {
    const containers = child(pod, list);
    for (const [i, container] of (Array.isArray(containers) ? containers : []).entries())
      for (const [name, shape] of Object.entries(CONTAINER))
        unknown.push(...unknownIn(child(container, name), shape, `spec.template.spec.${list}[${i}].${name}`));
  }
  unknown.push(...unknownIn(child(pod, "volumes"), VOLUME, "spec.template.spec.volumes"));
  return unknown;
}

function child(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? (value as Fields)[name] : undefined;
}

function unknownIn(value: unknown, shape: Shape | null, path: string): string[] {
  if (shape === null || value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap((each: unknown, i) => unknownIn(each, shape, `${path}[${i}]`));
  return Object.entries(value).flatMap(([name, each]) => {
    const at = path === "" ? name : `${path}.${name}`;
    // A Deployment's own fields are looked at by the caller.
    if (path === "" && name === "spec" && !Object.hasOwn(shape, name)) return [];
    if (Object.hasOwn(shape, name)) return unknownIn(each, shape[name] ?? null, at);
    return [`${at} is ignored: Kubernetes has no such field${didYouMean(name, Object.keys(shape))}`];
  });
}
