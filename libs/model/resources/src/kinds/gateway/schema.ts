import {
  bool,
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
  unsupported,
} from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";
import { Labels, port } from "../shared/shapes.ts";

const PLAINTEXT = "servers with TLS are not supported yet";

const TlsVersion = enumeration(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);

const ServerTls = message(
  "ServerTLSSettings",
  {
    httpsRedirect: field(bool(), "Redirects each request to the same place by HTTPS; for protocol HTTP.", {
      default: false,
    }),
    mode: field(
      enumeration(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]),
      "Who terminates TLS, and whether clients need a certificate.",
      { default: "PASSTHROUGH", noEffect: PLAINTEXT },
    ),
    serverCertificate: field(string(), "File with the server's certificate.", { noEffect: PLAINTEXT }),
    privateKey: field(string(), "File with the key of the server's certificate.", { noEffect: PLAINTEXT }),
    caCertificates: field(string(), "File with the authorities of client certificates.", { noEffect: PLAINTEXT }),
    credentialName: field(string(), "Secret with the server's certificate and key.", { noEffect: PLAINTEXT }),
    subjectAltNames: field(list(string()), "Names, one of which a client certificate must have.", {
      noEffect: PLAINTEXT,
    }),
    minProtocolVersion: field(TlsVersion, "The oldest version of TLS.", { default: "TLSV1_2", noEffect: PLAINTEXT }),
    maxProtocolVersion: field(TlsVersion, "The newest version of TLS.", { default: "TLSV1_3", noEffect: PLAINTEXT }),
    cipherSuites: field(list(string()), "Cipher suites of TLS up to 1.2.", { noEffect: PLAINTEXT }),
  },
  {
    unsupported: unsupported(
      "credentialNames tlsCertificates caCertCredentialName caCrl verifyCertificateSpki verifyCertificateHash",
    ),
  },
);

const Port = message("Port", {
  number: required(port(), "The port where the gateway listens."),
  protocol: required(
    string({ minLength: 1 }),
    "The protocol: HTTP, HTTP2 or GRPC. Others are accepted without effect.",
  ),
  name: field(string(), "A name, which must be unique in the Gateway. Required."),
  targetPort: field(port(), "Must be left out: a Gateway has no port of a pod."),
});

const Server = message("Server", {
  port: required(Port, "Where the server listens."),
  bind: field(string(), "The address where the server listens.", { noEffect: NOT_YET }),
  hosts: required(
    list(string({ minLength: 1 }), { minItems: 1 }),
    "Hosts that are served, also with a wildcard. `NAMESPACE/HOST` takes VirtualServices of that namespace only; `.` is the Gateway's own.",
  ),
  tls: field(ServerTls, "TLS of the server. For protocol HTTP only `httpsRedirect` is possible."),
  defaultEndpoint: field(string(), "Where traffic goes that no VirtualService takes.", { noEffect: NOT_YET }),
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
