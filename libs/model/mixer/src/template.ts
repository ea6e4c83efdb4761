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

/** An attribute that an adapter gives back: of an attribute-generating template, or of a check with output. */
export interface OutputField {
  /** As bindings name it, `source_pod_ip`. */
  readonly name: string;
  /** As adapters write it, `sourcePodIp`. */
  readonly key: string;
  readonly type: ValueType;
}

/** A field as a template is written: a type for a leaf, a type in brackets for a map of strings to it, an object for a nested message. */
export type FieldSpec = LeafType | readonly [LeafType] | FieldSpecs;
export type FieldSpecs = { readonly [name: string]: FieldSpec };
export type OutputSpecs = { readonly [name: string]: ValueType };

/** How a template is written in Istio's protocol for adapters of a process of their own (docs/reference/mixer.md §1.5). */
export interface TemplateWire {
  /** The protobuf package; the template's name when left out. */
  readonly package?: string;
  /** `ListEntry` of `HandleListEntryService`; the template's name with a capital when left out. */
  readonly service?: string;
  /** Numbers of fields by their names, `subject.user` for nested ones; the others are counted from 1. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** Numbers of output fields by their names; the others are counted from 1. */
  readonly outputNumbers?: Readonly<Record<string, number>>;
}

/** A template as it is written. */
export interface TemplateSpec<
  N extends string = string,
  V extends Variety = Variety,
  F extends FieldSpecs = FieldSpecs,
  O extends OutputSpecs = OutputSpecs,
> {
  /** Letters and digits; the value of `compiledTemplate`. */
  readonly name: N;
  readonly variety: V;
  readonly description?: string;
  /** By proto name, `monitored_resource_type`. */
  readonly fields: F;
  /** What an adapter gives back, by proto name: attributes of the variety `attributes`, or of a check. */
  readonly output?: O;
  readonly wire?: TemplateWire;
}

/** A kind of instance: what it holds and what is done with it. The type parameters give instances their types. */
export interface Template<
  N extends string = string,
  V extends Variety = Variety,
  F extends FieldSpecs = FieldSpecs,
  O extends OutputSpecs = OutputSpecs,
> {
  readonly name: N;
  readonly variety: V;
  readonly description: string;
  readonly fields: readonly TemplateField[];
  /** Empty for templates whose adapters give nothing back. */
  readonly output: readonly OutputField[];
  /** Schema of an instance's `params`; keys in lower camel case. */
  readonly params: TObject;
  /** What the template was written as. */
  readonly spec: TemplateSpec<N, V, F, O>;
}

const NAME = /^[a-zA-Z][a-zA-Z0-9]*$/;
const FIELD_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

/**
 * Defines a template: it is data, its instances get their types from it.
 * @throws TypeError for a name that is none, a field that is called `name`, or output of a variety that has none
 */
export function defineTemplate<
  const N extends string,
  const V extends Variety,
  const F extends FieldSpecs,
  const O extends OutputSpecs = Record<never, never>,
>(spec: TemplateSpec<N, V, F, O>): Template<N, V, F, O> {
  const { name, variety, description = "", fields, output = {} } = spec;
  if (!NAME.test(name)) throw new TypeError(`the template name "${name}" must be letters and digits`);
  const outputs = Object.entries<ValueType>(output as OutputSpecs).map(([each, type]) => ({
    name: each,
    key: camelCase(each),
    type,
  }));
  if (outputs.length > 0 && variety !== "attributes" && variety !== "check")
    throw new TypeError(`the template ${name} is of variety ${variety}, which has no output`);
  const list = fieldsOf(name, fields);
  const bindings: Record<string, TSchema> =
    variety === "attributes"
      ? { attributeBindings: field(map(string()), "Expressions for attributes, of the adapter's output.") }
      : {};
  return { name, variety, description, fields: list, output: outputs, params: schemaOf(name, list, bindings), spec };
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function fieldsOf(template: string, specs: FieldSpecs): TemplateField[] {
  return Object.entries(specs).map(([name, spec]) => {
    if (!FIELD_NAME.test(name) || name === "name" || name === "types")
      throw new TypeError(`the template ${template} cannot have a field "${name}"`);
    const key = camelCase(name);
    const goName = key.charAt(0).toUpperCase() + key.slice(1);
    const names = { name, key, goName };
    if (typeof spec === "string") return { ...names, form: "leaf", type: spec, fields: [] };
    if (isMap(spec)) return { ...names, form: "map", type: spec[0], fields: [] };
    return { ...names, form: "message", type: "ANY", fields: fieldsOf(template, spec) };
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
