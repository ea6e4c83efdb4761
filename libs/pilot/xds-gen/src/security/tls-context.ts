import { isIP } from "node:net";
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
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import type { ClientTls } from "@xebec/model-resources";

/** Ciphers of mutual TLS inside the mesh (docs/reference/pilot.md §4.4). */
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

export type SanMatcher = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

/** Accepts a certificate that has a name of this text, whatever kind of name that is. A DNS name may be covered by a wildcard. */
export function san(value: string, how: "exact" | "prefix" | "suffix" = "exact"): SanMatcher {
  return { sanType: sanType(value), matcher: { matchPattern: { case: how, value } } };
}

function sanType(value: string): SubjectAltNameMatcher_SanType {
  if (value.includes("://")) return SubjectAltNameMatcher_SanType.URI;
  if (isIP(value)) return SubjectAltNameMatcher_SanType.IP_ADDRESS;
  return value.includes("@") ? SubjectAltNameMatcher_SanType.EMAIL : SubjectAltNameMatcher_SanType.DNS;
}

function meshContext(alpn: readonly string[], names: SanMatcher[]): Common {
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

/** The client side of mutual TLS in the mesh: the server must have one of these names. */
export function meshUpstreamTls(sni: string, names: SanMatcher[], http2: boolean) {
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(UpstreamTlsContextSchema, {
        sni,
        commonTlsContext: meshContext(http2 ? ["istio", "h2"] : ["istio"], names),
      }),
    },
  };
}

/** The server side: a client certificate of one of the trust domains is required. */
export function meshDownstreamTls(trustDomains: readonly string[], alpn: readonly string[]) {
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        commonTlsContext: meshContext(
          alpn,
          trustDomains.map((each) => san(`spiffe://${each}/`, "prefix")),
        ),
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

/** The system's roots, where Debian and its kin keep them. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** The server that a client of a service means. */
export interface ServerNames {
  /** The service's host; `*.example.com` stands for all below it. */
  readonly host: string;
  /** Names that its ServiceEntry accepts; empty when it says nothing of them. */
  readonly subjectAltNames: readonly string[];
  readonly http2: boolean;
}

/**
 * TLS to a server outside the mesh, as a DestinationRule asks for it (SIMPLE, MUTUAL with files). The server must prove a name:
 * one of those that the rule lists, else one of those that the ServiceEntry lists, else the name that it is asked for, which is
 * the rule's `sni`, else for HTTP the request's host (`asksForRequestHost`), else the service's host.
 */
export function userUpstreamTls(tls: ClientTls, server: ServerNames) {
  const listed = tls.subjectAltNames?.length ? tls.subjectAltNames : server.subjectAltNames;
  const sni = tls.sni || (server.host.startsWith("*") ? "" : server.host);
  const file = (path: string | undefined) =>
    path ? { specifier: { case: "filename" as const, value: path } } : undefined;
  const roots = tls.caCertificates && tls.caCertificates !== "system" ? tls.caCertificates : SYSTEM_ROOTS;
  const trusted = tls.insecureSkipVerify
    ? {}
    : {
        trustedCa: file(roots),
        matchTypedSubjectAltNames: listed.length > 0 ? listed.map((each) => san(each)) : asked(sni, server.host),
      };
  const certificate = file(tls.clientCertificate);
  const key = file(tls.privateKey);
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(UpstreamTlsContextSchema, {
        sni,
        // With a name in the handshake, that name takes the place of those above: it may be the request's host.
        autoSniSanValidation: listed.length === 0 && !tls.insecureSkipVerify,
        commonTlsContext: {
          alpnProtocols: server.http2 ? ["h2"] : [],
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

/** The names of a server that nobody lists names for: the one that is asked for, else any below a wildcard host. */
function asked(sni: string, host: string): SanMatcher[] {
  return [sni ? san(sni) : san(host.slice(1), "suffix")];
}

/** True when an HTTP client asks a server for the request's host (`auto_sni`). */
export function asksForRequestHost(tls: ClientTls | undefined): boolean {
  return (tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL") && !tls.sni;
}
