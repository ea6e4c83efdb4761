import { labelsMatch } from "@xebec/model-names";
import { namedPort } from "./named-port.ts";
import type { MeshEndpoint, MeshPort } from "./service.ts";
import type { Workload } from "./workload.ts";

type Labels = Readonly<Record<string, string>>;

/** The workloads of all namespaces, and who is told when some come or go. */
export class Workloads {
  readonly #byNamespace = new Map<string, Map<string, Workload>>();

  /** @param name of the workload within its namespace. @returns what was there before */
  replace(namespace: string, name: string, after: Workload | undefined): Workload | undefined {
    const list = this.#byNamespace.get(namespace);
    const before = list?.get(name);
    if (after) {
      if (list) list.set(name, after);
      else this.#byNamespace.set(namespace, new Map([[name, after]]));
    } else if (list?.delete(name) && list.size === 0) this.#byNamespace.delete(namespace);
    return before;
  }

  /** Those of a namespace that have all labels of a selector, in the order of their names. */
  selected(namespace: string, selector: Labels): Workload[] {
    const found = [...(this.#byNamespace.get(namespace)?.values() ?? [])].filter((each) =>
      labelsMatch(selector, each.labels),
    );
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** How Envoy looks for the endpoints of a service. */
export interface Lookup {
  /** Names are looked up in DNS. */
  readonly dns: boolean;
}

/** True for a workload that such a service can reach: a name needs DNS, and a socket cannot be looked up. */
export function isReachable({ endpoint: { address } }: Workload, { dns }: Lookup): boolean {
  if (address.startsWith("unix://")) return !dns;
  return dns || address === "" || /^[\d.]+$|:/.test(address);
}

/** The endpoint that a workload is for a ServiceEntry: a port of its own of that name, else targetPort, else the number. */
export function endpointForEntry(workload: Workload, ports: readonly MeshPort[]): MeshEndpoint {
  return {
    ...workload.endpoint,
    ports: Object.fromEntries(
      ports.map((port) => [port.name, namedPort(workload.ports, port.name) ?? Number(port.targetPort)]),
    ),
  };
}

/**
 * The endpoint that a WorkloadEntry is for a Kubernetes service: a port whose name is the target port's, which it must have where
 * the target port is a name, or the service port's; else the target port.
 */
export function endpointForService(workload: Workload, ports: readonly MeshPort[]): MeshEndpoint {
  const numbers = ports.flatMap((port): [string, number][] => {
    const { targetPort } = port;
    const found =
      typeof targetPort === "string"
        ? namedPort(workload.ports, targetPort)
        : (namedPort(workload.ports, port.name) ?? targetPort);
    return found === undefined ? [] : [[port.name, found]];
  });
  return { ...workload.endpoint, ports: Object.fromEntries(numbers) };
}
