import { isIPv4, isIPv6 } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { type NameTable_NameInfo, NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";

/** Where a workload stands, which decides what short names mean. */
export interface Viewpoint {
  readonly namespace: string;
  /** The node's DNS domain, `default.svc.cluster.local`. */
  readonly domain: string;
  /** Search domains of the workload's resolver. */
  readonly search: readonly string[];
}

/** The addresses of a host. */
export interface HostAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** A host that was found. */
export interface FoundName extends HostAddresses {
  /** The name of the table's host, where the question has a search domain behind it: the answer leads there. */
  readonly alias?: string;
}

/** The names that a workload can look up. */
export interface NameTable {
  /** How many names there are. */
  readonly size: number;
  /** @param name in lower case, without a dot at its end @returns undefined for one that the mesh does not have */
  find(name: string): FoundName | undefined;
}

/**
 * Reads a table of names as pilot serves it. A Kubernetes service is found by its short forms, too: `web` in its own namespace, `web.shop`,
 * `web.shop.svc`. A name with the first search domain behind it leads to the host: clients ask for that first.
 * @throws Error when the bytes are no NameTable
 */
export function readNameTable(bytes: Uint8Array, viewpoint: Viewpoint): NameTable {
  const hosts = new Map<string, HostAddresses>();
  for (const [host, info] of Object.entries(fromBinary(NameTableSchema, bytes).table)) {
    const addresses = { ipv4: info.ips.filter((each) => isIPv4(each)), ipv6: info.ips.filter((each) => isIPv6(each)) };
    if (addresses.ipv4.length + addresses.ipv6.length === 0) continue;
    for (const name of namesOf(host, info, viewpoint)) hosts.set(name, addresses);
  }
  const [first] = viewpoint.search;
  return {
    size: hosts.size,
    find(name) {
      const found = hosts.get(name) ?? wildcard(hosts, name);
      if (found || !first || !name.endsWith(`.${first}`)) return found;
      const alias = name.slice(0, -first.length - 1);
      const host = hosts.get(alias) ?? wildcard(hosts, alias);
      return host && { ...host, alias };
    },
  };
}

function wildcard(hosts: ReadonlyMap<string, HostAddresses>, name: string): HostAddresses | undefined {
  for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) {
    const found = hosts.get(`*${name.slice(at)}`);
    if (found) return found;
  }
  return undefined;
}

function* namesOf(host: string, info: NameTable_NameInfo, { namespace, domain }: Viewpoint): Iterable<string> {
  const full = host.toLowerCase().replace(/\.$/, "");
  yield full;
  const parts = domain.toLowerCase().split(".");
  const suffix = parts[0] === namespace ? parts.slice(1) : parts;
  // Of a service in another domain, the short forms may be those of another service.
  if (info.registry !== "Kubernetes" || !full.endsWith(`.${suffix.join(".")}`)) return;
  const name = info.shortname.toLowerCase();
  yield `${name}.${info.namespace}`;
  yield `${name}.${info.namespace}.${suffix[0]}`;
  if (info.namespace === namespace) yield name;
}
