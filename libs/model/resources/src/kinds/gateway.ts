import { type Static, Type } from "typebox";
import { closed, Labels, literals, Port } from "./common.ts";

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
    minProtocolVersion: Type.Optional(Type.String()),
    maxProtocolVersion: Type.Optional(Type.String()),
    cipherSuites: Type.Optional(Type.Array(Type.String())),
  },
  closed,
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
