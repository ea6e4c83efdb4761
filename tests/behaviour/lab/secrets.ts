import { anyOf } from "@xebec/api-envoy";
import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import { SecretDiscoveryService } from "@xebec/api-envoy/envoy/service/secret/v3/sds";
import { createSecrets } from "@xebec/platform-envoy";
import { type GrpcService, service } from "@xebec/platform-grpc";
import { createTestCa, type TestCa } from "@xebec/testing-launch";

const inline = (text: string) => ({ specifier: { case: "inlineString" as const, value: text } });

/**
 * An SDS server that gives every proxy the certificate of its service account, and files by the agent's own code: what the agent beside a
 * proxy does.
 */
export function testSecrets(ca: TestCa = createTestCa()): GrpcService & { close(): Promise<void> } {
  const issued = new Map<string, { readonly cert: string; readonly key: string }>();
  const files = createSecrets({
    identity: { roots: ca.cert, cert: "", key: "", issuedAt: 0, notAfter: 0 },
    onChange: () => () => {},
  });
  const certificateOf = (namespace: string, account: string) => {
    const uri = `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
    const own = issued.get(uri) ?? ca.issue({ uris: [uri] });
    issued.set(uri, own);
    return own;
  };
  const sds = service(SecretDiscoveryService, {
    streamSecrets(stream) {
      let identity: readonly [string, string] = ["default", "default"];
      stream.onMessage((request) => {
        const { NAMESPACE: namespace, SERVICE_ACCOUNT: account } = request.node?.metadata ?? {};
        if (request.node) identity = [String(namespace ?? "default"), String(account ?? "default")];
        if (request.responseNonce !== "") return;
        const { typeUrl, resourceNames } = request;
        const secretOf = (name: string) => {
          if (name === "ROOTCA") return { case: "validationContext" as const, value: { trustedCa: inline(ca.cert) } };
          const own = certificateOf(...identity);
          const value = { certificateChain: inline(own.cert), privateKey: inline(own.key) };
          return { case: "tlsCertificate" as const, value };
        };
        const own = resourceNames.filter((name) => name === "default" || name === "ROOTCA");
        if (own.length > 0)
          stream.write({
            ...{ versionInfo: "1", nonce: "1", typeUrl },
            resources: own.map((name) => anyOf(SecretSchema, { name, type: secretOf(name) })),
          });
        // Envoy asks for each secret on a stream of its own.
        const [file] = resourceNames.filter((name) => name.startsWith("file-"));
        if (file === undefined || !files.want(file)) return;
        let sent = "";
        const push = (): void => {
          const found = files.get(file);
          if (!found || found.version === sent) return;
          sent = found.version;
          stream.write({ versionInfo: sent, nonce: sent, typeUrl, resources: [{ typeUrl, value: found.value }] });
        };
        const unwatch = files.onChange(push);
        stream.onClose(unwatch);
        push();
      });
      stream.onEnd(() => stream.end());
    },
  });
  return { ...sds, close: () => files.close() };
}
