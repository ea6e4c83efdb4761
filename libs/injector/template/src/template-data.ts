import { STATUS } from "./earlier-injection.ts";
import type { ProxyConfigFields } from "./effective-proxy-config.ts";
import { OVERRIDES } from "./own-container.ts";
import { type Container, type Pod, PROXY, workloadOf } from "./pod.ts";
import { imageOfType } from "./proxy-image.ts";
import { resourcesData } from "./proxy-resources.ts";
import type { InjectValues } from "./values.ts";

/**
 * What a template can use of a pod: its annotations, else the values of the installation.
 * @param proxyConfig what holds for the pod (`effectiveProxyConfig`)
 */
export function templateData(
  pod: Pod,
  namespace: string,
  values: InjectValues,
  proxyConfig: ProxyConfigFields,
): Record<string, unknown> {
  const annotations = pod.metadata?.annotations ?? {};
  const labels = pod.metadata?.labels ?? {};
  const workload = workloadOf(pod);
  const containers: readonly Container[] = (pod.spec?.containers ?? []).filter((each) => each.name !== PROXY);
  const interceptionMode = annotations["sidecar.istio.io/interceptionMode"] ?? values.interceptionMode;
  const statusPort = optionalNumber(annotations["status.sidecar.istio.io/port"]);
  const owner =
    workload.kind === "Pod"
      ? `kubernetes://apis/v1/namespaces/${namespace}/pods/${workload.name}`
      : `kubernetes://apis/${workload.apiVersion}/namespaces/${namespace}/${workload.kind.toLowerCase()}s/${workload.name}`;
  return {
    values,
    captured: interceptionMode !== "NONE",
    tproxy: interceptionMode === "TPROXY",
    interceptionMode,
    proxyImage:
      annotations["sidecar.istio.io/proxyImage"] ??
      imageOfType(values.proxyImage, annotations["sidecar.istio.io/proxyImageType"] ?? imageTypeOf(proxyConfig)),
    // The containers of the app start when the proxy is ready.
    holdApplication: proxyConfig.holdApplicationUntilProxyStarts === true,
    logLevel: annotations["sidecar.istio.io/logLevel"] ?? values.logLevel,
    concurrency: values.concurrency,
    proxyCpu: annotations["sidecar.istio.io/proxyCPU"] ?? values.proxyCpu,
    proxyMemory: annotations["sidecar.istio.io/proxyMemory"] ?? values.proxyMemory,
    ...resourcesData(annotations, values),
    // Port 0 means that there is nothing to ask.
    probed: statusPort !== 0,
    probeDelay: Number(annotations["readiness.status.sidecar.istio.io/initialDelaySeconds"] ?? 0),
    probePeriod: Number(annotations["readiness.status.sidecar.istio.io/periodSeconds"] ?? 15),
    probeFailures: Number(annotations["readiness.status.sidecar.istio.io/failureThreshold"] ?? 4),
    includeOutboundIPRanges: annotations["traffic.sidecar.istio.io/includeOutboundIPRanges"] ?? "*",
    excludeOutboundIPRanges: annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"] ?? "",
    includeInboundPorts: annotations["traffic.sidecar.istio.io/includeInboundPorts"] ?? "*",
    excludeInboundPorts: [
      "15090",
      "15021",
      annotations["traffic.sidecar.istio.io/excludeInboundPorts"],
      String(statusPort || 15020),
    ]
      .filter(Boolean)
      .join(","),
    excludeOutboundPorts: annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] ?? "",
    proxyConfig: JSON.stringify({
      discoveryAddress: values.discoveryAddress,
      ...proxyConfig,
      ...(statusPort ? { statusPort } : {}),
    }),
    proxyMetadata: Object.entries((proxyConfig.proxyMetadata ?? {}) as Record<string, unknown>)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value: String(value) })),
    workloadName: workload.name,
    owner,
    canonicalName: labelText(labels["app.kubernetes.io/name"] ?? labels.app ?? workload.name),
    canonicalRevision: labels["app.kubernetes.io/version"] ?? labels.version ?? "latest",
    podPorts: JSON.stringify(containers.flatMap((each) => each.ports ?? [])),
    appContainers: containers.map((each) => each.name).join(","),
    // What an earlier injection noted is not the user's.
    annotationsJson: JSON.stringify(
      Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== STATUS && name !== OVERRIDES)),
    ),
  };
}

function imageTypeOf({ image }: ProxyConfigFields): string {
  const { imageType = "" } = (image ?? {}) as { readonly imageType?: string };
  return imageType;
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** A name in the form that a label's value may have. */
function labelText(name: string): string {
  return name.slice(0, 63).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
