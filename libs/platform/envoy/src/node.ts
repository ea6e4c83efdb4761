import { XebecError } from "@xebec/core-errors";
import { localityOf } from "@xebec/model-names";
import { isObject } from "./proxy-config-values.ts";
import type { ProxySettings } from "./proxy-settings.ts";

/** The version of Istio whose agent this one speaks like; it drives pilot's feature gates. */
const ISTIO_VERSION = "1.29.0";
/** The cluster of the agent's socket, where Envoy also asks for plugins whose modules the agent fetches. */
const SDS_CLUSTER = "sds-grpc";
const META = "ISTIO_META_";
const META_JSON = "ISTIO_METAJSON_";

/** How a proxy introduces itself, in proto3 JSON. */
export interface EnvoyNode {
  /** `sidecar~IP~POD.NAMESPACE~DOMAIN`. */
  readonly id: string;
  readonly cluster: string;
  readonly locality?: { readonly region: string; readonly zone: string; readonly sub_zone: string };
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * The node message, as Istio's agent makes it (docs/reference/pilot.md §2.1, §2.2).
 * @throws XebecError invalid_argument for an ISTIO_METAJSON_ variable that is not JSON object
 */
export function envoyNode(settings: ProxySettings): EnvoyNode {
  const { type, ip, podName, namespace, domain, labels } = settings;
  const metadata = nodeMetadata(settings);
  const { region, zone, subZone } = localityOf(
    (labels["istio-locality"]?.replaceAll(".", "/") ?? textOf(metadata.ISTIO_LOCALITY)) || undefined,
  );
  return {
    id: `${type}~${ip}~${podName}.${namespace}~${domain}`,
    cluster: serviceCluster(settings, textOf(metadata.WORKLOAD_NAME)),
    ...(region ? { locality: { region, zone, sub_zone: subZone } } : {}),
    metadata,
  };
}

/** The node of a stream of the agent's own, which registers no workload: Envoy's stream does, and that of health reports. */
export function agentNode(settings: ProxySettings): EnvoyNode {
  const node = envoyNode(settings);
  const { AUTO_REGISTER_GROUP: _group, WORKLOAD_ENTRY: _entry, ...metadata } = node.metadata;
  return { ...node, metadata };
}

function serviceCluster(settings: ProxySettings, workload: string): string {
  const { serviceCluster: flag, proxyConfig, labels, namespace } = settings;
  const canonical = labels["service.istio.io/canonical-name"] || labels["app.kubernetes.io/name"] || labels.app;
  if (canonical && proxyConfig.serviceName === "CANONICAL_NAME_ONLY") return canonical;
  if (canonical && proxyConfig.serviceName === "CANONICAL_NAME_AND_NAMESPACE") return `${canonical}.${namespace}`;
  for (const given of [flag, proxyConfig.serviceCluster]) if (given && given !== "istio-proxy") return given;
  return `${labels.app || workload || "istio-proxy"}.${namespace}`;
}

function nodeMetadata(settings: ProxySettings): Record<string, unknown> {
  const { env, proxyConfig, labels, annotations } = settings;
  const fromJson: Record<string, unknown> = {};
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(env).sort()) {
    if (value === undefined) continue;
    if (name.startsWith(META_JSON)) Object.assign(fromJson, jsonObject(name, value));
    else if (name.startsWith(META)) plain[name.slice(META.length)] = value;
  }
  const { "pod-template-hash": _, ...kept } = labels;
  return {
    PROXY_CONFIG: proxyConfig.raw,
    ISTIO_VERSION,
    NAME: settings.podName,
    NAMESPACE: settings.namespace,
    SERVICE_ACCOUNT: settings.serviceAccount,
    INSTANCE_IPS: settings.ip,
    INTERCEPTION_MODE: "REDIRECT",
    ...(proxyConfig.meshId ? { MESH_ID: proxyConfig.meshId } : {}),
    WASM_CLUSTER: SDS_CLUSTER,
    LABELS: kept,
    ANNOTATIONS: annotations,
    ...fromJson,
    ...plain,
  };
}

// `ISTIO_METAJSON_ANNOTATIONS={"a":"b"}` comes from injectors that write one variable per map; any other name is merged.
function jsonObject(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `${name} is not JSON`, { cause: error });
  }
  if (!isObject(value)) throw new XebecError("invalid_argument", `${name} is not a JSON object`);
  const key = name.slice(META_JSON.length);
  return key === "ANNOTATIONS" || key === "LABELS" ? { [key]: value } : value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
