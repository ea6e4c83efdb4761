import { STANDARD_ATTRIBUTES } from "./standard.ts";
import type { ValueType } from "./value-type.ts";

/** Which attributes there are and of which type: the standard ones and those that manifests add. */
export interface Vocabulary {
  /** The type of an attribute; undefined when nobody declared it. */
  typeOf(name: string): ValueType | undefined;
  names(): Iterable<string>;
}

/** A manifest wanted another type for an attribute than it has. */
export interface VocabularyConflict {
  readonly attribute: string;
  readonly type: ValueType;
  readonly existing: ValueType;
}

/**
 * Makes a vocabulary of the standard attributes and further declarations; the first declaration of a name holds.
 * @param declared name and type pairs, in order of precedence
 * @param conflict is called with every declaration that contradicts an earlier one
 */
export function createVocabulary(
  declared: Iterable<readonly [string, ValueType]> = [],
  conflict?: (each: VocabularyConflict) => void,
): Vocabulary {
  const types = new Map(STANDARD_ATTRIBUTES);
  for (const [attribute, type] of declared) {
    const existing = types.get(attribute);
    if (existing === undefined) types.set(attribute, type);
    else if (existing !== type) conflict?.({ attribute, type, existing });
  }
  return { typeOf: (name) => types.get(name), names: () => types.keys() };
}
