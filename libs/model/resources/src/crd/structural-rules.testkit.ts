import type { StructuralSchema } from "./structural.ts";

// What the API server demands of a CustomResourceDefinition's schema: "Specifying a structural schema" and the fields that are
// forbidden there, of Kubernetes' documentation of custom resources; limits and formats as in apiextensions' validation.

const KEYWORDS = new Set([
  ...["type", "description", "properties", "required", "additionalProperties", "items", "minItems", "enum", "format"],
  ...["minimum", "maximum", "minLength", "pattern", "x-kubernetes-preserve-unknown-fields"],
  "x-kubernetes-validations",
]);
const FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ["int32", "int64"], string: ["byte"] };

/** What is not structural, as `path: why`. */
export function structuralErrors(schema: StructuralSchema, path = "openAPIV3Schema"): string[] {
  const errors: string[] = [];
  const preserves = schema["x-kubernetes-preserve-unknown-fields"] === true;
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.has(keyword)) errors.push(`${path}: ${keyword} is forbidden`);
  if (schema.type === undefined && !preserves) errors.push(`${path}: type is required`);
  if (schema.properties && schema.additionalProperties)
    errors.push(`${path}: properties and additionalProperties exclude each other`);
  if ((schema.properties || schema.additionalProperties || schema.required) && schema.type !== "object")
    errors.push(`${path}: only objects have properties`);
  if (schema.type === "array" && !schema.items) errors.push(`${path}: items is required`);
  if (schema.items && schema.type !== "array") errors.push(`${path}: only arrays have items`);
  for (const name of schema.required ?? [])
    if (!schema.properties?.[name]) errors.push(`${path}: required ${name} is not a property`);
  if (schema.format !== undefined && !FORMATS[schema.type ?? ""]?.includes(schema.format))
    errors.push(`${path}: format ${schema.format} is not one of a ${schema.type}`);
  if (schema.enum && new Set(schema.enum).size !== schema.enum.length) errors.push(`${path}: enum has a value twice`);
  if (schema.pattern !== undefined && /\(\?[=!<]|\\[1-9]/.test(schema.pattern))
    errors.push(`${path}: pattern is not RE2`);
  for (const [name, each] of Object.entries(schema.properties ?? {}))
    errors.push(...structuralErrors(each, `${path}.${name}`));
  if (schema.additionalProperties) errors.push(...structuralErrors(schema.additionalProperties, `${path}{}`));
  if (schema.items) errors.push(...structuralErrors(schema.items, `${path}[]`));
  return errors;
}
