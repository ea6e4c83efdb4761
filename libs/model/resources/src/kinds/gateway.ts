import { type Static, Type } from "typebox";
import { closed, Labels, literals, Port, without } from "./common.ts";

const TlsVersion = literals("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3");
const ServerTls = Type.Object(
  {
    httpsRedirect: Type.Optional(Type.Boolean()),
    mode: Type.Optional(
      literals("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"),
    ),
    serverCertificate: Type.Optional(Type.String()),
    privateKey: Type.Optional(Type.String()),
    caCertificates: Type.Optional(Type.String()),
    credentialName: Type.Optional(Type.String()),
    subjectAltNames: Type.Optional(Type.Array(Type.String())),
    minProtocolVersion: Type.Optional(TlsVersion),
    maxProtocolVersion: Type.Optional(TlsVersion),
    cipherSuites: Type.Optional(Type.Array(Type.String())),
  },
  without("credentialNames tlsCertificates caCertCredentialName caCrl verifyCertificateSpki verifyCertificateHash"),
);
const Server = Type.Object(
  {
    port: Type.Object(
      {
        number: Port,
        protocol: Type.String({ minLength: 1 }),
        name: Type.Optional(Type.String()),
        targetPort: Type.Optional(Port),
      },
      closed,
    ),
    bind: Type.Optional(Type.String()),
    hosts: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    tls: Type.Optional(ServerTls),
    defaultEndpoint: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
  },
  closed,
);

export const GatewaySpec = Type.Object(
  { selector: Type.Optional(Labels), servers: Type.Array(Server, { minItems: 1 }) },
  closed,
);
export type GatewaySpec = Static<typeof GatewaySpec>;
export type GatewayServer = Static<typeof Server>;
