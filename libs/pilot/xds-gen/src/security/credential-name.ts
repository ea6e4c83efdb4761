import type { SecretKind } from "@xebec/model-pki";

/** Where a credential is, and which part of it is meant. */
export interface CredentialReference {
  readonly kind: SecretKind;
  readonly namespace: string;
  readonly name: string;
  /** The trusted authorities, or a certificate with its key. */
  readonly part: "roots" | "keyPair";
}

/** Ends the name of a credential of which only the authorities are meant. */
const ROOTS_SUFFIX = "-cacert";
const DEFAULT_SCHEME = "kubernetes://";
const KNOWN = /^(kubernetes|kubernetes-gateway|configmap):\/\/(?:([^/]*)\/)?([^/]+)$/;
const SCHEME = /^[a-z-]+:\/\//;

/**
 * The names of the SDS resources for a `credentialName` (docs/reference/pilot.md §2.12).
 * @param credentialName a Secret's name, `NAMESPACE/NAME`, or one with its scheme: `kubernetes-gateway://NAMESPACE/NAME`
 */
export function credentialResource(credentialName: string): string {
  return SCHEME.test(credentialName) ? credentialName : `${DEFAULT_SCHEME}${credentialName}`;
}

/** The same for the authorities of a credential. */
export function rootsResource(credentialName: string): string {
  const name = credentialResource(credentialName);
  return name.startsWith("configmap://") || name.endsWith(ROOTS_SUFFIX) ? name : `${name}${ROOTS_SUFFIX}`;
}

/**
 * Takes the name of an SDS resource apart.
 * @param ownNamespace of a name that says no other
 * @returns undefined for one that pilot does not serve
 */
export function parseCredentialResource(resource: string, ownNamespace: string): CredentialReference | undefined {
  const [, scheme, namespace, name] = KNOWN.exec(resource) ?? [];
  if (!scheme || !name || namespace === "" || (scheme !== "kubernetes" && namespace === undefined)) return undefined;
  const isConfigMap = scheme === "configmap";
  return {
    kind: isConfigMap ? "ConfigMap" : "Secret",
    namespace: namespace ?? ownNamespace,
    name,
    part: isConfigMap || name.endsWith(ROOTS_SUFFIX) ? "roots" : "keyPair",
  };
}

/** The names of the objects that may hold a credential, the one that counts first in front. */
export function objectNames({ kind, name, part }: CredentialReference): readonly string[] {
  const isCombined = kind === "Secret" && part === "roots";
  return isCombined ? [name, name.slice(0, -ROOTS_SUFFIX.length)] : [name];
}
