import { isHttp, protocolByName } from "@xebec/model-names";
import type { Violation } from "@xebec/model-schema";
import type { GatewaySpec } from "./schema.ts";
import type { ServerTls } from "./server-tls.ts";

/** What is about client certificates. */
const CLIENTS = [
  ...(["caCertificates", "caCertCredentialName"] as const),
  ...(["subjectAltNames", "verifyCertificateSpki", "verifyCertificateHash"] as const),
];
/** What is about the gateway's own certificates. */
const OWN = [
  "credentialName",
  "credentialNames",
  "serverCertificate",
  "privateKey",
  "tlsCertificates",
  "caCrl",
] as const;
/** What is about the handshake that the gateway makes itself. */
const HANDSHAKE = ["minProtocolVersion", "maxProtocolVersion", "cipherSuites"] as const;
const EXTERNAL = /^(sds|invalid|builtin):\/\//;

/** What of a Gateway has no effect because of the rest of it: TLS settings of other modes and protocols. */
export function* ineffectiveInGateway({ servers }: GatewaySpec): Generator<Violation> {
  for (const [i, { port, tls }] of servers.entries()) {
    const path = ["spec", "servers", i];
    const protocol = protocolByName(port.protocol);
    if (protocol === "UDP") yield { path, message: "protocol UDP is not served: a gateway listens to TCP only" };
    if (!tls) continue;
    for (const [field, message] of unheeded(tls, protocol !== undefined && isHttp(protocol)))
      if (isSet(tls[field])) yield { path: [...path, "tls", field], message };
    for (const name of [tls.credentialName, tls.caCertCredentialName, ...(tls.credentialNames ?? [])])
      if (name && EXTERNAL.test(name))
        yield { path: [...path, "tls"], message: `${name}: external secret services are not called; name a Secret` };
  }
}

function* unheeded(tls: ServerTls, isPlaintext: boolean): Generator<readonly [keyof ServerTls, string]> {
  const { mode = "PASSTHROUGH" } = tls;
  const of = (fields: readonly (keyof ServerTls)[], message: string) =>
    fields.map((field) => [field, message] as const);
  if (isPlaintext) {
    yield* of(
      Object.keys(tls).filter((each) => each !== "httpsRedirect" && each !== "mode") as (keyof ServerTls)[],
      "has no effect for plaintext HTTP",
    );
    return;
  }
  const passes = mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH";
  yield ["httpsRedirect", "has no effect with TLS: there is nothing to redirect"];
  if (passes) yield* of(OWN, `has no effect in mode ${mode}`);
  if (!passes && mode !== "SIMPLE" && (tls.credentialName || tls.credentialNames?.length))
    yield ["caCertificates", "has no effect beside credentialName: authorities come from the Secret"];
  if (passes || mode === "ISTIO_MUTUAL") yield* of(HANDSHAKE, `has no effect in mode ${mode}`);
  if (passes || mode === "SIMPLE")
    yield* of(CLIENTS, `has no effect in mode ${mode}, which asks for no client certificate`);
  if (mode === "ISTIO_MUTUAL")
    yield* of(
      ["verifyCertificateSpki", "verifyCertificateHash", "caCertCredentialName"],
      `has no effect in mode ${mode}`,
    );
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false && value !== "";
}
