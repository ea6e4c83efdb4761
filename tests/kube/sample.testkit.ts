/** What is used of a structural schema. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
}

const TEXTS = ["a", "1s", "10.0.0.1", "/a", "1", "a.b", "default/a", "GET", "*", "OK"];

/** A value with every field that a schema has. */
export function sampleOf(schema: Schema): unknown {
  if (schema.properties)
    return Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => [name, sampleOf(each)]));
  if (schema.items) return [sampleOf(schema.items)];
  if (schema["x-kubernetes-preserve-unknown-fields"]) return { any: { thing: [1, "b", { c: true }] } };
  if (schema.additionalProperties) return { key: sampleOf(schema.additionalProperties) };
  if (schema.type === "object") return {};
  if (schema.enum) return schema.enum.at(-1);
  if (schema.type === "boolean") return true;
  if (schema.type === "integer" || schema.type === "number") return Math.max(schema.minimum ?? 0, 1);
  if (schema.format === "byte") return "YQ==";
  const { pattern } = schema;
  const text = pattern === undefined ? "a" : TEXTS.find((each) => new RegExp(pattern).test(each));
  if (text === undefined) throw new Error(`no text is known for ${pattern}`);
  return text;
}
