import { labelsMatch } from "@xebec/model-names";
import type { EndpointsRecord, PodRecord, ServiceRecord, WorkloadRecord } from "@xebec/model-workloads";
import type { AddressPlan, ServiceName } from "./address-plan.ts";
import type { KubeService } from "./manifest-objects.ts";
import { type ReplicaCounts, replicasOf } from "./replicas.ts";

const DOMAIN = "cluster.local";
export const SYSTEM_NAMESPACE = "istio-system";

/** The records of a service and its endpoints, as Kubernetes' controllers compute them from service and pods. */
export function serviceRecords(service: KubeService, pods: readonly PodRecord[]): WorkloadRecord[] {
  const { name, namespace } = service.metadata;
  const record: ServiceRecord = {
    type: "service",
    namespace,
    name,
    hostname: `${name}.${namespace}.svc.${DOMAIN}`,
    addresses: [],
    ...(service.headless ? { headless: true } : {}),
    ...(service.externalName ? { externalName: service.externalName } : {}),
    ...(service.externalIps ? { externalAddresses: service.externalIps } : {}),
    ports: service.ports.map((port) => ({ ...port })),
    selector: service.selector,
    labels: service.metadata.labels,
    annotations: service.metadata.annotations,
  };
  if (Object.keys(service.selector).length === 0) return [record];
  const members = pods.filter((pod) => pod.namespace === namespace && labelsMatch(service.selector, pod.labels));
  const endpoints: EndpointsRecord = {
    type: "endpoints",
    namespace,
    name,
    subsets: members.map((pod) => ({
      addresses: [{ ip: pod.ip, ready: pod.ready, pod: `${pod.namespace}/${pod.name}` }],
      ports: service.ports.flatMap((port) => {
        const number =
          typeof port.targetPort === "number"
            ? port.targetPort
            : pod.ports.find((each) => each.name === port.targetPort)?.containerPort;
        return number === undefined ? [] : [{ name: port.name, port: number }];
      }),
    })),
  };
  return [record, endpoints];
}

/**
 * The control plane as services of the mesh, so that proxies reach Mixer by its usual name: at each of its copies. Those of pilot share
 * one address.
 * @param monolith all services are in each copy of `istiod`
 */
export function controlPlaneRecords(plan: AddressPlan, monolith = false, counts: ReplicaCounts = {}): WorkloadRecord[] {
  return CONTROL_PLANE.flatMap(({ name, service, ports }) => {
    const record: ServiceRecord = {
      type: "service",
      namespace: SYSTEM_NAMESPACE,
      name,
      hostname: `${name}.${SYSTEM_NAMESPACE}.svc.${DOMAIN}`,
      addresses: [],
      ports: ports.map(([portName, port]) => ({ name: portName, port, targetPort: port, protocol: "TCP" })),
    };
    const endpoints: EndpointsRecord = {
      type: "endpoints",
      namespace: SYSTEM_NAMESPACE,
      name,
      subsets: [
        {
          addresses: replicasOf(counts, isMixer(service) && monolith ? "istiod" : service)
            .slice(0, isMixer(service) ? undefined : 1)
            .map((replica) => ({ ip: plan.service(service, replica), ready: true })),
          ports: ports.map(([portName, port]) => ({ name: portName, port })),
        },
      ],
    };
    return [record, endpoints];
  });
}

function isMixer(service: ServiceName): boolean {
  return service === "mixer-policy" || service === "mixer-telemetry";
}

const CONTROL_PLANE: readonly { name: string; service: ServiceName; ports: readonly (readonly [string, number])[] }[] =
  [
    {
      name: "istio-pilot",
      service: "pilot",
      ports: [
        ["grpc-xds", 15010],
        ["http-debug", 8080],
        ["http-monitoring", 15014],
      ],
    },
    {
      name: "istio-citadel",
      service: "citadel",
      ports: [["http-monitoring", 15014]],
    },
    { name: "istio-galley", service: "galley", ports: [["http-monitoring", 15014]] },
    { name: "istio-sidecar-injector", service: "sidecar-injector", ports: [["http-monitoring", 15014]] },
    {
      name: "istio-policy",
      service: "mixer-policy",
      ports: [
        ["grpc-mixer", 9091],
        ["http-monitoring", 15014],
      ],
    },
    {
      name: "istio-telemetry",
      service: "mixer-telemetry",
      ports: [
        ["grpc-mixer", 9091],
        ["http-monitoring", 15014],
        ["http-prometheus", 42422],
      ],
    },
  ];
