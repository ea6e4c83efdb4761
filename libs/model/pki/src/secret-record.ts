import { XebecError } from "@xebec/core-errors";

/** Keys of a Secret or ConfigMap that hold certificates, private keys, lists of revoked certificates, and credentials of registries (docs/reference/pilot.md §2.12). */
const CREDENTIAL_KEYS = [
  ...["cert", "key", "cacert", "crl"],
  ...["tls.crt", "tls.key", "tls.ocsp-staple", "ca.crt", "ca.crl"],
  // Credentials of registries.
  ...[".dockerconfigjson", ".dockercfg"],
] as const;
/** A ConfigMap is readable by many: no private key is taken from one. */
const PUBLIC_KEYS: readonly string[] = ["cacert", "crl", "ca.crt", "ca.crl"];

export type CredentialKey = (typeof CREDENTIAL_KEYS)[number];

/** Largest Secret that Kubernetes takes: all values together. In bytes. */
const MAX_BYTES = 1 << 20;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Kinds of Kubernetes objects that hold credentials. */
export type SecretKind = "Secret" | "ConfigMap";

/** The credentials of a Kubernetes Secret or ConfigMap; everything else in it is left out. The value of the bucket `secrets`. */
export interface SecretRecord {
  readonly kind: SecretKind;
  readonly namespace: string;
  readonly name: string;
  /** Base64 without spaces, by key. */
  readonly data: Readonly<Partial<Record<CredentialKey, string>>>;
}

/** The key of a record in the bucket `secrets`: `Secret/<namespace>/<name>`. */
export function secretKey({ kind, namespace, name }: Pick<SecretRecord, "kind" | "namespace" | "name">): string {
  return `${kind}/${namespace}/${name}`;
}

/**
 * Takes the credentials out of a Kubernetes object.
 * @param object a Secret or ConfigMap as its manifest has it
 * @returns undefined for one that holds none
 * @throws XebecError invalid_argument for one that an API server refuses; the text has names of keys, and no value
 */
export function secretRecordOf(
  kind: SecretKind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  object: { readonly data?: unknown; readonly stringData?: unknown },
): SecretRecord | undefined {
  const data: Partial<Record<CredentialKey, string>> = {};
  let size = 0;
  for (const key of CREDENTIAL_KEYS) {
    if (kind === "ConfigMap" && !PUBLIC_KEYS.includes(key)) continue;
    const value = encodedValue(kind, object, key, `${kind} ${namespace}/${name}`);
    if (value === undefined) continue;
    data[key] = value;
    size += value.length * 0.75;
  }
  if (size > MAX_BYTES)
    throw new XebecError("invalid_argument", `${kind} ${namespace}/${name}: its values have more than 1 MiB together`);
  return Object.keys(data).length > 0 ? { kind, namespace, name, data } : undefined;
}

function encodedValue(
  kind: SecretKind,
  object: { readonly data?: unknown; readonly stringData?: unknown },
  key: string,
  what: string,
): string | undefined {
  const plain = valueAt(kind === "Secret" ? object.stringData : object.data, key);
  if (plain !== undefined) return Buffer.from(plain).toString("base64");
  const encoded = kind === "Secret" ? valueAt(object.data, key)?.replace(/\s+/g, "") : undefined;
  if (encoded !== undefined && !BASE64.test(encoded))
    throw new XebecError("invalid_argument", `${what}: data.${key} is not base64; put plain text in stringData`);
  return encoded;
}

function valueAt(fields: unknown, key: string): string | undefined {
  if (fields === null || typeof fields !== "object" || !Object.hasOwn(fields, key)) return undefined;
  const value = (fields as Readonly<Record<string, unknown>>)[key];
  return typeof value === "string" ? value : undefined;
}

/** Writes a record for the bucket `secrets`. */
export function encodeSecretRecord(record: SecretRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Reads a record of the bucket `secrets`. @throws XebecError data_loss */
export function decodeSecretRecord(bytes: Uint8Array): SecretRecord {
  let value: Partial<SecretRecord> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<SecretRecord> | null;
  } catch {
    // The error of JSON.parse has a piece of the text.
    value = null;
  }
  const { kind, namespace, name, data } = value ?? {};
  if (
    (kind !== "Secret" && kind !== "ConfigMap") ||
    typeof namespace !== "string" ||
    typeof name !== "string" ||
    data === null ||
    typeof data !== "object" ||
    !Object.values(data).every((each) => typeof each === "string")
  )
    throw new XebecError("data_loss", "a value of the bucket secrets is not a Secret");
  return { kind, namespace, name, data };
}
