import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Instance, QuotaArgs, ValueMap } from "@xebec/mixer-sdk";
import type { AttributeValue, StringMap, Timestamp, ValueType } from "@xebec/model-attributes";
import { durationBytes, timestampBytes, writeMessage, writeScalar } from "./scalars.ts";
import { NAME_FIELD, type WireField, type WireTemplate } from "./wire-template.ts";

/** What is asked of an adapter. */
export interface HandleRequest {
  /** One, or all of a report. */
  readonly instances: readonly Instance[];
  /** google.protobuf.Any with the adapter's configuration; absent: it is left out. */
  readonly config?: { readonly typeUrl: string; readonly value: Uint8Array } | undefined;
  readonly dedupId: string;
  readonly quota?: QuotaArgs;
}

/** A `Handle<Template>Request` (docs/reference/mixer.md §1.5). */
export function encodeRequest(wire: WireTemplate, { instances, config, dedupId, quota }: HandleRequest): Uint8Array {
  const writer = new BinaryWriter();
  for (const each of instances) writeMessage(writer, 1, instanceBytes(wire, each));
  if (config) {
    const any = new BinaryWriter();
    any.tag(1, WireType.LengthDelimited).string(config.typeUrl);
    if (config.value.length > 0) any.tag(2, WireType.LengthDelimited).bytes(config.value);
    writeMessage(writer, 2, any.finish());
  }
  if (dedupId !== "") writer.tag(3, WireType.LengthDelimited).string(dedupId);
  if (quota) writeMessage(writer, 4, quotaBytes(instances[0]?.name ?? "", quota));
  return writer.finish();
}

function quotaBytes(instance: string, { amount, bestEffort }: QuotaArgs): Uint8Array {
  const params = new BinaryWriter();
  if (amount !== 0) params.tag(1, WireType.Varint).int64(amount);
  if (bestEffort) params.tag(2, WireType.Varint).bool(true);
  const entry = new BinaryWriter();
  entry.tag(1, WireType.LengthDelimited).string(instance);
  writeMessage(entry, 2, params.finish());
  const request = new BinaryWriter();
  writeMessage(request, 1, entry.finish());
  return request.finish();
}

function instanceBytes(wire: WireTemplate, instance: Instance): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(NAME_FIELD, WireType.LengthDelimited).string(instance.name);
  writeFields(writer, wire.fields, instance as unknown as Fields, instance.types, "");
  return writer.finish();
}

type Fields = Readonly<Record<string, unknown>>;

function writeFields(
  writer: BinaryWriter,
  fields: readonly WireField[],
  values: Fields,
  types: Readonly<Record<string, ValueType>>,
  path: string,
): void {
  for (const field of fields) {
    const value = values[field.key];
    if (value === undefined) continue;
    const id = path + field.key;
    if (field.form === "message") {
      const inner = new BinaryWriter();
      writeFields(inner, field.fields, value as Fields, types, `${id}.`);
      writeMessage(writer, field.number, inner.finish());
    } else if (field.form === "map") writeMap(writer, field, value as ValueMap);
    else writeLeaf(writer, field.number, field, value as AttributeValue, types[id] ?? "STRING");
  }
}

function writeMap(writer: BinaryWriter, field: WireField, { names, types, values }: ValueMap): void {
  for (const [i, name] of names.entries()) {
    const entry = new BinaryWriter();
    entry.tag(1, WireType.LengthDelimited).string(name);
    writeLeaf(entry, 2, field, values[i] as AttributeValue, types[i] as ValueType);
    writeMessage(writer, field.number, entry.finish());
  }
}

/** Writes the value of a field. @param type of a value whose field may hold several */
export function writeLeaf(
  writer: BinaryWriter,
  number: number,
  field: WireField,
  value: AttributeValue,
  type: ValueType,
): void {
  if (field.kind === "scalar") writeScalar(writer, number, field.scalar, value);
  else if (field.kind === "enum")
    writeScalar(writer, number, field.scalar, typeof value === "string" ? (field.values?.get(value) ?? 0) : value);
  else if (field.kind === "policy") writeMessage(writer, number, policyBytes(field.type as ValueType, value));
  else if (field.kind === "labels") {
    for (const [name, text] of (value as StringMap).entries()) {
      const entry = new BinaryWriter();
      entry.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).string(text);
      writeMessage(writer, number, entry.finish());
    }
  } else writeMessage(writer, number, valueBytes(type, value));
}

/** One of Istio's messages with a single field `value`. */
function policyBytes(type: ValueType, value: AttributeValue): Uint8Array {
  const writer = new BinaryWriter();
  if (type === "DURATION") writeMessage(writer, 1, durationBytes(BigInt(value as bigint)));
  else if (type === "TIMESTAMP") {
    const { seconds, nanos } = value as Timestamp;
    writeMessage(writer, 1, timestampBytes(seconds, nanos));
  } else if (type === "IP_ADDRESS") writer.tag(1, WireType.LengthDelimited).bytes(value as Uint8Array);
  else writer.tag(1, WireType.LengthDelimited).string(value as string);
  return writer.finish();
}

const VALUE_NUMBERS: Readonly<Record<ValueType, number>> = {
  ...{ STRING: 1, INT64: 2, DOUBLE: 3, BOOL: 4, IP_ADDRESS: 5, TIMESTAMP: 6, DURATION: 7 },
  ...{ EMAIL_ADDRESS: 8, DNS_NAME: 9, URI: 10, STRING_MAP: 0 },
};

/** istio.policy.v1beta1.Value. */
function valueBytes(type: ValueType, value: AttributeValue): Uint8Array {
  const writer = new BinaryWriter();
  const number = VALUE_NUMBERS[type];
  if (type === "STRING") writer.tag(number, WireType.LengthDelimited).string(value as string);
  else if (type === "INT64") writer.tag(number, WireType.Varint).int64(value as bigint);
  else if (type === "DOUBLE") writer.tag(number, WireType.Bit64).double(value as number);
  else if (type === "BOOL") writer.tag(number, WireType.Varint).bool(value as boolean);
  else if (type === "STRING_MAP")
    throw new TypeError("a map of strings cannot be a value of an adapter of its own process");
  else writeMessage(writer, number, policyBytes(type, value));
  return writer.finish();
}
