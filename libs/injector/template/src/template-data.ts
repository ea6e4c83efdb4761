import { XebecError } from "@xebec/core-errors";
import { readYaml, YamlError } from "@xebec/core-yaml";
import { STATUS } from "./earlier-injection.ts";
import { OVERRIDES } from "./own-container.ts";
import { type Container, type Pod, PROXY, workloadOf } from "./pod.ts";
import { resourcesData } from "./proxy-resources.ts";
import type { InjectValues } from "./values.ts";

/** What a template can use of a pod: its annotations, else the values of the installation. */
export function templateData(pod: Pod, namespace: string, values: InjectValues): Record<string, unknown> {
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
    proxyImage: annotations["sidecar.istio.io/proxyImage"] ?? values.proxyImage,
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
      ...proxyConfigOf(annotations),
      ...(statusPort ? { statusPort } : {}),
    }),
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

/**
 * The pod's own ProxyConfig, from Istio's annotation `proxy.istio.io/config`.
 * @throws XebecError invalid_argument for one that is not a map in YAML
 */
export function proxyConfigOf(annotations: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = annotations["proxy.istio.io/config"];
  if (!text) return {};
  let value: unknown;
  try {
    value = readYaml(text);
  } catch (error) {
    const message = error instanceof YamlError ? error.text : String(error);
    throw new XebecError("invalid_argument", `annotation proxy.istio.io/config: ${message}`);
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", "annotation proxy.istio.io/config: must be a map in YAML");
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** A name in the form that a label's value may have. */
function labelText(name: string): string {
  return name.slice(0, 63).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
