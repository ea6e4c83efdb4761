import { bool, enumeration, field, list, message, type Static, string } from "@xebec/model-schema";

export const ClientTls = message("ClientTLSSettings", {
  mode: field(
    enumeration(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]),
    "Whether TLS is used: not at all, without or with a client certificate from files, or with the mesh's own certificates. Without a mode `tls` has no effect.",
  ),
  clientCertificate: field(
    string(),
    "File with the client certificate; for mode `MUTUAL`, which needs it or `credentialName`.",
  ),
  privateKey: field(
    string(),
    "File with the key of the client certificate; for mode `MUTUAL`, which needs it or `credentialName`.",
  ),
  caCertificates: field(string(), "File with the certificates of authorities that are trusted.", {
    defaultText: "those of the system",
  }),
  subjectAltNames: field(list(string()), "Names, one of which the server's certificate must have.", {
    defaultText: "the server name",
  }),
  sni: field(string(), "The server name that the client sends, of at most 255 bytes.", {
    defaultText: "the host of the service",
  }),
  credentialName: field(
    string(),
    "Secret with the client certificate and its key for mode `MUTUAL`, and in `cacert` or `ca.crt`, also of the Secret NAME-cacert, the authorities that are trusted. Gateways use it, and of a rule with `workloadSelector` sidecars, too; it lies in the namespace of the proxy.",
  ),
  caCrl: field(string(), "File with a list of revoked certificates, which must have one for each authority."),
  insecureSkipVerify: field(bool(), "Does not verify the server's certificate.", { default: false }),
});
export type ClientTls = Static<typeof ClientTls>;
