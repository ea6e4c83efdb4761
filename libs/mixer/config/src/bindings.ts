import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import type { Template } from "@xebec/model-mixer";

/** How bindings name the output of their template (docs/reference/mixer.md §5): `$out.FIELD`, and of adapters elsewhere `output.FIELD`. */
export const OUTPUT_PREFIXES: readonly string[] = ["_out.", "output."];

/** A binding as the expression language reads it, which knows no `$`. The text keeps its length, so that columns stay right. */
export function bindingText(text: string): string {
  return text.replaceAll("$out.", "_out.");
}

/** The attributes that a binding may read: all, and the output of its template. */
export function bindingVocabulary({ output }: Pick<Template, "output">, vocabulary: Vocabulary): Vocabulary {
  const own = new Map<string, ValueType>();
  for (const prefix of OUTPUT_PREFIXES) for (const { name, type } of output) own.set(prefix + name, type);
  return { typeOf: (name) => own.get(name) ?? vocabulary.typeOf(name), names: () => vocabulary.names() };
}
