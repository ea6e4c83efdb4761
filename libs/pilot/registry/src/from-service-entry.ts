import { canonicalHost, type PortProtocol, protocolByName } from "@xebec/model-names";
import { ineffectiveFields, keyOf, type Resource, type ServiceEntrySpec } from "@xebec/model-resources";
import { namedPort } from "./named-port.ts";
import type { MeshEndpoint, MeshService, Resolution } from "./service.ts";
import { endpointOfEntry } from "./workload.ts";

const RESOLUTIONS: Readonly<Record<string, Resolution>> = {
  NONE: "passthrough",
  STATIC: "eds",
  DNS: "dns",
  DNS_ROUND_ROBIN: "dns-round-robin",
  DYNAMIC_DNS: "dynamic-dns",
};

/** Translates a ServiceEntry: one service for each host (docs/reference/pilot.md §1.7). */
export function servicesFromEntry(resource: Resource<ServiceEntrySpec>): MeshService[] {
  const { spec } = resource;
  const unsupportedFields = ineffectiveFields("networking.istio.io", "ServiceEntry", spec);
  return [...new Set(spec.hosts.map(canonicalHost))].map((host) => ({
    id: entryServiceId(resource, host),
    host,
    namespace: resource.namespace,
    name: host,
    kubernetes: false,
    addresses: (spec.addresses ?? []).map((address) => address.replace(/\/(32|128)$/, "")),
    ports: (spec.ports ?? []).map((port) => ({
      name: port.name,
      number: port.number,
      protocol: entryProtocol(port.protocol),
      targetPort: port.targetPort ?? port.number,
    })),
    resolution: RESOLUTIONS[spec.resolution ?? "NONE"] ?? "passthrough",
    headless: false,
    external: spec.location !== "MESH_INTERNAL",
    exportTo: spec.exportTo ?? [],
    subjectAltNames: spec.subjectAltNames ?? [],
    ...(spec.workloadSelector?.labels && Object.keys(spec.workloadSelector.labels).length > 0
      ? { selector: spec.workloadSelector.labels }
      : {}),
    created: resource.creationTimestamp ?? "",
    configKeys: [keyOf(resource)],
    ...(unsupportedFields.length > 0 ? { unsupportedFields } : {}),
  }));
}

/** The endpoints of every host of a ServiceEntry; DNS without endpoints means the host itself. */
export function endpointsFromEntry(resource: Resource<ServiceEntrySpec>, host: string): MeshEndpoint[] {
  const { spec } = resource;
  const ports = spec.ports ?? [];
  const isDns = spec.resolution === "DNS" || spec.resolution === "DNS_ROUND_ROBIN";
  if (spec.resolution === undefined || spec.resolution === "NONE" || spec.resolution === "DYNAMIC_DNS") return [];
  const given = spec.endpoints ?? [];
  if (given.length === 0) return isDns && !spec.workloadSelector ? [plainEndpoint(host, portNumbers(ports, {}))] : [];
  return given.map((endpoint) => ({
    ...endpointOfEntry(endpoint, resource.namespace),
    ports: portNumbers(ports, endpoint.ports ?? {}),
  }));
}

/** Port precedence: the endpoint's own port of that name, targetPort, the service's number. */
function portNumbers(
  ports: NonNullable<ServiceEntrySpec["ports"]>,
  own: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    ports.map((port) => [port.name, namedPort(own, port.name) ?? port.targetPort ?? port.number]),
  );
}

function plainEndpoint(address: string, ports: Record<string, number>): MeshEndpoint {
  return { address, ports, labels: {}, locality: "", weight: 1, mtls: false };
}

function entryProtocol(text: string | undefined): PortProtocol {
  return (text && protocolByName(text)) || "Auto";
}

/** The id of one host of a ServiceEntry; two entries for the same host in a namespace stay apart. */
export function entryServiceId(resource: Pick<Resource, "namespace" | "name">, host: string): string {
  return `${host}@${resource.namespace}/${resource.name}`;
}
