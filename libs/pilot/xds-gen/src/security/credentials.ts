import { type KeyPair, secretKey, type TrustedRoots, type Usable } from "@xebec/model-pki";
import { credentialOf, credentialRulesOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";
import { type CredentialReference, credentialResource, objectNames, rootsResource } from "./credential-name.ts";

/**
 * Says whether the class may have a credential: a router those of its own namespace, a sidecar those that a DestinationRule with a
 * `workloadSelector` names for it. None crosses namespaces, as in Istio without a ReferenceGrant (docs/reference/pilot.md §2.12).
 */
export function mayHave(scope: Scope, resource: string, { namespace, kind }: CredentialReference): boolean {
  const { type, namespace: own, labels } = scope.proxyClass;
  if (namespace !== own) return false;
  // What a ConfigMap holds of authorities is public.
  if (type === "router" || kind === "ConfigMap") return true;
  return scope
    .read(credentialRulesOf, own, labels)
    .some((name) => credentialResource(name) === resource || rootsResource(name) === resource);
}

/** A certificate with its key, or why there is none. */
export function keyPairFor(scope: Scope, reference: CredentialReference): Usable<KeyPair> {
  return partOf(scope, reference, (found) => found.keyPair);
}

/** Trusted authorities, or why there are none. */
export function rootsFor(scope: Scope, reference: CredentialReference): Usable<TrustedRoots> {
  return partOf(scope, reference, (found) => found.roots);
}

type Found = NonNullable<ReturnType<typeof credentialOf.run>>;

function partOf<T>(scope: Scope, reference: CredentialReference, part: (found: Found) => Usable<T>): Usable<T> {
  const { kind, namespace } = reference;
  const names = objectNames(reference);
  for (const name of names) {
    const found = scope.read(credentialOf, secretKey({ kind, namespace, name }));
    if (!found) continue;
    const usable = part(found);
    return "problem" in usable ? { problem: `${kind} ${namespace}/${name}: ${usable.problem}` } : usable;
  }
  return { problem: `no ${kind} ${names.map((name) => `${namespace}/${name}`).join(" or ")}` };
}
