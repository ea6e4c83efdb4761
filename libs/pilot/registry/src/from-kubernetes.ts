import { canonicalHost, protocolOfServicePort } from "@xebec/model-names";
import type { EndpointsRecord, PodRecord, ServiceRecord } from "@xebec/model-workloads";
import { isMeshed, localityOfLabels, networkOf, workloadMetadata } from "./labels.ts";
import type { MeshEndpoint, MeshService } from "./service.ts";

/** Translates a Kubernetes service (docs/reference/pilot.md §1.6). */
export function serviceFromRecord(record: ServiceRecord): MeshService {
  const exportTo = record.annotations?.["networking.istio.io/exportTo"];
  return {
    id: `${record.hostname}@${record.namespace}`,
    host: record.hostname,
    namespace: record.namespace,
    name: record.name,
    kubernetes: true,
    addresses: record.addresses,
    ports: record.ports.map((port) => ({
      name: port.name,
      number: port.port,
      protocol: protocolOfServicePort(port),
      targetPort: port.targetPort,
    })),
    resolution: record.externalName ? "dns" : record.headless ? "passthrough" : "eds",
    headless: record.headless === true,
    external: record.externalName !== undefined,
    exportTo: exportTo ? exportTo.split(",").map((each) => each.trim()) : [],
    subjectAltNames: [],
    ...(record.selector && Object.keys(record.selector).length > 0 ? { selector: record.selector } : {}),
    ...(record.externalName ? { alias: canonicalHost(record.externalName) } : {}),
    ...(record.internalTrafficPolicy === "Local" ? { nodeLocal: true } : {}),
    ...trafficDistributionOf(record),
    ...gatewayOf(record),
    created: record.creationTimestamp ?? "",
    configKeys: [],
  };
}

/** The port of gateways between networks, where no label says another. */
const NETWORK_GATEWAY_PORT = 15443;

/** Whether a service leads into a network, by Istio's labels. */
function gatewayOf({
  externalAddresses,
  externalPorts,
  labels,
}: ServiceRecord): Pick<MeshService, "externalAddresses" | "externalPorts" | "gatewayOf"> {
  if (!externalAddresses?.length) return {};
  const { network } = networkOf(labels ?? {});
  const port = Number(labels?.["networking.istio.io/gatewayPort"]) || NETWORK_GATEWAY_PORT;
  return {
    externalAddresses,
    ...(externalPorts ? { externalPorts } : {}),
    ...(network ? { gatewayOf: { network, port: externalPorts?.[port] ?? port } } : {}),
  };
}

/** What Kubernetes calls `trafficDistribution`: that of the service, else of Istio's annotation. */
function trafficDistributionOf({
  annotations,
  trafficDistribution: own,
}: ServiceRecord): Pick<MeshService, "trafficDistribution"> {
  switch ((own ?? annotations?.["networking.istio.io/traffic-distribution"])?.toLowerCase()) {
    case "preferclose":
    case "prefersamezone":
      return { trafficDistribution: "zone" };
    case "prefersamenode":
      return { trafficDistribution: "node" };
    default:
      return {};
  }
}

/**
 * Translates the endpoints of a service. Addresses that are not ready are left out; an address whose pod is not known yet
 * is left out too and comes with the pod.
 * @param podOf finds a pod by `<namespace>/<name>`
 */
export function endpointsFromRecord(
  record: EndpointsRecord,
  podOf: (key: string) => PodRecord | undefined,
): MeshEndpoint[] {
  const endpoints: MeshEndpoint[] = [];
  for (const subset of record.subsets) {
    const ports = Object.fromEntries(subset.ports.map((port) => [port.name, port.port]));
    for (const address of subset.addresses) {
      if (!address.ready) continue;
      const pod = address.pod === undefined ? undefined : podOf(address.pod);
      if (address.pod !== undefined && !pod) continue;
      endpoints.push({
        address: address.ip,
        ports,
        labels: pod?.labels ?? {},
        locality: (pod && (localityOfLabels(pod.labels) ?? pod.locality)) ?? "",
        ...(pod ? networkOf(pod.labels) : {}),
        ...(pod?.node ? { node: pod.node } : {}),
        ...(pod?.subdomain ? { hostname: pod.hostname ?? pod.name, subdomain: pod.subdomain } : {}),
        weight: 1,
        mtls: isMeshed(pod?.labels ?? {}),
        ...(pod
          ? {
              serviceAccount: { namespace: pod.namespace, serviceAccount: pod.serviceAccount },
              workload: workloadMetadata(pod.workload.name, pod.namespace, pod.labels),
            }
          : {}),
      });
    }
  }
  return endpoints;
}

/** An ExternalName service has one endpoint: the name itself. */
export function endpointsOfExternalName(record: ServiceRecord): MeshEndpoint[] {
  if (!record.externalName) return [];
  return [
    {
      address: record.externalName,
      ports: Object.fromEntries(record.ports.map((port) => [port.name, port.port])),
      labels: {},
      locality: "",
      weight: 1,
      mtls: false,
    },
  ];
}
