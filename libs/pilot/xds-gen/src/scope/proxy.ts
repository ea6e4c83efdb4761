import { XebecError } from "@xebec/core-errors";
import { labelsMatch, type NodeType, type PortProtocol, parseNodeId } from "@xebec/model-names";
import type { Snapshot } from "@xebec/pilot-snapshot";

/** What pilot knows of a proxy from its node message (docs/reference/pilot.md §2.1, §2.2). */
export interface MeshProxy {
  /** The full node id. */
  readonly id: string;
  readonly type: NodeType;
  readonly ip: string;
  readonly pod: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The labels as one text, for comparing. */
  readonly labelsKey: string;
  readonly interception: "REDIRECT" | "TPROXY" | "NONE";
  /** Where its containers listen with interception NONE. */
  readonly appAddress: string;
  /** Port of the explicit HTTP proxy listener, with interception NONE; 0 for none. */
  readonly httpProxyPort: number;
  /** Where a router's listeners bind: all addresses, or on a shared loopback one of them. */
  readonly gatewayBind: string;
  readonly serviceAccount: string;
  readonly locality: string;
  readonly istioVersion: string;
  /** Takes HTTP/1.0 from its clients. */
  readonly http10: boolean;
}

/** Longest value of the metadata that is looked at. */
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
}): MeshProxy {
  const id = parseNodeId(node.id.slice(0, MAX_TEXT));
  const { metadata } = node;
  const text = (name: string): string => {
    const value = metadata[name];
    return typeof value === "string" ? value.slice(0, MAX_TEXT) : typeof value === "number" ? String(value) : "";
  };
  const labels = labelsOf(metadata.LABELS);
  const interception = text("INTERCEPTION_MODE");
  const ip = text("INSTANCE_IPS").split(",")[0] || id.ip;
  const appAddress = text("APP_ADDRESS") || "127.0.0.1";
  if (interception === "NONE" && id.type === "sidecar" && appAddress === ip)
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
  return {
    id: node.id,
    type: id.type,
    ip,
    pod: id.pod,
    namespace: text("NAMESPACE") || id.namespace,
    labels,
    labelsKey: JSON.stringify(Object.entries(labels).sort()),
    interception: interception === "NONE" || interception === "TPROXY" ? interception : "REDIRECT",
    appAddress,
    httpProxyPort: interception === "NONE" ? httpProxyPort : 0,
    gatewayBind: text("GATEWAY_BIND") || (interception === "NONE" ? id.ip : "0.0.0.0"),
    serviceAccount: text("SERVICE_ACCOUNT"),
    locality: node.locality,
    istioVersion: text("ISTIO_VERSION"),
    http10: text("HTTP10") === "1",
  };
}

function labelsOf(value: unknown): Record<string, string> {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/**
 * What pilot may know of a proxy when it makes what the proxy shares with others: proxies with equal fields are one class. To let
 * builders see more (network, locality, the Sidecar or the policies that select a proxy), add the field here, and read it from the
 * proxy in `classOf`: it is in the key then.
 */
interface ClassFields {
  readonly type: NodeType;
  readonly namespace: string;
  readonly interception: MeshProxy["interception"];
  readonly http10: boolean;
  /** Only labels that some selector reads. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A class of proxies that get the same configuration, but for what is their workload's own. */
export interface ProxyClass extends ClassFields {
  /** Of all fields: no two classes have one key, whatever text clients put into their metadata. */
  readonly key: string;
}

/** @param selectorLabels names of the labels that some selector reads */
export function classOf(proxy: MeshProxy, { selectorLabels }: Pick<Snapshot, "selectorLabels">): ProxyClass {
  const labels: Record<string, string> = {};
  for (const name of selectorLabels) {
    const value = proxy.labels[name];
    if (value !== undefined) labels[name] = value;
  }
  const { type, namespace, interception, http10 } = proxy;
  return keyed({ type, namespace, interception, http10, labels });
}

/** The fields, and a key that is made of the very object: what is not in the key is not there to be read. */
function keyed(fields: ClassFields): ProxyClass {
  return { ...fields, key: JSON.stringify(fields) };
}

/** A port that a proxy's own workload serves. */
export interface ServiceTarget {
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly portName: string;
  readonly servicePort: number;
  readonly protocol: PortProtocol;
  readonly targetPort: number;
}

/**
 * Sidecars of workloads that serve the same ports alike share their inbound part too. The key holds all that is read of the
 * proxy itself: its namespace and labels (for the mutual TLS mode), and the addresses that its own listeners and clusters have.
 */
export function targetsKey(proxy: MeshProxy, targets: readonly ServiceTarget[]): string {
  const ports = targets.map(
    (each) => `${each.host}:${each.servicePort}:${each.portName}/${each.protocol}>${each.targetPort}`,
  );
  const own =
    proxy.type === "router"
      ? [proxy.gatewayBind]
      : proxy.interception === "NONE"
        ? [proxy.ip, proxy.appAddress, proxy.httpProxyPort]
        : [];
  return JSON.stringify([...ports, ...own]);
}

/** True when a Gateway's selector names this proxy. */
export function isSelected(selector: Readonly<Record<string, string>> | undefined, proxyClass: ProxyClass): boolean {
  return proxyClass.type === "router" && labelsMatch(selector, proxyClass.labels);
}
