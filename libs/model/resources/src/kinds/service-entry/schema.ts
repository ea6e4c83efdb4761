import { enumeration, field, list, map, message, required, type Static, string, uint32 } from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";
import { ExportTo, Labels, port } from "../shared/shapes.ts";

const Endpoint = message("WorkloadEntry", {
  address: field(
    string(),
    "An IP address, a DNS name with resolution DNS, or `unix:///PATH` with resolution STATIC. Absent only for an endpoint behind the gateway of another network.",
  ),
  ports: field(map(port()), "Ports of the endpoint by the names of the ServiceEntry's ports.", {
    defaultText: "`targetPort` of the port, or its number",
  }),
  labels: field(Labels, "Labels, by which subsets choose."),
  network: field(string(), "The network where the endpoint is.", {
    noEffect: NOT_YET,
  }),
  locality: field(string(), "`REGION/ZONE/SUBZONE` of the endpoint."),
  weight: field(uint32(), "The share of the traffic, relative to other endpoints.", { default: 1 }),
  serviceAccount: field(
    string(),
    "The service account of the workload, from which its identity for mutual TLS is made.",
  ),
});

const ServicePort = message("ServicePort", {
  number: required(port(), "The number of the port."),
  name: required(string({ minLength: 1 }), "The name of the port, which must be unique in the ServiceEntry."),
  protocol: field(string(), "HTTP, HTTP2, GRPC, GRPC-Web, HTTPS, TLS, TCP, Mongo, Redis or MySQL.", { default: "TCP" }),
  targetPort: field(port(), "The port of the endpoints.", { defaultText: "`number`" }),
});

const Resolution = enumeration(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"], {
  unsupported: { DYNAMIC_DNS: "" },
});

export const ServiceEntrySpec = message("ServiceEntry", {
  hosts: required(list(string({ minLength: 1 }), { minItems: 1 }), "The hosts of the service, also with a wildcard."),
  addresses: field(list(string({ minLength: 1 })), "Virtual IP addresses or networks by which the service is called."),
  ports: field(list(ServicePort), "The ports of the service."),
  location: field(
    enumeration(["MESH_EXTERNAL", "MESH_INTERNAL"]),
    "Whether the service is part of the mesh; only then its endpoints can be called by mutual TLS.",
    { default: "MESH_EXTERNAL" },
  ),
  resolution: field(
    Resolution,
    "How the address of an endpoint is found: it is the one that was called, it is listed, or its name is looked up in DNS. DNS_ROUND_ROBIN takes only the first address of an answer.",
    { default: "NONE" },
  ),
  endpoints: field(
    list(Endpoint),
    "The endpoints. With resolution DNS the hosts themselves are looked up without them.",
  ),
  workloadSelector: field(
    message("WorkloadSelector", { labels: field(Labels, "Labels of the workloads.") }),
    "Selects workloads as endpoints. Refused: workloads cannot be selected yet.",
  ),
  subjectAltNames: field(list(string()), "Identities, one of which an endpoint's certificate must have."),
  exportTo: field(ExportTo, "Namespaces that see the service: `.` is the object's own, `*` all, `~` none.", {
    default: ["*"],
  }),
});
export type ServiceEntrySpec = Static<typeof ServiceEntrySpec>;
