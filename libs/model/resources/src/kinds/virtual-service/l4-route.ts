import { field, int32, list, message, required, type Static, string } from "@xebec/model-schema";
import { Destination, Labels, port } from "../shared/shapes.ts";

// Rules for TLS that is not terminated, and for TCP.

const match = {
  destinationSubnets: field(list(string()), "Addresses or networks, one of which was called."),
  port: field(port(), "The port that was called."),
  sourceLabels: field(Labels, "Labels that the client's workload has. Not for gateways."),
  sourceNamespace: field(string(), "The namespace of the client's workload. Not for gateways."),
  gateways: field(list(string()), "Gateways where the match is for, or `mesh` for sidecars.", {
    defaultText: "the gateways of the VirtualService",
  }),
  sourceSubnet: field(string(), "A network of clients.", {
    noEffect: "Istio has never had it; write sourceLabels or sourceNamespace",
  }),
};

const RouteDestination = message("RouteDestination", {
  destination: required(Destination, "The service that gets the connections."),
  weight: field(
    int32({ minimum: 0 }),
    "The share of the connections, relative to the sum of all weights of the route.",
    {
      defaultText: "all connections for a single destination, none beside others",
    },
  ),
});

const TlsMatch = message("TLSMatchAttributes", {
  sniHosts: required(
    list(string(), { minItems: 1 }),
    "Server names of the TLS handshake, also with a wildcard. Each must be covered by `hosts`.",
  ),
  ...match,
});

export const TlsRoute = message("TLSRoute", {
  match: required(list(TlsMatch, { minItems: 1 }), "The rule is for connections that fit one of these."),
  route: required(list(RouteDestination, { minItems: 1 }), "Where connections are forwarded to."),
});
export type TlsRoute = Static<typeof TlsRoute>;

export const TcpRoute = message("TCPRoute", {
  match: field(list(message("L4MatchAttributes", match)), "The rule is for connections that fit one of these.", {
    defaultText: "all connections",
  }),
  route: required(list(RouteDestination, { minItems: 1 }), "Where connections are forwarded to."),
});
export type TcpRoute = Static<typeof TcpRoute>;
