import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import {
  type CertificateValidationContextSchema,
  TlsParameters_TlsProtocol,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import { CIPHER_SUITES, type GatewayServer } from "@xebec/model-resources";
import type { Scope } from "../scope/scope.ts";
import { serverCredentials } from "./credential-users.ts";
import { filePair, fileRoots, pilotSecret, revocableRoots, type SdsSecret } from "./sds.ts";
import { defaultTls, meshDownstreamTls, revoked, san, TLS_SOCKET } from "./tls-context.ts";

type ServerTls = NonNullable<GatewayServer["tls"]>;
type Validation = MessageInitShape<typeof CertificateValidationContextSchema>;
type Common = MessageInitShape<typeof CommonTlsContextSchema>;

const VERSIONS: Readonly<Record<string, TlsParameters_TlsProtocol>> = {
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
};
/** ALPN protocols that a gateway selects (docs/reference/pilot.md §3.3). */
const ALPN = ["h2", "http/1.1"];
const MESH_ALPN_TCP = ["istio-peer-exchange", ...ALPN];

/**
 * The TLS that a Gateway's server terminates (docs/reference/pilot.md §3.3, TLS modes). Certificates come from Secrets by way of pilot,
 * from files of the pod by way of its agent, or are the mesh's own: each is renewed without a change of the listener.
 * @param protocol what is inside
 */
export function serverTls(scope: Scope, { tls = {} }: GatewayServer, protocol: "http" | "tcp") {
  if (tls.mode === "ISTIO_MUTUAL")
    return meshDownstreamTls(
      scope.mesh,
      [scope.mesh.trustDomain, ...scope.mesh.trustDomainAliases],
      protocol === "http" ? ALPN : MESH_ALPN_TCP,
      {
        subjectAltNames: tls.subjectAltNames ?? [],
        crl: tls.caCrl,
        revocable: revocableRoots(scope.proxyClass, tls.caCrl, "ROOTCA"),
      },
    );
  const commonTlsContext: Common = {
    alpnProtocols: ALPN,
    tlsParams: {
      tlsMinimumProtocolVersion: VERSIONS[tls.minProtocolVersion ?? ""] ?? TlsParameters_TlsProtocol.TLSv1_2,
      tlsMaximumProtocolVersion: VERSIONS[tls.maxProtocolVersion ?? ""] ?? TlsParameters_TlsProtocol.TLSv1_3,
      ...defaultTls(scope.mesh),
      ...(tls.cipherSuites?.length ? { cipherSuites: knownCiphers(tls.cipherSuites) } : {}),
    },
    tlsCertificateSdsSecretConfigs: certificates(tls),
    ...clientValidation(scope, tls),
  };
  return {
    name: TLS_SOCKET,
    configType: {
      case: "typedConfig" as const,
      value: anyOf(DownstreamTlsContextSchema, {
        commonTlsContext,
        ...(tls.mode === "MUTUAL" ? { requireClientCertificate: true } : {}),
      }),
    },
  };
}

/** Those that Envoy has, each once: with one that it does not have it would reject the listener. */
function knownCiphers(given: readonly string[]): string[] {
  return [...new Set(given)].filter((each) => CIPHER_SUITES.has(each));
}

function certificates(tls: ServerTls): SdsSecret[] {
  const { keyPairs } = serverCredentials(tls);
  if (keyPairs.length > 0) return keyPairs.map(pilotSecret);
  const files = tls.tlsCertificates?.length ? tls.tlsCertificates : [tls];
  return files.flatMap(({ serverCertificate, privateKey }) =>
    serverCertificate && privateKey ? [filePair(serverCertificate, privateKey)] : [],
  );
}

/** How client certificates are verified; nothing where none is asked for. */
function clientValidation({ proxyClass }: Scope, tls: ServerTls): Pick<Common, "validationContextType"> {
  if (tls.mode !== "MUTUAL" && tls.mode !== "OPTIONAL_MUTUAL") return {};
  const { roots } = serverCredentials(tls);
  const revocable = roots ? undefined : revocableRoots(proxyClass, tls.caCrl, tls.caCertificates ?? "");
  const defaultValidationContext: Validation = {
    matchTypedSubjectAltNames: (tls.subjectAltNames ?? []).map((each) => san(each)),
    verifyCertificateSpki: tls.verifyCertificateSpki ?? [],
    verifyCertificateHash: tls.verifyCertificateHash ?? [],
    ...(revocable ? {} : revoked(tls.caCrl)),
  };
  const validationContextSdsSecretConfig = roots
    ? pilotSecret(roots)
    : (revocable ?? fileRoots(tls.caCertificates ?? ""));
  return {
    validationContextType: {
      case: "combinedValidationContext",
      value: { defaultValidationContext, validationContextSdsSecretConfig },
    },
  };
}
