/** Istio's names of Envoy clusters, a de-facto API of dashboards and tools (docs/reference/pilot.md §4). */

/** `outbound|9080|v1|reviews.default.svc.cluster.local` */
export function outboundCluster(port: number, subset: string, host: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** `inbound|9080||` */
export function inboundCluster(port: number): string {
  return `inbound|${port}||`;
}

/** The server name of a mutual TLS connection: `outbound_.9080_.v1_.reviews.default.svc.cluster.local`. */
export function sniOf(port: number, subset: string, host: string): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

/** Takes the server name of a mutual TLS connection apart; undefined when it is none. */
export function parseSni(name: string): { port: number; subset: string; host: string } | undefined {
  const [direction, port = "", subset = "", host, ...more] = name.split("_.");
  if (direction !== "outbound" || !host || more.length > 0) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return undefined;
  return { port: Number(port), subset, host };
}

/** Takes a cluster name apart; undefined when it is none of Istio's. */
export function parseCluster(
  name: string,
): { direction: "inbound" | "outbound"; port: number; subset: string; host: string } | undefined {
  const match = /^(inbound|outbound)\|([1-9]\d{0,4})\|([^|]*)\|([^|]*)$/.exec(name);
  const [, direction, port, subset = "", host = ""] = match ?? [];
  if (!match || Number(port) > 65_535) return undefined;
  return { direction: direction as "inbound" | "outbound", port: Number(port), subset, host };
}
