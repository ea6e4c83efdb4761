import type { ServicePort, ServiceRecord } from "@xebec/model-workloads";
import type { KubeObject } from "@xebec/platform-kube";

interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly externalIPs?: readonly string[];
  readonly externalName?: string;
  readonly trafficDistribution?: string;
  readonly internalTrafficPolicy?: "Cluster" | "Local";
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort?: number | string;
    readonly protocol?: ServicePort["protocol"];
    readonly appProtocol?: string;
    readonly nodePort?: number;
  }[];
}

interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
}

/** Annotations of Istio's; others may be large, and change often. */
const READ = /(?:^|\.)istio\.io\//;

/**
 * Translates a Service (docs/reference/pilot.md §1.6).
 * @param domain DNS suffix: `cluster.local`
 */
export function serviceRecordOf({ metadata, ...object }: KubeObject, domain: string): ServiceRecord {
  const spec = (object.spec ?? {}) as ServiceSpec;
  const { loadBalancer } = (object.status ?? {}) as ServiceStatus;
  const { name, namespace = "", labels, creationTimestamp } = metadata;
  const isHeadless = spec.clusterIP === "None";
  const isExternal = spec.type === "ExternalName";
  const addresses = [...new Set(spec.clusterIPs ?? [spec.clusterIP ?? ""])].filter((each) => each && each !== "None");
  const external = [
    ...(spec.externalIPs ?? []),
    ...(loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []),
  ];
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => READ.test(key));
  return {
    ...{ type: "service", namespace, name, hostname: `${name}.${namespace}.svc.${domain}` },
    addresses: isExternal ? [] : addresses,
    ...(isHeadless ? { headless: true } : {}),
    ...(external.length > 0 ? { externalAddresses: [...new Set(external)] } : {}),
    ...(isExternal && spec.externalName ? { externalName: spec.externalName } : {}),
    ports: (spec.ports ?? []).map(
      ({ name: portName = "", port, targetPort, protocol = "TCP", appProtocol, nodePort }) => ({
        ...{ name: portName, port, targetPort: targetPort ?? port, protocol },
        ...(appProtocol ? { appProtocol } : {}),
        ...(nodePort ? { nodePort } : {}),
      }),
    ),
    ...(spec.selector && !isExternal ? { selector: spec.selector } : {}),
    ...(labels ? { labels } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
    ...(spec.internalTrafficPolicy === "Local" ? { internalTrafficPolicy: "Local" } : {}),
    ...(spec.trafficDistribution ? { trafficDistribution: spec.trafficDistribution } : {}),
    ...(creationTimestamp ? { creationTimestamp } : {}),
  };
}
