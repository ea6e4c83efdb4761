import {
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
  uint32,
  unsupported,
} from "@xebec/model-schema";
import { ConnectionPool } from "../destination-rule/connection-pool.ts";
import { Destination, Labels, port } from "../shared/shapes.ts";

const CaptureMode = enumeration(["DEFAULT", "IPTABLES", "NONE"]);

const PROTOCOL = "The protocol: HTTP, HTTP2, GRPC, GRPC-Web, HTTPS, TLS, TCP, Mongo, Redis, MySQL.";

const IngressPort = message("SidecarPort", {
  number: required(port(), "The port that other workloads call."),
  protocol: required(string({ minLength: 1 }), PROTOCOL),
  name: field(string(), "A name for the port."),
  targetPort: field(port(), "Must be left out: `defaultEndpoint` says where the workload listens."),
});

const EgressPort = message("SidecarPort", {
  number: required(uint32({ maximum: 65_535 }), "The port of the services that are called; 0 for a Unix socket."),
  protocol: required(string({ minLength: 1 }), PROTOCOL),
  name: field(string(), "A name for the port."),
  targetPort: field(port(), "Must be left out: it has no meaning here."),
});

const TlsVersion = enumeration(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);

const IngressTls = message(
  "ServerTLSSettings",
  {
    mode: field(
      enumeration(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]),
      "`SIMPLE`, or `MUTUAL` and `OPTIONAL_MUTUAL` with client certificates. `PASSTHROUGH` leaves TLS to the workload.",
      { default: "PASSTHROUGH" },
    ),
    serverCertificate: field(string(), "File in the proxy's container with the certificate."),
    privateKey: field(string(), "File in the proxy's container with the key of the certificate."),
    caCertificates: field(string(), "File in the proxy's container with the authorities of client certificates."),
    minProtocolVersion: field(TlsVersion, "The oldest version of TLS.", { default: "TLSV1_2" }),
    maxProtocolVersion: field(TlsVersion, "The newest version of TLS.", { default: "TLSV1_3" }),
    cipherSuites: field(list(string()), "Cipher suites of TLS up to 1.2.", { defaultText: "those of the mesh" }),
  },
  {
    unsupported: unsupported("", {
      httpsRedirect: "leave it out: a Sidecar's ingress has none",
      subjectAltNames: "leave it out: a Sidecar's ingress has none",
      credentialName: "write serverCertificate and privateKey",
      credentialNames: "write serverCertificate and privateKey",
      tlsCertificates: "write serverCertificate and privateKey",
      caCertCredentialName: "write caCertificates",
      caCrl: "leave it out",
      verifyCertificateSpki: "leave it out",
      verifyCertificateHash: "leave it out",
    }),
  },
);

const Ingress = message("IstioIngressListener", {
  port: required(IngressPort, "The port that is served. Ports that are not listed get no settings of a service."),
  bind: field(string(), "The address where the proxy listens.", {
    defaultText: "all addresses, or the pod's without traffic capture",
  }),
  captureMode: field(CaptureMode, "`NONE`: the proxy listens at the port itself; it is not captured.", {
    default: "DEFAULT",
  }),
  defaultEndpoint: field(
    string(),
    "Where the workload listens: `127.0.0.1:PORT`, `[::1]:PORT`, `0.0.0.0:PORT` and `[::]:PORT` for the pod's address, or `unix:///PATH`.",
    { defaultText: "the port that was called" },
  ),
  tls: field(IngressTls, "TLS of clients outside of the mesh, where PeerAuthentication says `DISABLE`."),
  connectionPool: field(ConnectionPool, "Limits of the connections to the workload.", {
    defaultText: "`inboundConnectionPool`, then that of the service's DestinationRule",
  }),
});
export type SidecarIngress = Static<typeof Ingress>;

const Egress = message("IstioEgressListener", {
  port: field(EgressPort, "The port that the listener is for.", {
    defaultText: "all ports that no other listener of the list has",
  }),
  bind: field(string(), "The address where the proxy listens, or `unix:///PATH`.", {
    defaultText: "as without a Sidecar; `127.0.0.1` with `captureMode: NONE`",
  }),
  captureMode: field(CaptureMode, "`NONE`: the proxy listens at the port itself; traffic is not captured.", {
    default: "DEFAULT",
  }),
  hosts: required(
    list(string({ minLength: 1 }), { minItems: 1 }),
    "Services and VirtualServices that are called, as `NAMESPACE/HOST`. The namespace may be `*`, `.` for the proxy's own, or `~` for none; the host may have a wildcard.",
  ),
});
export type SidecarEgress = Static<typeof Egress>;

const OutboundTrafficPolicy = message("OutboundTrafficPolicy", {
  mode: field(
    enumeration(["REGISTRY_ONLY", "ALLOW_ANY"]),
    "Whether destinations that `egress` does not cover are refused, or passed through.",
    { default: "REGISTRY_ONLY" },
  ),
  egressProxy: field(Destination, "The service that gets what would be passed through. Needs mode `ALLOW_ANY`."),
});

export const SidecarSpec = message(
  "Sidecar",
  {
    workloadSelector: field(
      message("WorkloadSelector", { labels: field(Labels, "A workload is selected when it has all of these labels.") }),
      "The workloads of the namespace that the object is for.",
      { defaultText: "all of the namespace; in the root namespace all that no other Sidecar is for" },
    ),
    ingress: field(list(Ingress), "The ports that the workload serves.", {
      defaultText: "those of the services that select it",
    }),
    egress: field(list(Egress), "The services that the workload calls.", { defaultText: "all: `*/*`" }),
    inboundConnectionPool: field(ConnectionPool, "Limits of the connections to the workload, for all ports.", {
      defaultText: "that of the service's DestinationRule",
    }),
    outboundTrafficPolicy: field(OutboundTrafficPolicy, "What happens to traffic to unknown destinations.", {
      defaultText: "that of the mesh configuration",
    }),
  },
  { unsupported: unsupported("localhost") },
);
export type SidecarSpec = Static<typeof SidecarSpec>;
