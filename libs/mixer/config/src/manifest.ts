import { STANDARD_ATTRIBUTES, type ValueType, valueTypeOf } from "@xebec/model-attributes";
import { type MixerViolation, violation } from "./violation.ts";

/** Spec of an attributemanifest. */
export interface ManifestSpec {
  readonly attributes?: Readonly<Record<string, { readonly valueType?: string | number }>>;
}

/** A manifest that was checked. */
export interface CheckedManifest {
  /** The attributes that have a type. */
  readonly attributes: readonly (readonly [name: string, type: ValueType])[];
  readonly violations: readonly MixerViolation[];
}

/** What is said of an attribute that has another type already. */
export function conflictText(existing: ValueType, type: ValueType): string {
  return `it is ${existing} already and cannot be ${type}`;
}

/** Checks the types of a manifest's attributes (docs/reference/mixer.md §7.1). */
export function checkManifest(spec: ManifestSpec): CheckedManifest {
  const attributes: [string, ValueType][] = [];
  const violations: MixerViolation[] = [];
  for (const [name, { valueType }] of Object.entries(spec.attributes ?? {})) {
    const type = valueTypeOf(valueType);
    const standard = STANDARD_ATTRIBUTES.get(name);
    if (type && standard && standard !== type)
      violations.push(violation("Conflict", ["spec", "attributes", name], conflictText(standard, type)));
    else if (type) attributes.push([name, type]);
    else
      violations.push(
        violation(
          "InvalidSpec",
          ["spec", "attributes", name, "valueType"],
          valueType === undefined ? "is required" : `${JSON.stringify(valueType)} is not a value type`,
        ),
      );
  }
  return { attributes, violations };
}
