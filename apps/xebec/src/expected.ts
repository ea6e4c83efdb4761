import { type MixerContext, STANDARD_CONTEXT, validateObject } from "@xebec/galley-validate";
import { contentHash, keyOf } from "@xebec/model-resources";
import { localHashes } from "@xebec/platform-local";
import type { InputObject } from "./read-input.ts";

/** What the mesh reports once a change has arrived: the hash of each object, undefined for one that is deleted. */
export interface Expected {
  /** Objects that galley publishes, by `keyOf`. */
  readonly config: ReadonlyMap<string, string | undefined>;
  /** Objects that the local platform reads itself, by `KIND/NAMESPACE/NAME`. */
  readonly local: ReadonlyMap<string, string | undefined>;
}

/**
 * What was applied or deleted, as galley and the local platform will have it.
 * @param mixer what objects of Mixer's were checked against
 */
export function expectedOf(
  objects: readonly InputObject[],
  { mixer = STANDARD_CONTEXT, gone = false }: { readonly mixer?: MixerContext; readonly gone?: boolean } = {},
): Expected {
  const entry = (key: string, hash: string): [string, string | undefined] => [key, gone ? undefined : hash];
  const config = new Map<string, string | undefined>();
  const local = new Map<string, string | undefined>();
  for (const object of objects) {
    const result = validateObject(object, { mixer });
    if (result.outcome === "accepted") config.set(...entry(keyOf(result.resource), contentHash(result.resource)));
    for (const [key, hash] of localHashes(JSON.stringify(object.value))) local.set(...entry(key, hash));
  }
  return { config, local };
}
