import { enumeration, field, list, message, required, type Static, string } from "@xebec/model-schema";
import { ExportTo, Labels, port } from "../shared/shapes.ts";
import { WorkloadEntrySpec } from "../workload-entry/schema.ts";

const ServicePort = message("ServicePort", {
  number: required(port(), "The number of the port."),
  name: required(string({ minLength: 1 }), "The name of the port, which must be unique in the ServiceEntry."),
  protocol: field(string(), "HTTP, HTTP2, GRPC, GRPC-Web, HTTPS, TLS, TCP, Mongo, Redis or MySQL.", { default: "TCP" }),
  targetPort: field(port(), "The port of the endpoints.", { defaultText: "`number`" }),
});

const Resolution = enumeration(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"]);

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
    "How the address of an endpoint is found: it is the one that was called, it is listed, or its name is looked up in DNS. DNS_ROUND_ROBIN takes only the first address of an answer. DYNAMIC_DNS looks up the host that a request, or a TLS handshake, names: for wildcards.",
    { default: "NONE" },
  ),
  endpoints: field(
    list(WorkloadEntrySpec),
    "The endpoints. With resolution DNS the hosts themselves are looked up without them.",
  ),
  workloadSelector: field(
    message("WorkloadSelector", { labels: field(Labels, "A workload is selected when it has all of these labels.") }),
    "Selects WorkloadEntries and pods of the object's own namespace as endpoints. Not beside `endpoints`; needs resolution STATIC or DNS.",
  ),
  subjectAltNames: field(list(string()), "Identities, one of which an endpoint's certificate must have."),
  exportTo: field(ExportTo, "Namespaces that see the service: `.` is the object's own, `*` all, `~` none.", {
    default: ["*"],
  }),
});
export type ServiceEntrySpec = Static<typeof ServiceEntrySpec>;
