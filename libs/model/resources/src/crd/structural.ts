import { notSupported, type SchemaNode } from "@xebec/model-schema";

/** Kubernetes' structural schema, as far as ours need it (apiextensions v1, JSONSchemaProps). */
export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly minItems?: number;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  /** Rules in CEL, which the API server checks. */
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

const PRESERVE = { "x-kubernetes-preserve-unknown-fields": true } as const;

/**
 * A schema as the API server takes it. Fields of Istio's that are not supported are named with the reason, for `kubectl explain`, and so
 * that they reach galley's webhook.
 */
export function structuralSchema(node: SchemaNode): StructuralSchema {
  const description = describe(node);
  switch (node.type) {
    case undefined:
      return { ...description, ...PRESERVE };
    case "object":
      return { ...description, ...objectSchema(node) };
    case "array":
      return {
        ...description,
        ...pick(node, ["type", "minItems"]),
        items: structuralSchema(node.items ?? {}),
      };
    case "integer":
      return { ...description, ...pick(node, ["type", "minimum", "maximum"]), format: integerFormat(node) };
    default:
      return {
        ...description,
        ...pick(node, ["type", "enum", "minimum", "maximum", "minLength", "pattern"]),
        ...(node.format === "byte" ? { format: "byte" } : {}),
      };
  }
}

/**
 * A schema whose parts keep fields that it does not name, and ask for none. Kubernetes drops such fields, or refuses them without a hint, and
 * where a required field is misspelt it says no more than that it is missing: so they reach galley's webhook, which says what was meant.
 */
export function keepingUnknown(schema: StructuralSchema): StructuralSchema {
  const { required: _, ...rest } = schema;
  const { properties, additionalProperties, items } = rest;
  return {
    ...rest,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, each]) => [name, keepingUnknown(each)]),
          ),
          ...PRESERVE,
        }
      : {}),
    // A map in the place of a list keeps its fields, so that the answer is that it has to be a list.
    ...(items ? PRESERVE : {}),
    ...(additionalProperties ? { additionalProperties: keepingUnknown(additionalProperties) } : {}),
    ...(items ? { items: keepingUnknown(items) } : {}),
  };
}

function objectSchema(node: SchemaNode): StructuralSchema {
  const [values] = Object.values(node.patternProperties ?? {});
  // A structural schema has no patterns of keys: galley's webhook checks them.
  if (values) return { type: "object", additionalProperties: structuralSchema(values) };
  const known = Object.entries(node.properties ?? {}).map(([name, each]) => [name, structuralSchema(each)]);
  const unsupported = Object.entries(node.unsupported ?? {}).map(([name, advice]) => [
    name,
    { description: `It ${notSupported(advice)}.`, ...PRESERVE },
  ]);
  return {
    type: "object",
    ...(known.length > 0 ? { properties: Object.fromEntries([...known, ...unsupported]) } : {}),
    ...(node.required?.length ? { required: node.required } : {}),
    ...(node.additionalProperties === true ? PRESERVE : {}),
  };
}

function integerFormat({ maximum }: SchemaNode): string {
  return maximum !== undefined && maximum <= 2_147_483_647 ? "int32" : "int64";
}

function describe({ description, noEffect }: SchemaNode): { description?: string } {
  if (description === undefined) return {};
  return { description: noEffect === undefined ? description : `${description} Without effect: ${noEffect}.` };
}

function pick<K extends keyof StructuralSchema & keyof SchemaNode>(
  node: SchemaNode,
  keys: readonly K[],
): StructuralSchema {
  return Object.fromEntries(keys.filter((key) => node[key] !== undefined).map((key) => [key, node[key]]));
}
