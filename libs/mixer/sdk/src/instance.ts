import type { AttributeValue, Int64, StringMap, Timestamp, ValueType } from "@xebec/model-attributes";
import type {
  FieldSpec,
  FieldSpecs,
  LeafType,
  listentry,
  logentry,
  metric,
  OutputSpecs,
  quota,
  Template,
  Variety,
} from "@xebec/model-mixer";

/** A map of evaluated expressions: names in ascending order, with the type and the value of each. */
export interface ValueMap {
  readonly names: readonly string[];
  readonly types: readonly ValueType[];
  readonly values: readonly AttributeValue[];
}

/** What all instances have. `types` holds the type of each leaf that was configured, by its key. */
export interface Instance {
  /** `<name>.<kind>.<namespace>`. */
  readonly name: string;
  readonly types: Readonly<Record<string, ValueType>>;
}

/** `monitored_resource_type` as adapters see it: `monitoredResourceType`. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** What a value of a type is in JavaScript. */
export type ValueOf<T extends LeafType> = T extends "ANY"
  ? AttributeValue
  : T extends "INT64" | "DURATION"
    ? Int64
    : T extends "DOUBLE"
      ? number
      : T extends "BOOL"
        ? boolean
        : T extends "TIMESTAMP"
          ? Timestamp
          : T extends "IP_ADDRESS"
            ? Uint8Array
            : T extends "STRING_MAP"
              ? StringMap
              : string;

type FieldOf<F extends FieldSpec> = F extends LeafType
  ? ValueOf<F>
  : F extends readonly [LeafType]
    ? ValueMap
    : F extends FieldSpecs
      ? FieldsOf<F>
      : never;

/** The fields of a template's instances. A field that is not configured is absent. */
export type FieldsOf<F extends FieldSpecs> = {
  readonly [K in keyof F as K extends string ? CamelCase<K> : never]?: FieldOf<F[K]>;
};

/**
 * The instances of a template. Those of one request with equal maps share one object for them, so an adapter may keep what it
 * computed for it from one sample to the next.
 */
export type InstanceOf<T extends Template> =
  T extends Template<string, Variety, infer F, OutputSpecs> ? Instance & FieldsOf<F> : never;

/** What an adapter gives back for a template; a field that is left out is an absent attribute. */
export type OutputOf<T extends Template> =
  T extends Template<string, Variety, FieldSpecs, infer O>
    ? { readonly [K in keyof O as K extends string ? CamelCase<K> : never]?: ValueOf<O[K]> }
    : never;

export type MetricInstance = InstanceOf<typeof metric>;
export type LogEntryInstance = InstanceOf<typeof logentry>;
export type ListEntryInstance = InstanceOf<typeof listentry>;
export type QuotaInstance = InstanceOf<typeof quota>;

/** What is known about an instance before any request: its name, template, and the types of its values. */
export interface InstanceShape {
  readonly name: string;
  readonly template: string;
  /** The type of each leaf that is configured, by its key. */
  readonly types: Readonly<Record<string, ValueType>>;
  /** The names and types of each map that is configured, by its key. */
  readonly maps: Readonly<Record<string, Readonly<Record<string, ValueType>>>>;
}
