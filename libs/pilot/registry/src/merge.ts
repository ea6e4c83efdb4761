import type { MeshEndpoint, MeshPort, MeshService, ServiceDefinition } from "./service.ts";

/**
 * Makes one service of the ServiceEntries of a host in a namespace, as today's Istio does (`canMergeServices`): those of the same
 * resolution that are exported alike. The oldest says everything but the ports, to which the others add; endpoints count for the
 * ports that have their port's name. A Kubernetes service of the host stays as it is, but for the endpoints that STATIC
 * ServiceEntries add to its ports.
 * @param definitions of one host in one namespace, the oldest first
 * @returns one for each service; a definition that is alone is the same object
 */
export function mergeDefinitions(definitions: readonly ServiceDefinition[]): ServiceDefinition[] {
  return groupsOf(definitions).map(([first, ...others]) => {
    if (others.length === 0) return first;
    const all = [first, ...others];
    const { service } = first;
    return {
      service: {
        ...service,
        ports: service.kubernetes ? service.ports : portsOf(all),
        configKeys: all.flatMap((each) => each.service.configKeys),
      },
      endpoints: endpointsOf(all),
    };
  });
}

/** What of a ServiceEntry's host does not come into effect beside the other definitions of the host, as `path: why`. */
export function unmergedParts(one: ServiceDefinition, definitions: readonly ServiceDefinition[]): string[] {
  if (one.service.kubernetes) return [];
  const group = groupsOf(definitions).find((each) => !each[0].service.kubernetes && each.includes(one)) ?? [one];
  const [first] = group;
  const found: string[] = [];
  const kubernetes = definitions.find(({ service }) => service.kubernetes);
  if (kubernetes) found.push(...besideKubernetes(one, kubernetes));
  else found.push(...besideOlder(first, definitions), ...insideGroup(one, group.slice(0, group.indexOf(one))));
  return found;
}

type Group = [ServiceDefinition, ...ServiceDefinition[]];

function groupsOf(definitions: readonly ServiceDefinition[]): Group[] {
  const groups: Group[] = [];
  for (const each of definitions) {
    if (each.addsOnly) continue;
    const group = groups.find(([first]) => canMerge(first.service, each.service));
    if (group) group.push(each);
    else groups.push([each]);
  }
  for (const group of groups) {
    if (!group[0].service.kubernetes) continue;
    group.push(
      ...definitions.filter(
        ({ service, addsOnly }) => addsOnly || (!service.kubernetes && addsEndpoints(service, group[0].service)),
      ),
    );
  }
  return groups;
}

function canMerge(a: MeshService, b: MeshService): boolean {
  return !a.kubernetes && !b.kubernetes && a.resolution === b.resolution && exports(a) === exports(b);
}

function addsEndpoints(entry: MeshService, kubernetes: MeshService): boolean {
  return entry.resolution === "eds" && kubernetes.resolution === "eds";
}

function exports({ exportTo, namespace }: MeshService): string {
  const names = exportTo.length === 0 ? ["*"] : exportTo.map((each) => (each === "." ? namespace : each));
  return [...new Set(names)].sort().join();
}

function portsOf(definitions: readonly ServiceDefinition[]): MeshPort[] {
  const ports = new Map<number, MeshPort>();
  const names = new Set<string>();
  for (const { service } of definitions)
    for (const port of service.ports) {
      // Endpoints tell ports apart by their names.
      if (ports.has(port.number) || names.has(port.name)) continue;
      ports.set(port.number, port);
      names.add(port.name);
    }
  return [...ports.values()];
}

/** A port of several endpoints with one address counts once; one that is looked up as a single name has the oldest's only. */
function endpointsOf(definitions: readonly ServiceDefinition[]): MeshEndpoint[] {
  const [{ service } = { service: undefined }] = definitions;
  const taken = new Set<string>();
  return definitions.flatMap(({ endpoints }) => {
    const own = new Set<string>();
    const kept = endpoints.flatMap((endpoint) => {
      const free = Object.entries(endpoint.ports).filter(([name, port]) => {
        const key = service?.resolution === "dns-round-robin" ? name : `${name} ${endpoint.address} ${port}`;
        own.add(key);
        return !taken.has(key);
      });
      if (free.length === 0) return [];
      return [
        free.length === Object.keys(endpoint.ports).length
          ? endpoint
          : { ...endpoint, ports: Object.fromEntries(free) },
      ];
    });
    for (const key of own) taken.add(key);
    return kept;
  });
}

function besideKubernetes({ service: own }: ServiceDefinition, { service }: ServiceDefinition): string[] {
  const name = `the Service ${service.namespace}/${service.name}`;
  if (!addsEndpoints(own, service))
    return [`spec.hosts: ${name} has ${own.host}; only STATIC endpoints are added to it`];
  const missing = own.ports.filter((port) => !service.ports.some((each) => each.name === port.name));
  return missing.map((port) => `spec.ports: ${name} has no port named ${port.name}; what is said of it has no effect`);
}

/** Nothing older merges with it: it holds only where no older one is seen. */
function besideOlder(one: ServiceDefinition, definitions: readonly ServiceDefinition[]): string[] {
  const older = definitions.slice(0, definitions.indexOf(one)).map(({ service }) => service);
  const [first] = older;
  if (!first) return [];
  const field = first.resolution === one.service.resolution ? "exportTo" : "resolution";
  return [
    `spec.${field}: differs from that of the older ${nameOf(first)}, which has ${first.host} alone; make them equal to merge both`,
  ];
}

function insideGroup({ service: own }: ServiceDefinition, older: readonly ServiceDefinition[]): string[] {
  const found: string[] = [];
  const [first] = older;
  if (!first) return found;
  const oldest = first.service;
  for (const [field, a, b] of [
    ["addresses", oldest.addresses, own.addresses],
    ["location", oldest.external, own.external],
    ["subjectAltNames", oldest.subjectAltNames, own.subjectAltNames],
  ] as const)
    if (JSON.stringify(a) !== JSON.stringify(b) && (!Array.isArray(b) || b.length > 0))
      found.push(`spec.${field}: that of the older ${nameOf(oldest)} holds for ${own.host}`);
  const ports = portsOf(older);
  if (own.resolution === "dns-round-robin")
    for (const { name } of own.ports)
      if (ports.some((each) => each.name === name))
        found.push(`spec.endpoints: those of the older ${nameOf(oldest)} hold for the port ${name} of ${own.host}`);
  for (const port of own.ports) {
    const known = ports.find((each) => each.number === port.number) ?? ports.find((each) => each.name === port.name);
    if (known && (known.number !== port.number || known.name !== port.name || known.protocol !== port.protocol))
      found.push(
        `spec.ports: ${port.number} ${port.name} ${port.protocol} has no effect beside ${known.number} ${known.name} ${known.protocol} of an older ServiceEntry for ${own.host}`,
      );
  }
  return found;
}

/** How messages name who defines a service: a ServiceEntry, or a platform registry, which has no object for it. */
function nameOf({ configKeys: [key], id }: MeshService): string {
  return key === undefined ? `service ${id} of a registry` : `ServiceEntry ${key.split("/").slice(2).join("/")}`;
}
