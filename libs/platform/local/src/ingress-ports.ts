import type { KubeService } from "./manifest-objects.ts";

type Ports = KubeService["ports"];

/** Where the ingress gateway is reached on this machine. */
export interface IngressPorts {
  /** In place of port 80 of its Service. */
  readonly http: number;
  /** In place of port 443. */
  readonly https: number;
}

/**
 * The ports of the ingress gateway's Service when its ports 80 and 443 are reached at other ports of this machine. A Gateway may name the port
 * that the gateway's container opens instead, as Istio's samples of today do: that leads to the same one. A Service without port 443 gets
 * it, so that a Gateway may have it.
 */
export function withIngressPorts(ports: Ports, { http, https }: IngressPorts): Ports {
  const secure = ports.some(({ port }) => port === 443)
    ? ports
    : [...ports, { name: "https", port: 443, targetPort: CONTAINER_HTTPS, protocol: "TCP" as const }];
  return withOpened(withOpened(secure, 80, http), 443, https);
}

/** The port that the gateway's container opens for port 443, in Istio's charts. */
const CONTAINER_HTTPS = 8443;

function withOpened(ports: Ports, number: number, at: number): Ports {
  const found = ports.find(({ port }) => port === number);
  if (!found) return ports;
  const opened = { ...found, targetPort: at };
  const changed = ports.map((each) => (each === found ? opened : each));
  const named = Number(found.targetPort);
  if (!Number.isInteger(named) || ports.some(({ port }) => port === named)) return changed;
  return [
    ...changed,
    { ...opened, name: `${found.name || (number === 80 ? "http" : "https")}-container`, port: named },
  ];
}
