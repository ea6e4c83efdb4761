import { bool, enumeration, field, list, message, type Static, string } from "@xebec/model-schema";

const TlsVersion = enumeration(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);

const TlsCertificate = message("ServerTLSSettings.TLSCertificate", {
  serverCertificate: field(string(), "File with the certificate chain."),
  privateKey: field(string(), "File with the key of the certificate."),
  caCertificates: field(string(), "File with authorities.", {
    noEffect: "of several certificates, those of `caCertificates` beside the list are used, as in Istio",
  }),
});

/** TLS of a server: of a Gateway, or of a Sidecar's ingress. */
export const ServerTls = message("ServerTLSSettings", {
  httpsRedirect: field(bool(), "Redirects each request to the same place by HTTPS; for protocol HTTP.", {
    default: false,
  }),
  mode: field(
    enumeration(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]),
    "Who terminates TLS, and whether clients need a certificate: the destination (`PASSTHROUGH`, by the `tls` rules of VirtualServices), or the gateway (`SIMPLE`; `MUTUAL` demands a client certificate and `OPTIONAL_MUTUAL` asks for one). `ISTIO_MUTUAL` terminates the mesh's mutual TLS, `AUTO_PASSTHROUGH` passes it on to the service that the handshake names.",
    { default: "PASSTHROUGH" },
  ),
  credentialName: field(
    string(),
    "Secret with the server's certificate and key (`tls.crt` and `tls.key`, or `cert` and `key`), in the namespace of the gateway's pods. For modes `MUTUAL` and `OPTIONAL_MUTUAL` the authorities of client certificates come from `cacert` or `ca.crt` of the Secret NAME-cacert, or else of the same one.",
  ),
  credentialNames: field(list(string()), "The same for several certificates: one of RSA and one of ECDSA."),
  caCertCredentialName: field(
    string(),
    "Secret with the authorities of client certificates, in place of that of `credentialName`; a ConfigMap as `configmap://NAMESPACE/NAME`.",
  ),
  serverCertificate: field(string(), "File with the server's certificate chain, in the gateway's container."),
  privateKey: field(string(), "File with the key of the server's certificate."),
  caCertificates: field(string(), "File with the authorities of client certificates."),
  tlsCertificates: field(list(TlsCertificate), "Several pairs of files, in place of the one above."),
  caCrl: field(
    string(),
    "File with a list of revoked client certificates; a Secret may have one in `ca.crl` or `crl`.",
  ),
  subjectAltNames: field(list(string()), "Names, one of which a client certificate must have."),
  verifyCertificateSpki: field(
    list(string()),
    "Base64 of the SHA-256 of public keys, one of which a client certificate must have.",
  ),
  verifyCertificateHash: field(
    list(string()),
    "SHA-256 of certificates in hexadecimal; a client must have one of them, or a key of `verifyCertificateSpki`.",
  ),
  minProtocolVersion: field(TlsVersion, "The oldest version of TLS.", { default: "TLSV1_2" }),
  maxProtocolVersion: field(TlsVersion, "The newest version of TLS.", { default: "TLSV1_3" }),
  cipherSuites: field(list(string()), "Cipher suites of TLS up to 1.2.", { defaultText: "Envoy's own" }),
});
export type ServerTls = Static<typeof ServerTls>;
