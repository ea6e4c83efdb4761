/** Host rules of Istio's configuration (spec/pilot.md §1.3). */

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

/**
 * Finds the most specific pattern that covers a host: the exact name, then the longest wildcard, `*` last.
 * @param patterns keyed by host pattern
 */
export function matchHost<T>(patterns: ReadonlyMap<string, T>, host: string): T | undefined {
  const exact = patterns.get(host);
  if (exact !== undefined) return exact;
  const rest = host.startsWith("*") ? host.slice(1) : host;
  for (let dot = rest.indexOf(".", host.startsWith("*") ? 1 : 0); dot !== -1; dot = rest.indexOf(".", dot + 1)) {
    const found = patterns.get(`*${rest.slice(dot)}`);
    if (found !== undefined) return found;
  }
  // Wildcards need not end at a dot (`*example.com`): look at the rest only when such a pattern can exist.
  let best: { length: number; value: T } | undefined;
  for (const [pattern, value] of patterns)
    if (pattern.startsWith("*") && pattern.length > 1 && pattern[1] !== "." && hostCovers(pattern, host))
      if (!best || pattern.length > best.length) best = { length: pattern.length, value };
  return best?.value ?? patterns.get("*");
}
