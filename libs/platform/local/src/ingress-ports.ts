import type { KubeService } from "./manifest-objects.ts";

type Ports = KubeService["ports"];

/**
 * The ports of the ingress gateway's Service when its port 80 is reached at another port of this machine. A Gateway may name the port
 * that the gateway's container opens instead, as Istio's samples of today do: that leads to the same one.
 */
export function withIngressPort(ports: Ports, ingressPort: number): Ports {
  const web = ports.find(({ port }) => port === 80);
  if (!web) return ports;
  const opened = { ...web, targetPort: ingressPort };
  const changed = ports.map((each) => (each === web ? opened : each));
  const named = Number(web.targetPort);
  if (!Number.isInteger(named) || ports.some(({ port }) => port === named)) return changed;
  return [...changed, { ...opened, name: `${web.name || "http"}-container`, port: named }];
}
