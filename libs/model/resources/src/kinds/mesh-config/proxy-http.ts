import { bool, enumeration, field, message, type Static, string, uint32 } from "@xebec/model-schema";

const ForwardClientCert = enumeration([
  "UNDEFINED",
  "SANITIZE",
  "FORWARD_ONLY",
  "APPEND_FORWARD",
  "SANITIZE_SET",
  "ALWAYS_FORWARD_ONLY",
]);

/** What stands before gateways (docs/reference/pilot.md §3.13). */
export const GatewayTopology = message("Topology", {
  numTrustedProxies: field(uint32(), "How many proxies before gateways are trusted with `x-forwarded-for`.", {
    default: 0,
  }),
  forwardClientCertDetails: field(ForwardClientCert, "What gateways do with `x-forwarded-client-cert`.", {
    default: "SANITIZE_SET",
  }),
  proxyProtocol: field(
    message("ProxyProtocolConfiguration", {}),
    "Gateways take the PROXY protocol from their clients, in every listener.",
  ),
});

const disabled = (what: string) =>
  field(message("DisabledHeader", { disabled: field(bool(), "Leaves it out.", { default: false }) }), what);

/** Headers that proxies add to requests and answers. */
export const ProxyHeaders = message("ProxyHeaders", {
  forwardedClientCert: field(ForwardClientCert, "What sidecars do with `x-forwarded-client-cert` of what comes in.", {
    default: "APPEND_FORWARD",
  }),
  setCurrentClientCertDetails: field(
    message("SetCurrentClientCertDetails", {
      subject: field(bool(), "The subject.", { default: true }),
      cert: field(bool(), "The certificate.", { default: false }),
      chain: field(bool(), "The chain.", { default: false }),
      dns: field(bool(), "The DNS names.", { default: true }),
      uri: field(bool(), "The URI.", { default: true }),
    }),
    "What of the client's certificate stands in `x-forwarded-client-cert`.",
  ),
  requestId: disabled("The header `x-request-id`."),
  server: field(
    message("Server", {
      disabled: field(bool(), "Leaves the server's own header as it is.", { default: false }),
      value: field(string(), "The value.", { default: "istio-envoy" }),
    }),
    "The header `server` of answers.",
  ),
  attemptCount: disabled("The header `x-envoy-attempt-count`."),
  envoyDebugHeaders: disabled("Headers such as `x-envoy-upstream-service-time` and `x-envoy-decorator-operation`."),
  metadataExchangeHeaders: field(
    message("MetadataExchangeHeaders", { mode: field(enumeration(["UNDEFINED", "IN_MESH"]), "Where they are sent.") }),
    "Headers by which Istio's own Envoys say who they are.",
    { noEffect: "the stock Envoy sends none" },
  ),
  preserveHttp1HeaderCase: field(bool(), "Keeps capitals in the names of HTTP/1.1 headers.", {
    default: false,
  }),
  xForwardedHost: field(
    message("XForwardedHost", { enabled: field(bool(), "Adds it.") }),
    "The header `x-forwarded-host`, when the host was rewritten.",
  ),
  xForwardedPort: field(
    message("XForwardedPort", { enabled: field(bool(), "Adds it.") }),
    "The header `x-forwarded-port`: the port that was called.",
  ),
});
export type ProxyHeaders = Static<typeof ProxyHeaders>;
