import type { TSchema } from "typebox";

/** One configuration kind: everything that is known of it in one place. */
export interface Kind {
  readonly group: string;
  readonly kind: string;
  /** Lower-case plural, as in a CRD's name. */
  readonly plural: string;
  /** Versions that are accepted, newest last. All share the schema. */
  readonly versions: readonly string[];
  readonly shortNames: readonly string[];
  /** Structure of `spec`. */
  readonly schema: TSchema;
}
