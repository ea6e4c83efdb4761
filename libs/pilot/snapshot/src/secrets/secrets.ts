import type { Credential } from "@xebec/model-pki";
import { PersistentMap } from "../collections/persistent-map.ts";
import type { Edit } from "../kinds/kind.ts";
import { Query } from "../query.ts";

/** Kubernetes' Secrets and ConfigMaps that hold credentials. What is in them leaves pilot only by SDS. */
export interface SecretState {
  /** By `secretKey`. */
  readonly secrets: PersistentMap<Credential>;
}

export const secretKeys = {
  /** @param id `secretKey` */
  secret: (id: string): string => `secret/${id}`,
  /** Which Secrets there are. */
  secretNames: "secrets",
} as const;

export const NO_SECRETS: SecretState = { secrets: PersistentMap.empty() };

/** The state in parts, each with the dependency key that a reader of the part notes. */
export function* secretParts({ secrets }: SecretState): Iterable<readonly [string, unknown]> {
  for (const each of secrets.values()) {
    yield [secretKeys.secret(each.id), each];
    yield [secretKeys.secretNames, each.id];
  }
}

/** Takes a credential, or its end. @param id `secretKey` */
export function replaceSecret(
  { state, changed, batch }: Edit<SecretState>,
  id: string,
  after: Credential | undefined,
): void {
  const before = state.secrets.get(id);
  if (!before && !after) return;
  state.secrets = state.secrets.edit([[id, after]], batch);
  changed.add(secretKeys.secret(id));
  if (!before !== !after) changed.add(secretKeys.secretNames);
}

/** The credential of an object. @param id `secretKey` */
export const credentialOf = new Query(({ secrets }: SecretState, keys, id: string): Credential | undefined => {
  keys.add(secretKeys.secret(id));
  return secrets.get(id);
});

/** The namespaces that have an object of a name. */
export const namespacesWithSecret = new Query(({ secrets }: SecretState, keys, name: string): readonly string[] => {
  keys.add(secretKeys.secretNames);
  return [...secrets.values()].filter((each) => each.name === name).map((each) => each.namespace);
});
