/** Host rules of Istio's configuration (docs/reference/pilot.md §1.3). */

/**
 * Makes a host of a configuration object fully qualified: a name without dot belongs to the object's namespace; `*`,
 * wildcards, addresses and names with a dot stay.
 * @param domain the cluster's domain, `cluster.local`
 */
export function resolveShortName(host: string, namespace: string, domain: string): string {
  if (host === "*" || host.includes(".") || host.includes(":") || host.startsWith("*")) return host;
  return `${host}.${namespace}.svc.${domain}`;
}

/** Lower case, without the dot at the end. */
export function canonicalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

/** True when the (wildcard) pattern `wide` covers every name that `narrow` covers. */
export function hostCovers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === "*") return true;
  if (!wide.startsWith("*")) return false;
  const suffix = wide.slice(1);
  return narrow.startsWith("*") ? narrow.slice(1).endsWith(suffix) : narrow.endsWith(suffix);
}

/** True when two hosts, either of which may be a wildcard, have a name in common. */
export function hostsOverlap(a: string, b: string): boolean {
  return hostCovers(a, b) || hostCovers(b, a);
}

/** The narrower of two overlapping hosts; undefined when they do not overlap. */
export function narrowerHost(a: string, b: string): string | undefined {
  if (hostCovers(a, b)) return b;
  if (hostCovers(b, a)) return a;
  return undefined;
}
