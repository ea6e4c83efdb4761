import { anyOf } from "@xebec/api-envoy";
import { TlsParameters_TlsProtocol as Version } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/common";
import { DownstreamTlsContextSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import type { PortProtocol } from "@xebec/model-names";
import type { SidecarIngress } from "@xebec/model-resources";
import type { Transport } from "../chain.ts";

type Tls = NonNullable<SidecarIngress["tls"]>;

const VERSIONS: Readonly<Record<string, Version>> = {
  TLSV1_0: Version.TLSv1_0,
  TLSV1_1: Version.TLSv1_1,
  TLSV1_2: Version.TLSv1_2,
  TLSV1_3: Version.TLSv1_3,
};

/**
 * TLS that a sidecar terminates for clients outside of the mesh, with certificates in files, as its Sidecar's ingress says it
 * (docs/reference/pilot.md §3.5).
 * @returns undefined where it is left to the workload
 */
export function ingressTls(tls: Tls, protocol: PortProtocol): Transport | undefined {
  const { mode = "PASSTHROUGH", serverCertificate, privateKey, caCertificates, cipherSuites = [] } = tls;
  if (!["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"].includes(mode)) return undefined;
  const file = (path = "") => ({ specifier: { case: "filename" as const, value: path } });
  const value = anyOf(DownstreamTlsContextSchema, {
    requireClientCertificate: mode === "MUTUAL",
    commonTlsContext: {
      alpnProtocols: protocol === "HTTPS" ? ["h2", "http/1.1"] : [],
      tlsParams: {
        tlsMinimumProtocolVersion: VERSIONS[tls.minProtocolVersion ?? ""] ?? Version.TLSv1_2,
        tlsMaximumProtocolVersion: VERSIONS[tls.maxProtocolVersion ?? ""] ?? Version.TLSv1_3,
        cipherSuites: [...cipherSuites],
      },
      tlsCertificates: [{ certificateChain: file(serverCertificate), privateKey: file(privateKey) }],
      ...(mode !== "SIMPLE" && caCertificates
        ? { validationContextType: { case: "validationContext", value: { trustedCa: file(caCertificates) } } }
        : {}),
    },
  });
  return {
    match: { transportProtocol: "tls" },
    socket: { name: "envoy.transport_sockets.tls", configType: { case: "typedConfig", value } },
  };
}
