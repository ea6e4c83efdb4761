import type { AttributeValue, Timestamp, ValueType } from "@xebec/model-attributes";

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

/**
 * Instances of one request with equal dimensions share one `dimensions` object, so an adapter may keep what it
 * computed for it from one sample to the next.
 */
export interface MetricInstance extends Instance {
  readonly value?: AttributeValue;
  readonly dimensions?: ValueMap;
  readonly monitoredResourceType?: string;
  readonly monitoredResourceDimensions?: ValueMap;
}

export interface LogEntryInstance extends Instance {
  readonly variables?: ValueMap;
  readonly timestamp?: Timestamp;
  readonly severity?: string;
  readonly monitoredResourceType?: string;
  readonly monitoredResourceDimensions?: ValueMap;
}

export interface ListEntryInstance extends Instance {
  readonly value?: AttributeValue;
}

export interface QuotaInstance extends Instance {
  readonly dimensions?: ValueMap;
}

/** What is known about an instance before any request: its name, template, and the types of its values. */
export interface InstanceShape {
  readonly name: string;
  readonly template: string;
  /** The type of each leaf that is configured, by its key. */
  readonly types: Readonly<Record<string, ValueType>>;
  /** The names and types of each map that is configured, by its key. */
  readonly maps: Readonly<Record<string, Readonly<Record<string, ValueType>>>>;
}
