import { type ValueType, valueTypeOf } from "@xebec/model-attributes";
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

/** Checks the types of a manifest's attributes (docs/reference/mixer.md §7.1). */
export function checkManifest(spec: ManifestSpec): CheckedManifest {
  const attributes: [string, ValueType][] = [];
  const violations: MixerViolation[] = [];
  for (const [name, { valueType }] of Object.entries(spec.attributes ?? {})) {
    const type = valueTypeOf(valueType);
    if (type) attributes.push([name, type]);
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
