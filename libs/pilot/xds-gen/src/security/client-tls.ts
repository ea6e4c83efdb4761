import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { TlsParameters_TlsProtocol } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import type { ClientTls } from "@xebec/model-resources";
import type { ProxyClass } from "../scope/proxy-class.ts";
import type { Scope } from "../scope/scope.ts";
import { credentialResource, rootsResource } from "./credential-name.ts";
import { filePair, fileRoots, pilotSecret, revocableRoots, type SdsSecret } from "./sds.ts";
import { defaultTls, revoked, type SanMatcher, san, TLS_SOCKET } from "./tls-context.ts";

type Common = MessageInitShape<typeof CommonTlsContextSchema>;

/** Stands for the authorities that the proxy's machine trusts. */
const SYSTEM = "system";

/** The server that a client of a service means. */
export interface ServerNames {
  /** The service's host; `*.example.com` stands for all below it. */
  readonly host: string;
  /** Names that its ServiceEntry accepts; empty when it says nothing of them. */
  readonly subjectAltNames: readonly string[];
  readonly http2: boolean;
}

/**
 * TLS to a server outside the mesh, as a DestinationRule asks for it (SIMPLE, MUTUAL). The server must prove a name:
 * one of those that the rule lists, else one of those that the ServiceEntry lists, else the name that it is asked for, which is
 * the rule's `sni`, else for HTTP the request's host (`asksForRequestHost`), else the service's host. Certificates come from a Secret
 * (`credentialName`), or from files of the pod; both are renewed without a change of the cluster.
 */
export function userUpstreamTls(scope: Pick<Scope, "mesh" | "proxyClass">, tls: ClientTls, server: ServerNames) {
  const listed = tls.subjectAltNames?.length ? tls.subjectAltNames : server.subjectAltNames;
  const sni = tls.sni || (server.host.startsWith("*") ? "" : server.host);
  const names = listed.length > 0 ? listed.map((each) => san(each)) : asked(sni, server.host);
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
            ...defaultTls(scope.mesh),
          },
          tlsCertificateSdsSecretConfigs: tls.mode === "MUTUAL" ? certificate(tls) : [],
          ...(tls.insecureSkipVerify ? {} : serverValidation(scope.proxyClass, tls, names)),
        },
      }),
    },
  };
}

function certificate({ credentialName, clientCertificate, privateKey }: ClientTls): SdsSecret[] {
  if (credentialName) return [pilotSecret(credentialResource(credentialName))];
  return clientCertificate && privateKey ? [filePair(clientCertificate, privateKey)] : [];
}

function serverValidation(
  proxyClass: ProxyClass,
  { credentialName, caCertificates, caCrl }: ClientTls,
  names: SanMatcher[],
): Pick<Common, "validationContextType"> {
  const roots = caCertificates || SYSTEM;
  const revocable = credentialName ? undefined : revocableRoots(proxyClass, caCrl, roots);
  return {
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: names, ...(revocable ? {} : revoked(caCrl)) },
        validationContextSdsSecretConfig: credentialName
          ? pilotSecret(rootsResource(credentialName))
          : (revocable ?? fileRoots(roots)),
      },
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
