import type { InjectContext } from "./context.ts";
import { STATUS } from "./earlier-injection.ts";
import type { ProxyConfigFields } from "./effective-proxy-config.ts";
import { at, type Fields } from "./fields.ts";
import { OVERRIDES } from "./overrides.ts";
import { type Pod, PROXY, type Workload } from "./pod.ts";
import { PROXY_CONFIG_DEFAULTS } from "./proxy-config-defaults.ts";
import { imageOfType } from "./proxy-image.ts";

/** The user of the proxy. */
const PROXY_ID = 1337;

export interface PodData {
  readonly pod: Pod;
  readonly namespace: string;
  readonly workload: Workload;
  readonly proxyConfig: ProxyConfigFields;
  readonly native: boolean;
  /** Variables that the webhook's path sets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What a template has of a pod, with Istio's names (docs/reference/platform.md §4.2), and what our own templates need besides. */
export function templateData(data: PodData, context: InjectContext): Fields {
  const { pod, namespace, workload, native, environment } = data;
  const { annotations: all = {}, labels = {} } = pod.metadata ?? {};
  const { [STATUS]: _status, [OVERRIDES]: _overrides, ...annotations } = all;
  const statusPort = annotations["status.sidecar.istio.io/port"];
  const proxyConfig: Fields = {
    ...PROXY_CONFIG_DEFAULTS,
    ...data.proxyConfig,
    ...(statusPort !== undefined && Number(statusPort) > 0 ? { statusPort: Number(statusPort) } : {}),
  };
  const imageType = annotations["sidecar.istio.io/proxyImageType"] ?? at(proxyConfig, "image", "imageType") ?? "";
  return {
    TypeMeta: { apiVersion: workload.apiVersion, kind: workload.kind },
    DeploymentMeta: { name: workload.name, namespace },
    ObjectMeta: { ...pod.metadata, annotations, labels },
    Spec: pod.spec ?? {},
    ProxyConfig: proxyConfig,
    MeshConfig: context.meshConfig,
    Values: context.values,
    Revision: context.revision,
    NativeSidecars: native,
    ProxyImage: imageOfType(context.proxyImage, String(imageType)),
    ProxyUID: PROXY_ID,
    ProxyGID: PROXY_ID,
    InboundTrafficPolicyMode:
      at(context.meshConfig, "inboundTrafficPolicy", "mode") === "LOCALHOST" ? "localhost" : "passthrough",
    CompliancePolicy: "",
    // Beside Istio's.
    InitImage: context.initImage,
    CaAddress: context.caAddress,
    TrustDomain: context.trustDomain,
    ClusterID: environment.ISTIO_META_CLUSTER_ID ?? context.clusterId,
    Network: labels["topology.istio.io/network"] ?? environment.ISTIO_META_NETWORK ?? context.network,
    InterceptionMode: annotations["sidecar.istio.io/interceptionMode"] ?? proxyConfig.interceptionMode,
    Owner: ownerOf(workload, namespace),
    PodPorts: JSON.stringify(
      (pod.spec?.containers ?? []).filter(({ name }) => name !== PROXY).flatMap(({ ports }) => ports ?? []),
    ),
    CanonicalName: labelText(labels["app.kubernetes.io/name"] ?? labels.app ?? workload.name),
    CanonicalRevision: labels["app.kubernetes.io/version"] ?? labels.version ?? "latest",
  };
}

function ownerOf({ apiVersion, kind, name }: Workload, namespace: string): string {
  return `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
}

/** A name in the form that a label's value may have. */
function labelText(name: string): string {
  return name.slice(0, 63).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
