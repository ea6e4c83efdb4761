import { field, map, message, type Static, string, uint32 } from "@xebec/model-schema";
import { Labels, port } from "../shared/shapes.ts";

/** A workload outside of the platform: an object of its own, an endpoint of a ServiceEntry, and the template of a WorkloadGroup. */
export const WorkloadEntrySpec = message("WorkloadEntry", {
  address: field(
    string(),
    "An IP address; for services with resolution DNS a DNS name, with resolution STATIC also `unix:///PATH`. Absent only for an endpoint behind the gateway of another network.",
  ),
  ports: field(map(port()), "Ports of the endpoint by the names of the service's ports.", {
    defaultText: "`targetPort` of the port, or its number",
  }),
  labels: field(Labels, "Labels, by which services select the workload, and subsets choose."),
  network: field(
    string(),
    "The network where the endpoint is. Proxies of other networks call it through a gateway of its network, by mutual TLS.",
  ),
  locality: field(string(), "`REGION/ZONE/SUBZONE` of the endpoint."),
  weight: field(uint32(), "The share of the traffic, relative to other endpoints.", { default: 1 }),
  serviceAccount: field(
    string(),
    "The service account of the workload, from which its identity for mutual TLS is made.",
  ),
});
export type WorkloadEntrySpec = Static<typeof WorkloadEntrySpec>;
