import { type MixerContext, STANDARD_CONTEXT, validateObject } from "@xebec/galley-validate";
import { contentHash, keyOf } from "@xebec/model-resources";
import { localMarks } from "@xebec/platform-local";
import type { InputObject } from "./read-input.ts";

/** What the mesh shall say when a change has arrived: the mark of each object, undefined for one that shall be gone. */
export interface Wanted {
  /** Objects that galley publishes, by `keyOf`. */
  readonly config: ReadonlyMap<string, string | undefined>;
  /** Objects that the local platform reads itself, by `KIND/NAMESPACE/NAME`. */
  readonly local: ReadonlyMap<string, string | undefined>;
}

/**
 * What was applied or deleted, as galley and the local platform will have it.
 * @param mixer what objects of Mixer's were checked against
 */
export function wantedOf(
  objects: readonly InputObject[],
  { mixer = STANDARD_CONTEXT, gone = false }: { readonly mixer?: MixerContext; readonly gone?: boolean } = {},
): Wanted {
  const marked = (key: string, mark: string): [string, string | undefined] => [key, gone ? undefined : mark];
  const config = new Map<string, string | undefined>();
  const local = new Map<string, string | undefined>();
  for (const object of objects) {
    const result = validateObject(object, { mixer });
    if (result.outcome === "accepted") config.set(...marked(keyOf(result.resource), contentHash(result.resource)));
    for (const [key, mark] of localMarks(JSON.stringify(object.value))) local.set(...marked(key, mark));
  }
  return { config, local };
}
