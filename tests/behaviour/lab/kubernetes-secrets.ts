import { type SecretRecord, secretRecordOf } from "@xebec/model-pki";

/** A Secret as its reader publishes it. @param data values by key, plain */
export function secret(name: string, data: Readonly<Record<string, string>>, namespace = "gateways"): SecretRecord {
  const record = secretRecordOf("Secret", { namespace, name }, { stringData: data });
  if (!record) throw new Error(`the Secret ${name} holds no credentials`);
  return record;
}

/** A Secret of type kubernetes.io/tls. */
export function tlsSecret(
  name: string,
  { cert, key }: { readonly cert: string; readonly key: string },
  namespace?: string,
): SecretRecord {
  return secret(name, { "tls.crt": cert, "tls.key": key }, namespace);
}

/** A Secret with authorities. */
export function caSecret(name: string, cacert: string, namespace?: string): SecretRecord {
  return secret(name, { cacert }, namespace);
}
