import { isIP } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
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
import type { Mesh } from "@xebec/pilot-snapshot";
import { agentSecret, type SdsSecret } from "./sds.ts";

/** Ciphers of mutual TLS inside the mesh (docs/reference/pilot.md §4.4). */
const MESH_CIPHERS = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
];
export const TLS_SOCKET = "envoy.transport_sockets.tls";

type Common = MessageInitShape<typeof CommonTlsContextSchema>;

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

/** A list of revoked certificates from a file of the pod. */
export function revoked(crl: string | undefined): { crl?: { specifier: { case: "filename"; value: string } } } {
  return crl ? { crl: { specifier: { case: "filename", value: crl } } } : {};
}

/** What the mesh configuration says of TLS in the mesh. */
type MeshTls = Pick<Mesh, "meshTls">;

interface Revocations {
  /** File with a list of revoked certificates. */
  readonly crl?: string | undefined;
  /** The secret that has the roots together with that list, where there is one (`revocableRoots`). */
  readonly revocable?: SdsSecret | undefined;
}

function meshContext(
  { meshTls }: MeshTls,
  alpn: readonly string[],
  names: SanMatcher[],
  { crl, revocable }: Revocations = {},
): Common {
  const { minProtocolVersion, cipherSuites } = meshTls;
  return {
    alpnProtocols: [...alpn],
    tlsParams: {
      tlsMinimumProtocolVersion:
        minProtocolVersion === "TLSV1_3" ? TlsParameters_TlsProtocol.TLSv1_3 : TlsParameters_TlsProtocol.TLSv1_2,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      cipherSuites: cipherSuites?.length ? cipherSuites : MESH_CIPHERS,
    },
    tlsCertificateSdsSecretConfigs: [agentSecret("default")],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: names, ...(revocable ? {} : revoked(crl)) },
        validationContextSdsSecretConfig: revocable ?? agentSecret("ROOTCA"),
      },
    },
  };
}

/** The client side of mutual TLS in the mesh: the server must have one of these names. */
export function meshUpstreamTls(mesh: MeshTls, sni: string, names: SanMatcher[], http2: boolean) {
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(UpstreamTlsContextSchema, {
        sni,
        commonTlsContext: meshContext(mesh, http2 ? ["istio", "h2"] : ["istio"], names),
      }),
    },
  };
}

/**
 * The server side: a client certificate of one of the trust domains is required.
 * @param clients.subjectAltNames names, one of which the client must have; any of the trust domains when there are none
 * @param clients.crl file with a list of revoked certificates, and `revocable` the secret that has it
 */
export function meshDownstreamTls(
  mesh: MeshTls,
  trustDomains: readonly string[],
  alpn: readonly string[],
  clients: Revocations & { readonly subjectAltNames?: readonly string[] } = {},
) {
  const { subjectAltNames = [], ...revocations } = clients;
  const names =
    subjectAltNames.length > 0
      ? subjectAltNames.map((each) => san(each))
      : trustDomains.map((each) => san(`spiffe://${each}/`, "prefix"));
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        commonTlsContext: meshContext(mesh, alpn, names, revocations),
      }),
    },
  };
}

/** What the mesh configuration says of TLS that is not the mesh's own, where nobody else says. */
export function defaultTls({ otherTls }: Pick<Mesh, "otherTls">) {
  const { cipherSuites, ecdhCurves } = otherTls;
  return { ...(cipherSuites?.length ? { cipherSuites } : {}), ...(ecdhCurves?.length ? { ecdhCurves } : {}) };
}

export function rawBuffer() {
  return {
    name: "envoy.transport_sockets.raw_buffer",
    configType: { case: "typedConfig" as const, value: anyOf(RawBufferSchema, {}) },
  };
}
