import { escapeLine } from "@xebec/core-log";
import { spiffeId } from "@xebec/model-names";
import { namedPort } from "@xebec/pilot-registry";
import type { DebugSource } from "./debug-source.ts";

/** The endpoints of every service, for `/debug/endpointz`. @param brief one line of text each, as Istio 1.1 */
export function endpointStatus(server: DebugSource, brief: boolean): unknown {
  const snapshot = server.generator?.snapshot;
  if (!snapshot) return brief ? "" : [];
  const services = [...snapshot.services.values()].flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  const all = services.flatMap((service) =>
    service.ports.map((port) => ({
      svc: `${service.host}:${port.name}`,
      ep: (snapshot.endpoints.get(service.id) ?? [])
        .filter((endpoint) => namedPort(endpoint.ports, port.name) !== undefined)
        .map((endpoint) => ({
          endpoint: {
            Address: endpoint.address,
            Port: namedPort(endpoint.ports, port.name),
            ServicePort: { name: port.name, port: port.number, protocol: port.protocol },
            Locality: endpoint.locality,
            LbWeight: endpoint.weight,
          },
          labels: endpoint.labels,
          serviceaccount: endpoint.serviceAccount
            ? spiffeId({ trustDomain: snapshot.mesh.trustDomain, ...endpoint.serviceAccount })
            : "",
        })),
    })),
  );
  if (!brief) return all;
  const lines = all.flatMap(({ svc, ep }) =>
    ep.map(
      (each) =>
        `${svc} TCP ${each.endpoint.Address}:${each.endpoint.Port} ${JSON.stringify(each.labels)} ${each.serviceaccount}`,
    ),
  );
  return `${lines.map(escapeLine).join("\n")}\n`;
}
