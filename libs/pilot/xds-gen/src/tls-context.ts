import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { RawBufferSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer";
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import type { ClientTls } from "@xebec/model-resources";

/** Ciphers of mutual TLS inside the mesh (spec/pilot.md §4.4). */
const MESH_CIPHERS = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
];
const TLS_SOCKET = "envoy.transport_sockets.tls";

type Common = MessageInitShape<typeof CommonTlsContextSchema>;

/** Secrets come from the agent beside the proxy, over the bootstrap cluster `sds-grpc`. */
function sdsSource(): MessageInitShape<typeof ConfigSourceSchema> {
  return {
    resourceApiVersion: ApiVersion.V3,
    // No time-out: a listener without its certificate must not open.
    initialFetchTimeout: durationOf(0),
    configSourceSpecifier: {
      case: "apiConfigSource",
      value: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: "sds-grpc" } } }],
      },
    },
  };
}

const sans = (values: readonly string[], exact: boolean) =>
  values.map((value) => ({
    sanType: value.startsWith("spiffe://") ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS,
    matcher: { matchPattern: { case: exact ? ("exact" as const) : ("prefix" as const), value } },
  }));

function meshContext(alpn: readonly string[], names: ReturnType<typeof sans>): Common {
  return {
    alpnProtocols: [...alpn],
    tlsParams: {
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      cipherSuites: MESH_CIPHERS,
    },
    tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: sdsSource() }],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: names },
        validationContextSdsSecretConfig: { name: "ROOTCA", sdsConfig: sdsSource() },
      },
    },
  };
}

/** The client side of mutual TLS in the mesh: the server must have one of these identities. */
export function meshUpstreamTls(sni: string, identities: readonly string[], http2: boolean) {
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(UpstreamTlsContextSchema, {
        sni,
        commonTlsContext: meshContext(http2 ? ["istio", "h2"] : ["istio"], sans(identities, true)),
      }),
    },
  };
}

/** The server side: a client certificate of the trust domain is required. */
export function meshDownstreamTls(trustDomain: string, alpn: readonly string[]) {
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        commonTlsContext: meshContext(alpn, sans([`spiffe://${trustDomain}/`], false)),
      }),
    },
  };
}

export function rawBuffer() {
  return {
    name: "envoy.transport_sockets.raw_buffer",
    configType: { case: "typedConfig" as const, value: anyOf(RawBufferSchema, {}) },
  };
}

/**
 * TLS to a server outside the mesh, as a DestinationRule asks for it (SIMPLE, MUTUAL with files).
 * @param fallback what holds where the rule names nothing: accepted server names, and the server name to ask for
 */
export function userUpstreamTls(
  tls: ClientTls,
  fallback: { readonly names: readonly string[]; readonly sni: string; readonly http2: boolean },
) {
  const names = tls.subjectAltNames?.length ? tls.subjectAltNames : fallback.names;
  const trusted = tls.insecureSkipVerify
    ? {}
    : {
        trustedCa: {
          specifier: {
            case: "filename" as const,
            value: tls.caCertificates || "/etc/ssl/certs/ca-certificates.crt",
          },
        },
        matchTypedSubjectAltNames: sans(names, true),
      };
  const file = (path: string | undefined) =>
    path ? { specifier: { case: "filename" as const, value: path } } : undefined;
  const certificate = file(tls.clientCertificate);
  const key = file(tls.privateKey);
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(UpstreamTlsContextSchema, {
        sni: tls.sni || fallback.sni,
        commonTlsContext: {
          alpnProtocols: fallback.http2 ? ["h2"] : [],
          tlsParams: {
            tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
            tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
          },
          tlsCertificates:
            tls.mode === "MUTUAL" && certificate && key ? [{ certificateChain: certificate, privateKey: key }] : [],
          validationContextType: { case: "validationContext", value: trusted },
        },
      }),
    },
  };
}
