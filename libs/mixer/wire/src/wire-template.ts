import {
  type DescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { defineTemplate, type LeafType, type Template, type TemplateField, type Variety } from "@xebec/mixer-sdk";
import type { ValueType } from "@xebec/model-attributes";
import { DescriptorFiles, fileOption } from "./descriptors.ts";

/** How a field is written. `policy` is one of Istio's messages with one `value`; `any` is istio.policy.v1beta1.Value. */
export interface WireField {
  readonly key: string;
  readonly number: number;
  readonly form: "leaf" | "map" | "message";
  /** Of the leaf, or of the map's values. */
  readonly kind: "scalar" | "policy" | "any" | "enum" | "labels" | "message";
  readonly type: LeafType;
  /** The protobuf type of a scalar. */
  readonly scalar: Type;
  readonly fields: readonly WireField[];
  /** Numbers of an enumeration by their names. */
  readonly values?: ReadonlyMap<string, number>;
}

/** A template with its form in Istio's protocol for adapters. */
export interface WireTemplate {
  readonly template: Template;
  /** `/metric.HandleMetricService/HandleMetric`. */
  readonly path: string;
  readonly fields: readonly WireField[];
  readonly output: readonly WireField[];
}

const VARIETY_OPTION = 72_295_727;
const NAME_OPTION = 72_295_888;
/** `InstanceMsg.name`. */
export const NAME_FIELD = 72_295_727;
const VARIETIES: readonly Variety[] = ["check", "report", "quota", "attributes", "check"];

const POLICY: Readonly<Record<string, ValueType>> = {
  ".istio.policy.v1beta1.Duration": "DURATION",
  ".istio.policy.v1beta1.TimeStamp": "TIMESTAMP",
  ".istio.policy.v1beta1.IPAddress": "IP_ADDRESS",
  ".istio.policy.v1beta1.DNSName": "DNS_NAME",
  ".istio.policy.v1beta1.EmailAddress": "EMAIL_ADDRESS",
  ".istio.policy.v1beta1.Uri": "URI",
};
const VALUE = ".istio.policy.v1beta1.Value";
const SCALARS: Partial<Record<ValueType, Type>> = {
  STRING: Type.STRING,
  INT64: Type.INT64,
  DOUBLE: Type.DOUBLE,
  BOOL: Type.BOOL,
};

const keyOf = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The form of a template that is known by itself: numbers in the order of its fields, but for those that it names. */
export function wireOfTemplate(template: Template): WireTemplate {
  const { wire = {}, name } = template.spec;
  const scope = wire.package ?? name.toLowerCase();
  const service = wire.service ?? name.charAt(0).toUpperCase() + name.slice(1);
  const fields = fieldsOf(template.fields, wire.numbers ?? {}, "");
  let next = 0;
  const output = template.output.map(({ name: field, key, type }): WireField => {
    const number = wire.outputNumbers?.[field] ?? ++next;
    return { key, number, form: "leaf", fields: [], type, ...leaf(type) };
  });
  return { template, path: `/${scope}.Handle${service}Service/Handle${service}`, fields, output };
}

function fieldsOf(
  fields: readonly TemplateField[],
  numbers: Readonly<Record<string, number>>,
  path: string,
): WireField[] {
  let next = 0;
  return fields.map(({ name, key, form, type, fields: inner }) => {
    const number = numbers[path + name] ?? ++next;
    if (form === "message")
      return {
        key,
        number,
        form,
        kind: "message",
        type,
        scalar: Type.MESSAGE,
        fields: fieldsOf(inner, numbers, `${path}${name}.`),
      };
    return { key, number, form, type, fields: [], ...leaf(type) };
  });
}

function leaf(type: LeafType): Pick<WireField, "kind" | "scalar"> {
  if (type === "ANY") return { kind: "any", scalar: Type.MESSAGE };
  if (type === "STRING_MAP") return { kind: "labels", scalar: Type.MESSAGE };
  const scalar = SCALARS[type];
  return scalar === undefined ? { kind: "policy", scalar: Type.MESSAGE } : { kind: "scalar", scalar };
}

/**
 * Reads a template from its descriptor (docs/reference/mixer.md §7.2, §9.2).
 * @param name the full name of the object of kind `template`
 * @param base64 its FileDescriptorSet
 * @throws TypeError saying what is wrong with the descriptor
 */
export function wireOfDescriptor(name: string, base64: string): WireTemplate {
  const files = new DescriptorFiles(base64);
  const found = files.files.filter((file) => fileOption(file, VARIETY_OPTION) !== undefined);
  const [file] = found;
  if (!file || found.length > 1)
    throw new TypeError(`${found.length} of its files have the option template_variety, not one`);
  const variety = VARIETIES[fileOption(file, VARIETY_OPTION)?.int32() ?? 0];
  const templateName = fileOption(file, NAME_OPTION)?.string() ?? "";
  if (!variety) throw new TypeError("its template_variety is not known");
  if (!/^[a-zA-Z]+$/.test(templateName)) throw new TypeError(`its template_name "${templateName}" is not letters only`);
  const scope = `.${file.package}`;
  const instance = files.messages.get(`${scope}.InstanceMsg`);
  const [service] = file.service;
  const [method] = service?.method ?? [];
  if (!instance) throw new TypeError("it has no message InstanceMsg");
  if (!service || !method) throw new TypeError("it has no service");
  const fields = fieldsOfMessage(instance, files, 0).filter(({ number }) => number !== NAME_FIELD);
  const answer = files.messages.get(`${scope}.OutputMsg`);
  const output = answer ? fieldsOfMessage(answer, files, 0) : [];
  return {
    template: templateOf(name, variety, fields, output),
    path: `/${file.package}.${service.name}/${method.name}`,
    fields,
    output,
  };
}

/** What the runtime knows of it is what it knows of every template. */
function templateOf(
  name: string,
  variety: Variety,
  fields: readonly WireField[],
  output: readonly WireField[],
): Template {
  const base = defineTemplate({ name: "remote", variety, fields: {} });
  const shape = (of: readonly WireField[]): TemplateField[] =>
    of.map(({ key, form, type, fields: inner }) => ({
      ...{ name: key, key, goName: key.charAt(0).toUpperCase() + key.slice(1), form, type },
      fields: shape(inner),
    }));
  return {
    ...base,
    name,
    fields: shape(fields),
    output: output.map(({ key, type }) => ({ name: snake(key), key, type: type as ValueType })),
  };
}

const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function fieldsOfMessage(message: DescriptorProto, files: DescriptorFiles, depth: number): WireField[] {
  if (depth > 10) throw new TypeError(`${message.name} is nested too deeply`);
  return message.field.map((field): WireField => {
    const base = { key: keyOf(field.name), number: field.number };
    const entry = files.messages.get(field.typeName);
    if (entry?.options?.mapEntry) {
      const value = entry.field.find(({ number }) => number === 2);
      if (!value) throw new TypeError(`${field.name} is a map without values`);
      const of = typeOf(value.type, value.typeName, files, depth);
      if (of.kind === "message") throw new TypeError(`${field.name} is a map of messages, which is not supported`);
      return { ...base, form: "map", ...of };
    }
    if (field.label === FieldDescriptorProto_Label.REPEATED)
      throw new TypeError(`${field.name} is repeated, which instances cannot fill`);
    const of = typeOf(field.type, field.typeName, files, depth);
    return { ...base, form: of.kind === "message" ? "message" : "leaf", ...of };
  });
}

function typeOf(
  scalar: Type,
  typeName: string,
  files: DescriptorFiles,
  depth: number,
): Omit<WireField, "key" | "number" | "form"> {
  if (scalar === Type.ENUM) {
    const values = new Map(files.enums.get(typeName)?.value.map((each) => [each.name, each.number]));
    return { kind: "enum", type: "ANY", scalar, fields: [], values };
  }
  if (scalar === Type.MESSAGE) {
    if (typeName === VALUE) return { kind: "any", type: "ANY", scalar, fields: [] };
    const policy = POLICY[typeName];
    if (policy) return { kind: "policy", type: policy, scalar, fields: [] };
    const message = files.messages.get(typeName);
    if (!message) throw new TypeError(`its descriptor set has no ${typeName.slice(1)}`);
    return { kind: "message", type: "ANY", scalar, fields: fieldsOfMessage(message, files, depth + 1) };
  }
  const type = scalar === Type.STRING ? "STRING" : scalar === Type.BOOL ? "BOOL" : isReal(scalar) ? "DOUBLE" : "INT64";
  if (scalar === Type.BYTES || scalar === Type.GROUP) throw new TypeError("bytes and groups are not supported");
  return { kind: "scalar", type, scalar, fields: [] };
}

const isReal = (scalar: Type): boolean => scalar === Type.DOUBLE || scalar === Type.FLOAT;
