import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import type { KeyPair, TrustedRoots } from "@xebec/model-pki";
import type { EncodedResource } from "./encoded.ts";
import { encodedResource } from "./resource.ts";
import { bytesOf } from "./wire.ts";

const inline = (value: Buffer) => ({ specifier: { case: "inlineBytes" as const, value: new Uint8Array(value) } });

/** A secret with a certificate and its key. */
export function encodeKeyPair(name: string, pair: KeyPair, configKeys: readonly string[]): EncodedResource {
  const value = {
    certificateChain: inline(pair.certificateChain),
    privateKey: inline(pair.privateKey),
    ...(pair.ocspStaple ? { ocspStaple: inline(pair.ocspStaple) } : {}),
  };
  return encodedResource(name, bytesOf(SecretSchema, { name, type: { case: "tlsCertificate", value } }), configKeys);
}

/** A secret with trusted authorities. */
export function encodeRoots(name: string, roots: TrustedRoots, configKeys: readonly string[]): EncodedResource {
  const value = { trustedCa: inline(roots.certificates), ...(roots.crl ? { crl: inline(roots.crl) } : {}) };
  return encodedResource(name, bytesOf(SecretSchema, { name, type: { case: "validationContext", value } }), configKeys);
}
