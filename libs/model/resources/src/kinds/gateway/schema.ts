import { field, list, message, required, type Static, string, uint32 } from "@xebec/model-schema";
import { Labels, port } from "../shared/shapes.ts";
import { ServerTls } from "./server-tls.ts";

const Port = message("Port", {
  number: field(
    uint32({ maximum: 65_535 }),
    "The port of the gateway's Service, or the one where the gateway listens. Required, unless `bind` is a Unix socket.",
  ),
  protocol: required(
    string({ minLength: 1 }),
    "The protocol: HTTP, HTTP2, GRPC, GRPC-Web; HTTPS, TLS; TCP, Mongo, MySQL, Redis. HTTP/3 is not served.",
  ),
  name: field(string(), "A name, which must be unique in the Gateway. Required."),
  targetPort: field(port(), "Must be left out: a Gateway has no port of a pod."),
});

const Server = message("Server", {
  port: required(Port, "Where the server listens."),
  bind: field(string(), "The IP address where the server listens, or `unix:///PATH`.", {
    defaultText: "all addresses of the gateway",
  }),
  hosts: required(
    list(string({ minLength: 1 }), { minItems: 1 }),
    "Hosts that are served, also with a wildcard. `NAMESPACE/HOST` takes VirtualServices of that namespace only; `.` is the Gateway's own.",
  ),
  tls: field(ServerTls, "TLS of the server. For protocol HTTP only `httpsRedirect` is possible."),
  defaultEndpoint: field(string(), "Where traffic goes that no VirtualService takes.", {
    noEffect: "has no effect at a Gateway, as in Istio; write a VirtualService",
  }),
  name: field(string(), "A name for the server."),
});
export type GatewayServer = Static<typeof Server>;

export const GatewaySpec = message("Gateway", {
  selector: field(Labels, "Gateway proxies that have all of these labels serve it.", {
    defaultText: "all gateway proxies",
  }),
  servers: required(list(Server, { minItems: 1 }), "The servers: ports, protocols and hosts."),
});
export type GatewaySpec = Static<typeof GatewaySpec>;
