import type { JsonSchema } from "./json-schema.ts";

/** What is taken over of a CustomResourceDefinition's schema. */
interface Structural {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Structural>>;
  readonly additionalProperties?: Structural;
  readonly items?: Structural;
  readonly enum?: readonly string[];
}

/** The schema of a kind's spec for a chart's values: fields that it does not have are refused. */
export function strictSchema(node: Structural): JsonSchema {
  const { type, description, properties, items } = node;
  return {
    ...(description ? { description } : {}),
    ...(type ? { type } : {}),
    ...(node.enum ? { enum: node.enum } : {}),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, strictSchema(each)])) }
      : {}),
    ...(items ? { items: strictSchema(items) } : {}),
    ...(node.additionalProperties
      ? { additionalProperties: strictSchema(node.additionalProperties) }
      : // The definition keeps unknown fields, so that the webhook can name them; values have no webhook.
        properties
        ? { additionalProperties: false }
        : {}),
  };
}
