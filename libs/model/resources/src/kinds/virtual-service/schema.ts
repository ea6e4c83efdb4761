import { anything, field, list, message, type Static, string } from "@xebec/model-schema";
import { ExportTo } from "../shared/shapes.ts";
import { HttpRoute } from "./http-route.ts";
import { TcpRoute, TlsRoute } from "./l4-route.ts";

export const VirtualServiceSpec = message("VirtualService", {
  hosts: field(
    list(string({ minLength: 1 })),
    "The hosts for which the rules are: names of services as in a destination, or any other DNS names, also with a wildcard as their first label. A VirtualService without hosts is a delegate: others take its rules over.",
  ),
  gateways: field(
    list(string({ minLength: 1 })),
    "Where the rules are for: Gateways as `NAMESPACE/NAME` or, in the same namespace, `NAME`, and `mesh` for all sidecars.",
    { default: ["mesh"] },
  ),
  http: field(
    list(HttpRoute),
    "Rules for HTTP; the first one that matches a request is taken. One of `http`, `tls` and `tcp` is required.",
  ),
  tls: field(list(TlsRoute), "Rules for TLS connections that the proxy does not terminate, by server name."),
  tcp: field(list(TcpRoute), "Rules for all other connections."),
  exportTo: field(ExportTo, "Namespaces that see the object: `.` is its own, `*` all.", { default: ["*"] }),
  configScope: field(anything(), "The form of `exportTo` before Istio 1.1.", { noEffect: "write exportTo" }),
});
export type VirtualServiceSpec = Static<typeof VirtualServiceSpec>;
