/** What of a service stands in statistics. */
interface NamedService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

interface Named {
  readonly port: { readonly number: number; readonly name: string };
  readonly subset?: string;
  readonly targetPort?: number;
}

/**
 * The name of a cluster in statistics (docs/reference/pilot.md §3.13).
 * @param pattern with variables; empty for the cluster's own name
 */
export function statName(pattern: string, cluster: string, service: NamedService, of: Named): string {
  if (!pattern) return cluster;
  const { host, name, namespace } = service;
  const values: Readonly<Record<string, string>> = {
    SERVICE: host.startsWith(`${name}.${namespace}.`) ? `${name}.${namespace}` : host,
    SERVICE_NAME: name,
    SERVICE_FQDN: host,
    SERVICE_PORT: String(of.port.number),
    SERVICE_PORT_NAME: of.port.name,
    SUBSET_NAME: of.subset ?? "",
    TARGET_PORT: of.targetPort === undefined ? "" : String(of.targetPort),
  };
  return pattern.replace(/%([A-Z_]+)%/g, (whole, variable: string) => values[variable] ?? whole);
}
