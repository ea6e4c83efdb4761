import type { EncodedResource } from "../encode/encoded.ts";
import { encodeKeyPair, encodeRoots } from "../encode/secret.ts";
import type { Scope } from "../scope/scope.ts";
import { parseCredentialResource } from "../security/credential-name.ts";
import { credentialUsers } from "../security/credential-users.ts";
import { keyPairFor, mayHave, rootsFor } from "../security/credentials.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/**
 * The secrets that a proxy requested by name. One that is missing or not fit for Envoy, or that is not for this proxy, yields none:
 * Envoy goes on with what it has of it.
 */
export function secrets(scope: Scope, { names: { key, names } }: ResourceRequest): ResourceSet {
  return scope.cached(`set/sds/${key}`, (inner) => resourceSet(names.flatMap((name) => secret(inner, name) ?? [])));
}

function secret(scope: Scope, name: string): EncodedResource | undefined {
  const reference = parseCredentialResource(name, scope.proxyClass.namespace);
  if (!reference || !mayHave(scope, name, reference)) return undefined;
  const users = credentialUsers(scope, name);
  if (reference.part === "roots") {
    const roots = rootsFor(scope, reference);
    return "value" in roots ? encodeRoots(name, roots.value, users) : undefined;
  }
  const pair = keyPairFor(scope, reference);
  return "value" in pair ? encodeKeyPair(name, pair.value, users) : undefined;
}
