import { anyOf } from "@xebec/api-envoy";
import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import { SecretDiscoveryService } from "@xebec/api-envoy/envoy/service/secret/v3/sds";
import { type GrpcService, service } from "@xebec/platform-grpc";
import { createTestCa } from "@xebec/testing-launch";

const inline = (text: string) => ({ specifier: { case: "inlineString" as const, value: text } });

/** An SDS server that has one certificate and its root: what the agent beside a proxy gives. */
export function testSecrets(): GrpcService {
  const ca = createTestCa();
  const own = ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/default"] });
  const secrets = {
    default: {
      case: "tlsCertificate" as const,
      value: { certificateChain: inline(own.cert), privateKey: inline(own.key) },
    },
    ROOTCA: { case: "validationContext" as const, value: { trustedCa: inline(ca.cert) } },
  };
  return service(SecretDiscoveryService, {
    streamSecrets(stream) {
      stream.onMessage((request) => {
        if (request.responseNonce !== "") return;
        const known = request.resourceNames.filter((name): name is keyof typeof secrets => name in secrets);
        stream.write({
          versionInfo: "1",
          nonce: "1",
          typeUrl: request.typeUrl,
          resources: known.map((name) => anyOf(SecretSchema, { name, type: secrets[name] })),
        });
      });
      stream.onEnd(() => stream.end());
    },
  });
}
