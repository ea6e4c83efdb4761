import {
  anything,
  bool,
  duration,
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
} from "@xebec/model-schema";

/** An adapter in a process of its own: `Info` (docs/reference/mixer.md §1.3). */
export const AdapterSpec = message("Info", {
  name: field(string(), "Accepted and not read: the object's own name counts."),
  description: field(string(), "What the adapter does, for readers."),
  templates: field(
    list(string({ minLength: 1 })),
    "Its templates: `NAME` or `NAME.NAMESPACE` of objects of kind template.",
  ),
  config: field(
    string(),
    "A FileDescriptorSet in base64 with the message `Params` of its handlers; empty: they have no parameters.",
  ),
  sessionBased: field(bool(), "Calls carry no configuration."),
});
export type AdapterSpec = Static<typeof AdapterSpec>;

/** A template of adapters in a process of their own (docs/reference/mixer.md §1.3). */
export const TemplateObjectSpec = message("Template", {
  descriptor: required(string({ minLength: 1 }), "A FileDescriptorSet in base64, of the template's handler service."),
});
export type TemplateObjectSpec = Static<typeof TemplateObjectSpec>;

const OAuth = message("OAuth", {
  clientId: field(string(), "Who asks for a token."),
  clientSecret: field(string(), "The file with its secret."),
  tokenUrl: field(string(), "Where tokens are given."),
  scopes: field(list(string()), "What is asked for."),
  endpointParams: field(anything(), "Accepted and not read, as in Istio 1.1."),
});

const Tls = message("Tls", {
  caCertificates: field(string(), "A file with roots of the adapter's certificate, besides those of the system."),
  tokenPath: field(string(), "A file with the token that every call carries."),
  oauth: field(OAuth, "How a token is got instead."),
  authHeader: field(
    enumeration(["PLAIN", "BEARER"]),
    "The token is sent as `authorization: TOKEN`, or `authorization: Bearer TOKEN`.",
  ),
  customHeader: field(string(), "The header that the token is sent in instead: an API key."),
  serverName: field(string(), "The name that the adapter's certificate must have."),
});

const Mutual = message("Mutual", {
  privateKey: field(string(), "The file with the key of the certificate. Required."),
  clientCertificate: field(string(), "The file with Mixer's certificate. Required."),
  caCertificates: field(string(), "A file with roots of the adapter's certificate."),
  serverName: field(string(), "The name that the adapter's certificate must have."),
});

/** How an adapter in a process of its own is reached (docs/reference/mixer.md §9.4). */
export const Connection = message("Connection", {
  address: field(
    string(),
    "Where the adapter runs: HOST:PORT or unix:///PATH of a gRPC server, bus://NAME of copies on the bus, or worker:// for a thread of the service.",
  ),
  timeout: field(duration(), "A call that takes longer has failed."),
  authentication: field(
    message("Authentication", { tls: field(Tls, "TLS with a token."), mutual: field(Mutual, "Mutual TLS.") }),
    "How both prove who they are; absent: plaintext.",
  ),
});
export type Connection = Static<typeof Connection>;
