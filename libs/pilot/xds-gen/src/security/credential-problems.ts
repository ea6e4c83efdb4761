import type { KeyPair, Usable } from "@xebec/model-pki";
import { namespacesWithSecret } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";
import { type CredentialReference, parseCredentialResource } from "./credential-name.ts";
import { keyPairFor, mayHave, rootsFor } from "./credentials.ts";

/** What is wrong with a credential that a proxy is to get, as a sentence; undefined when all is well. @param resource its SDS name */
export function credentialProblem(scope: Scope, resource: string): string | undefined {
  const reference = parseCredentialResource(resource, scope.proxyClass.namespace);
  if (!reference) return `${resource} is not the name of a Secret`;
  const { kind, namespace, name } = reference;
  if (!mayHave(scope, resource, reference))
    return `${kind} ${namespace}/${name}: it must be in the namespace of the proxy, ${scope.proxyClass.namespace}`;
  const found = reference.part === "roots" ? rootsFor(scope, reference) : keyPairFor(scope, reference);
  if (!("problem" in found))
    return reference.part === "roots" ? undefined : outOfDate(found as Usable<KeyPair>, reference);
  return `${found.problem}${elsewhere(scope, reference)}`;
}

/** Secrets are looked for beside the proxy, which is often not where the Gateway is. */
function elsewhere(scope: Scope, { namespace, name }: CredentialReference): string {
  const others = scope.read(namespacesWithSecret, name).filter((each) => each !== namespace);
  return others.length > 0 ? `; the one in ${others.join(", ")} does not count: it must be where the proxy is` : "";
}

/** Envoy serves a certificate that is not valid any more, and clients refuse it. */
function outOfDate(found: Usable<KeyPair>, { kind, namespace, name }: CredentialReference): string | undefined {
  if (!("value" in found)) return undefined;
  const { notBefore, notAfter } = found.value;
  const now = Date.now();
  if (now > notAfter) return `${kind} ${namespace}/${name}: its certificate ended ${dateOf(notAfter)}`;
  if (now < notBefore) return `${kind} ${namespace}/${name}: its certificate begins ${dateOf(notBefore)}`;
  return undefined;
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}
