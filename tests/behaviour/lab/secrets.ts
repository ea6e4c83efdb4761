import { anyOf } from "@xebec/api-envoy";
import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import { SecretDiscoveryService } from "@xebec/api-envoy/envoy/service/secret/v3/sds";
import { type GrpcService, service } from "@xebec/platform-grpc";
import { createTestCa, type TestCa } from "@xebec/testing-launch";

const inline = (text: string) => ({ specifier: { case: "inlineString" as const, value: text } });

/** An SDS server that gives every proxy the certificate of its service account: what the agent beside a proxy does. */
export function testSecrets(ca: TestCa = createTestCa()): GrpcService {
  const issued = new Map<string, { readonly cert: string; readonly key: string }>();
  const certificateOf = (namespace: string, account: string) => {
    const uri = `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
    const own = issued.get(uri) ?? ca.issue({ uris: [uri] });
    issued.set(uri, own);
    return own;
  };
  return service(SecretDiscoveryService, {
    streamSecrets(stream) {
      let identity: readonly [string, string] = ["default", "default"];
      stream.onMessage((request) => {
        const { NAMESPACE: namespace, SERVICE_ACCOUNT: account } = request.node?.metadata ?? {};
        if (request.node) identity = [String(namespace ?? "default"), String(account ?? "default")];
        if (request.responseNonce !== "") return;
        const secretOf = (name: string) => {
          if (name === "ROOTCA") return { case: "validationContext" as const, value: { trustedCa: inline(ca.cert) } };
          const own = certificateOf(...identity);
          const value = { certificateChain: inline(own.cert), privateKey: inline(own.key) };
          return { case: "tlsCertificate" as const, value };
        };
        const known = request.resourceNames.filter((name) => name === "default" || name === "ROOTCA");
        stream.write({
          ...{ versionInfo: "1", nonce: "1", typeUrl: request.typeUrl },
          resources: known.map((name) => anyOf(SecretSchema, { name, type: secretOf(name) })),
        });
      });
      stream.onEnd(() => stream.end());
    },
  });
}
