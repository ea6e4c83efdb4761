import { XebecError } from "@xebec/core-errors";
import { type NodeType, parseNodeId } from "@xebec/model-names";
import { type EnvoyFeature, type EnvoyVersion, knowsVhds, lackingIn } from "./envoy-features.ts";
import { type Keyed, keyed } from "./keyed.ts";
import { ownProxyConfig, type ServedProxyConfig } from "./own-proxy-config.ts";
import type { Place } from "./place.ts";
import type { TraceNode } from "./trace-node.ts";

export type Interception = "REDIRECT" | "TPROXY" | "NONE";

/**
 * How the listeners of a proxy are bound:
 * - `captured`: traffic capture redirects every port to the sidecar;
 * - `explicit` (interception NONE): a listener on the proxy's address for each port, with the containers at another address;
 * - `gateway`: a router's listeners on an address of its own.
 */
export type ProxyBinding =
  | { readonly mode: "captured" }
  | {
      readonly mode: "explicit";
      readonly address: string;
      /** Where the containers listen. */
      readonly appAddress: string;
      /** Port of the explicit HTTP proxy listener; 0 for none. */
      readonly httpProxyPort: number;
    }
  | {
      readonly mode: "gateway";
      /** `0.0.0.0`, or one address where proxies share the loopback network. */
      readonly address: string;
    };

/** Determines the served ports, unless target ports are names. Equal pods have equal fields. */
export interface WorkloadFields {
  readonly labels: Readonly<Record<string, string>>;
  readonly binding: ProxyBinding;
  /** What spans say of it. */
  readonly trace: TraceNode;
}

/** Determines the served ports when target ports are names of container ports. */
export interface PodFields extends WorkloadFields {
  readonly pod: { readonly name: string; readonly ip: string };
}

/**
 * A proxy as its node message describes it (docs/reference/pilot.md §2.1, §2.2). Builders do not receive it: they receive its class
 * (`ProxyClass`) and, for its own listeners and clusters, its workload (`Workload`), which are part of the cache keys.
 */
export interface MeshProxy {
  /** The full node id. */
  readonly id: string;
  readonly type: NodeType;
  readonly ip: string;
  readonly pod: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly interception: Interception;
  readonly workload: Keyed<WorkloadFields>;
  readonly podWorkload: Keyed<PodFields>;
  readonly serviceAccount: string;
  readonly place: Place;
  /** The WorkloadGroup of its namespace in which it registers its workload; empty for none. */
  readonly registrationGroup: string;
  /** The WorkloadEntry of its namespace that it is, whose health its agent reports; empty for none. */
  readonly workloadEntry: string;
  readonly istioVersion: string;
  /** The texts of the node's metadata, as far as they are short: EnvoyFilters match them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Accepts HTTP/1.0. */
  readonly http10: boolean;
  /** The families of its addresses, where its workload finds hosts by the agent's DNS; absent elsewhere. */
  readonly dnsCapture?: AddressFamilies;
  /** Who takes the configuration, where that is no Envoy. */
  readonly generator?: XdsGenerator;
  /** What its own ProxyConfig says of what pilot serves; absent where that is nothing. */
  readonly proxyConfig?: ServedProxyConfig;
  /** What it says of itself that cannot be used, in words. */
  readonly problems?: readonly string[];
  /** Who fetches modules for it; absent for nobody. */
  readonly modules?: ModuleFetcher;
  /** Takes virtual hosts by VHDS over Delta ADS: an Envoy whose version says so. */
  readonly hasVhds: boolean;
  /** What its version of Envoy does not know; absent where that is nothing. */
  readonly lacks?: readonly EnvoyFeature[];
}

/** Whose form of the configuration a client asks for with the node metadata `GENERATOR`: that of gRPC's own clients and servers. */
export type XdsGenerator = "grpc";

/** The families in which a workload has addresses. */
export type AddressFamilies = "ipv4" | "ipv6" | "dual";

/**
 * Who fetches the modules of WasmPlugins for a proxy: `agent` has their configurations at a socket of its own, which its node metadata
 * WASM_CLUSTER says; `interceptor` sees those that pilot sends and puts files in the place of URLs, as Istio's agent does.
 */
export type ModuleFetcher = "agent" | "interceptor";

/** Metadata values are truncated to this length. */
const MAX_TEXT = 4096;

/**
 * Reads a proxy from its node.
 * @param node id, metadata as plain JSON, and locality
 * @throws XebecError invalid_argument when the id has not Istio's form
 */
export function proxyOf(node: {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly locality: string;
  readonly cluster?: string;
  /** Of Envoy; absent where the node does not say it. */
  readonly version?: EnvoyVersion | undefined;
}): MeshProxy {
  const id = parseNodeId(node.id.slice(0, MAX_TEXT));
  const { metadata } = node;
  const text = (name: string): string => {
    const value = metadata[name];
    return typeof value === "string" ? value.slice(0, MAX_TEXT) : typeof value === "number" ? String(value) : "";
  };
  const lacks = lackingIn(node.version);
  const labels = labelsOf(metadata.LABELS);
  const generator = text("GENERATOR") === "grpc" ? "grpc" : undefined;
  // Nothing captures the traffic of gRPC's own clients and servers.
  const interception = generator ? "NONE" : text("INTERCEPTION_MODE");
  const ips = text("INSTANCE_IPS").split(",").filter(Boolean);
  const ip = ips[0] || id.ip;
  const appAddress = text("APP_ADDRESS") || "127.0.0.1";
  if (interception === "NONE" && !generator && id.type === "sidecar" && appAddress === ip)
    throw new XebecError(
      "invalid_argument",
      `node metadata APP_ADDRESS ${appAddress} is the proxy's own address: calls would come back to it for ever`,
    );
  const httpProxyPort = Number(text("HTTP_PROXY_PORT"));
  if (!Number.isInteger(httpProxyPort) || httpProxyPort < 0 || httpProxyPort > 65_535)
    throw new XebecError(
      "invalid_argument",
      `node metadata HTTP_PROXY_PORT "${text("HTTP_PROXY_PORT")}" is not a port`,
    );
  const binding: ProxyBinding =
    id.type === "router"
      ? { mode: "gateway", address: text("GATEWAY_BIND") || (interception === "NONE" ? id.ip : "0.0.0.0") }
      : interception === "NONE"
        ? { mode: "explicit", address: ip, appAddress, httpProxyPort }
        : { mode: "captured" };
  const namespace = text("NAMESPACE") || id.namespace;
  // Istio's agents, and whatever speaks like them, say their version.
  const fetcher = text("WASM_CLUSTER") === "sds-grpc" ? "agent" : text("ISTIO_VERSION") ? "interceptor" : undefined;
  const modules = generator ? undefined : fetcher;
  const { config: proxyConfig, problems } = ownProxyConfig(metadata.PROXY_CONFIG);
  const trace: TraceNode = {
    service: (node.cluster ?? "").slice(0, MAX_TEXT),
    canonicalService: labels["service.istio.io/canonical-name"] || "unknown",
    canonicalRevision: labels["service.istio.io/canonical-revision"] || "latest",
    meshId: text("MESH_ID") || "unknown",
    clusterId: text("CLUSTER_ID") || "unknown",
  };
  return {
    id: node.id,
    type: id.type,
    ip,
    pod: id.pod,
    namespace,
    labels,
    interception: interception === "NONE" || interception === "TPROXY" ? interception : "REDIRECT",
    workload: keyed({ labels, binding, trace }),
    podWorkload: keyed({ labels, binding, trace, pod: { name: id.pod, ip } }),
    serviceAccount: text("SERVICE_ACCOUNT"),
    place: keyed({
      locality: node.locality || localityOfLabels(labels),
      network: text("NETWORK") || (labels["topology.istio.io/network"] ?? ""),
      cluster: text("CLUSTER_ID"),
      networkView: text("REQUESTED_NETWORK_VIEW"),
      node: text("NODE_NAME"),
    }),
    registrationGroup: text("AUTO_REGISTER_GROUP"),
    workloadEntry: text("WORKLOAD_ENTRY"),
    istioVersion: text("ISTIO_VERSION"),
    metadata: shortTexts(metadata),
    http10: text("HTTP10") === "1",
    hasVhds: !generator && knowsVhds(node.version),
    ...(isTrue(metadata.DNS_CAPTURE) ? { dnsCapture: familiesOf([ip, ...ips]) } : {}),
    ...(generator ? { generator } : {}),
    ...(proxyConfig ? { proxyConfig } : {}),
    ...(problems.length > 0 ? { problems } : {}),
    ...(modules ? { modules } : {}),
    ...(lacks ? { lacks } : {}),
  };
}

/** A switch of the metadata, which is a text or a boolean. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === "string" && value.toLowerCase() === "true");
}

function familiesOf(ips: readonly string[]): AddressFamilies {
  const has6 = ips.some((each) => each.includes(":"));
  return ips.every((each) => each.includes(":")) ? "ipv6" : has6 ? "dual" : "ipv4";
}

function localityOfLabels(labels: Readonly<Record<string, string>>): string {
  return (labels["topology.istio.io/locality"] ?? labels["istio-locality"] ?? "").replaceAll(".", "/");
}

/** Values that proxies have in common are kept once. */
const interned = new Map<string, string>();
const MOST_INTERNED = 10_000;
const SHORT = 128;

function shortTexts(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== "string" || value.length > SHORT || name.length > SHORT) continue;
    if (interned.size >= MOST_INTERNED) interned.clear();
    for (const text of [name, value]) if (!interned.has(text)) interned.set(text, text);
    found[interned.get(name) ?? name] = interned.get(value) ?? value;
  }
  return found;
}

function labelsOf(value: unknown): Record<string, string> {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter((entry): entry is [string, string] => typeof entry[1] === "string")
      // Equal labels must yield equal keys, whatever their order is.
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
