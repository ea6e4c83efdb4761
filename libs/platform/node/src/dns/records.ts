import type { EndpointSlice, Pod, Service } from "../api/types.ts";
import { type Answer, TYPE } from "./message.ts";

/** What names are made of. */
export interface DnsSource {
  /** `cluster.local`. */
  readonly domain: string;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  serviceOf(ip: string): Service | undefined;
  podOf(ip: string): Pod | undefined;
}

/**
 * Answers by Kubernetes' DNS specification, version 1.1.0: Services, headless ones, their named ports, endpoints with a host name,
 * pods by address, and addresses backwards.
 * @returns undefined when the name does not exist; empty when it has no record of that type
 */
export function lookUp(name: string, type: number, source: DnsSource): readonly Answer[] | undefined {
  const backwards = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (backwards) return pointer(name, backwards.slice(1, 5).reverse().join("."), type, source);
  const { domain } = source;
  if (name === domain || name === `svc.${domain}`) return [];
  if (!name.endsWith(`.${domain}`)) return undefined;
  const labels = name.slice(0, -domain.length - 1).split(".");
  const kind = labels.pop();
  if (kind === "pod") {
    const [address = "", namespace] = labels;
    const ip = address.replaceAll("-", ".");
    if (labels.length !== 2 || !namespace || !/^\d+\.\d+\.\d+\.\d+$/.test(ip)) return undefined;
    return wants(type, TYPE.A) ? [{ name, type: TYPE.A, address: ip }] : [];
  }
  if (kind !== "svc" || labels.length < 2) return labels.length < 2 && kind === "svc" ? [] : undefined;
  const namespace = labels.pop() as string;
  const serviceName = labels.pop() as string;
  const service = source.service(namespace, serviceName);
  if (!service) return undefined;
  return ofService(name, labels, type, service, source);
}

function ofService(
  name: string,
  labels: readonly string[],
  type: number,
  service: Service,
  source: DnsSource,
): readonly Answer[] | undefined {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName")
    return labels.length > 0
      ? undefined
      : [{ name, type: TYPE.CNAME, target: (spec.externalName ?? "").replace(/\.$/, "") }];
  const host = `${metadata.name}.${metadata.namespace}.svc.${source.domain}`;
  const headless = spec.clusterIP === "None";
  const endpoints = headless ? endpointsOf(service, source) : [];
  const [first, second] = labels;
  if (first?.startsWith("_") && second?.startsWith("_") && labels.length === 2) {
    const ports = headless
      ? endpoints.flatMap((each) => each.ports.map((port) => ({ ...port, target: `${each.host}.${host}` })))
      : (spec.ports ?? []).map((port) => ({ ...port, target: host }));
    const found = ports.filter(
      (each) => each.name === first.slice(1) && (each.protocol ?? "TCP").toLowerCase() === second.slice(1),
    );
    if (found.length === 0) return undefined;
    return wants(type, TYPE.SRV)
      ? found.map(({ port, target }) => ({ name, type: TYPE.SRV, port: port ?? 0, target }))
      : [];
  }
  if (labels.length > 1) return undefined;
  if (first !== undefined) {
    const found = endpoints.filter((each) => each.host === first);
    if (found.length === 0) return undefined;
    return wants(type, TYPE.A) ? found.map(({ ip }) => ({ name, type: TYPE.A, address: ip })) : [];
  }
  if (!headless) return wants(type, TYPE.A) && spec.clusterIP ? [{ name, type: TYPE.A, address: spec.clusterIP }] : [];
  if (endpoints.length === 0) return undefined;
  const addresses = [...new Set(endpoints.map(({ ip }) => ip))];
  return wants(type, TYPE.A) ? addresses.map((address) => ({ name, type: TYPE.A, address })) : [];
}

function endpointsOf({ metadata, spec }: Service, source: DnsSource) {
  return source
    .slices(metadata.namespace ?? "", metadata.name)
    .flatMap(({ addressType, endpoints, ports }) =>
      addressType === "IPv4"
        ? (endpoints ?? [])
            .filter(({ conditions }) => conditions?.ready !== false || spec.publishNotReadyAddresses === true)
            .flatMap(({ addresses, hostname }) =>
              addresses.map((ip) => ({ ip, host: hostname ?? ip.replaceAll(".", "-"), ports: ports ?? [] })),
            )
        : [],
    );
}

function pointer(name: string, ip: string, type: number, source: DnsSource): readonly Answer[] | undefined {
  const service = source.serviceOf(ip);
  const pod = service ? undefined : source.podOf(ip);
  const owner = service ?? pod;
  if (!owner) return undefined;
  if (!wants(type, TYPE.PTR)) return [];
  const { namespace } = owner.metadata;
  const target = service
    ? `${service.metadata.name}.${namespace}.svc.${source.domain}`
    : `${ip.replaceAll(".", "-")}.${namespace}.pod.${source.domain}`;
  return [{ name, type: TYPE.PTR, target }];
}

function wants(asked: number, has: number): boolean {
  return asked === has || asked === TYPE.ANY;
}
