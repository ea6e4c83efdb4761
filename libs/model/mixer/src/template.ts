import type { ValueType } from "@xebec/model-attributes";
import { field, map, message, string } from "@xebec/model-schema";
import type { TObject, TSchema } from "typebox";

/** What an adapter does with a template's instances: decide, record, count down, or find attributes. */
export type Variety = "check" | "report" | "quota" | "attributes";

/** The type of a leaf; `ANY` leaves take the type of their expression. */
export type LeafType = ValueType | "ANY";

/** A field of a template. In configuration every leaf is a string that holds an expression. */
export interface TemplateField {
  /** As in the template's proto, `monitored_resource_type`. */
  readonly name: string;
  /** As adapters see it, `monitoredResourceType`. */
  readonly key: string;
  /** As errors of Istio name it, `MonitoredResourceType`. */
  readonly goName: string;
  readonly form: "leaf" | "map" | "message";
  /** The type of the leaf or of the map's values. */
  readonly type: LeafType;
  /** The fields of a nested message. */
  readonly fields: readonly TemplateField[];
}

/** A kind of instance: what it holds and what is done with it. */
export interface Template {
  readonly name: string;
  readonly variety: Variety;
  readonly fields: readonly TemplateField[];
  /** Schema of an instance's `params`; keys in lower camel case. */
  readonly params: TObject;
}

type FieldSpec = LeafType | readonly [LeafType] | { readonly [name: string]: FieldSpec };

/**
 * Describes a template.
 * @param fields by proto name: a type for a leaf, a type in brackets for a map from text, an object for a nested message
 */
export function defineTemplate(name: string, variety: Variety, fields: Readonly<Record<string, FieldSpec>>): Template {
  const list = fieldsOf(fields);
  const bindings: Record<string, TSchema> =
    variety === "attributes"
      ? { attributeBindings: field(map(string()), "Expressions for attributes, of the adapter's output.") }
      : {};
  return { name, variety, fields: list, params: schemaOf(name, list, bindings) };
}

function fieldsOf(specs: Readonly<Record<string, FieldSpec>>): TemplateField[] {
  return Object.entries(specs).map(([name, spec]) => {
    const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const goName = key.charAt(0).toUpperCase() + key.slice(1);
    const names = { name, key, goName };
    if (typeof spec === "string") return { ...names, form: "leaf", type: spec, fields: [] };
    if (isMap(spec)) return { ...names, form: "map", type: spec[0], fields: [] };
    return { ...names, form: "message", type: "ANY", fields: fieldsOf(spec) };
  });
}

const isMap = (spec: FieldSpec): spec is readonly [LeafType] => Array.isArray(spec);

function schemaOf(title: string, fields: readonly TemplateField[], more: Record<string, TSchema> = {}): TObject {
  const properties: Record<string, TSchema> = {};
  for (const { key, form, type, fields: inner } of fields)
    properties[key] =
      form === "message"
        ? field(schemaOf(`${title}.${key}`, inner), "A nested message.")
        : form === "map"
          ? field(map(string()), `Expressions of type ${type} by name.`)
          : field(string(), `An expression of type ${type}.`);
  return message(title, { ...properties, ...more });
}
