import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/tls";
import { type SanMatcher, TLS_SOCKET } from "./tls-context.ts";

// Mutual TLS as gRPC's own clients and servers have it (gRFC A29): the certificates come from the provider `default` of their bootstrap
// file. Ciphers, ALPN and names of the handshake are gRPC's own.

const PROVIDER = "default";

function common(names: readonly SanMatcher[]): MessageInitShape<typeof CommonTlsContextSchema> {
  return {
    tlsCertificateProviderInstance: { instanceName: PROVIDER, certificateName: "default" },
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: {
          caCertificateProviderInstance: { instanceName: PROVIDER, certificateName: "ROOTCA" },
          // gRPC knows the deprecated field alone.
          matchSubjectAltNames: names.flatMap(({ matcher }) => matcher ?? []),
        },
      },
    },
  };
}

/** The client side: the server must have one of these names. */
export function grpcUpstreamTls(names: readonly SanMatcher[]) {
  const value = anyOf(UpstreamTlsContextSchema, { commonTlsContext: common(names) });
  return { name: TLS_SOCKET, configType: { case: "typedConfig" as const, value } };
}

/** The server side: a client certificate of the mesh's roots is required. gRPC's servers do not compare its names. */
export function grpcDownstreamTls() {
  const value = anyOf(DownstreamTlsContextSchema, { requireClientCertificate: true, commonTlsContext: common([]) });
  return { name: TLS_SOCKET, configType: { case: "typedConfig" as const, value } };
}
