import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import type { Instance, QuotaArgs, ValueMap } from "@xebec/mixer-sdk";
import { type AttributeValue, type Int64, stringMap, type Timestamp, type ValueType } from "@xebec/model-attributes";
import { entryOf, readFields, secondsAndNanos } from "./reading.ts";
import type { HandleRequest } from "./requests.ts";
import { NAME_FIELD, type WireField, type WireTemplate } from "./wire-template.ts";

/** Most instances of one request. */
const MAX_INSTANCES = 10_000;

/**
 * Reads a `Handle<Template>Request` (docs/reference/mixer.md §1.5): the other side of `encodeRequest`.
 * @throws RangeError for bytes that are none
 */
export function decodeRequest(wire: WireTemplate, bytes: Uint8Array): HandleRequest {
  const instances: Instance[] = [];
  let config: HandleRequest["config"];
  let dedupId = "";
  let quotas: ReadonlyMap<string, Pick<QuotaArgs, "amount" | "bestEffort">> | undefined;
  readFields(bytes, (number, reader) => {
    if (number === 1) {
      if (instances.length >= MAX_INSTANCES) throw new RangeError(`a request may have ${MAX_INSTANCES} instances`);
      instances.push(instanceOf(wire, reader.bytes()));
    } else if (number === 2) config = anyOf(reader.bytes());
    else if (number === 3) dedupId = reader.string();
    else if (number === 4) quotas = quotasOf(reader.bytes());
    else return false;
    return true;
  });
  const own = quotas?.get(instances[0]?.name ?? "");
  const quota = own && { ...own, deduplicationId: dedupId };
  return { instances, config, dedupId, ...(quota ? { quota } : {}) };
}

function anyOf(bytes: Uint8Array): NonNullable<HandleRequest["config"]> {
  let [typeUrl, value] = ["", new Uint8Array() as Uint8Array];
  readFields(bytes, (number, reader) => {
    if (number === 1) typeUrl = reader.string();
    else if (number === 2) value = reader.bytes();
    else return false;
    return true;
  });
  return { typeUrl, value };
}

function quotasOf(bytes: Uint8Array): ReadonlyMap<string, Pick<QuotaArgs, "amount" | "bestEffort">> {
  const found = new Map<string, Pick<QuotaArgs, "amount" | "bestEffort">>();
  readFields(bytes, (number, reader) => {
    if (number !== 1) return false;
    let [name, amount, bestEffort] = ["", 0, false];
    readFields(reader.bytes(), (field, entry) => {
      if (field === 1) name = entry.string();
      else if (field === 2)
        readFields(entry.bytes(), (param, params) => {
          if (param === 1) amount = Number(params.int64());
          else if (param === 2) bestEffort = params.bool();
          else return false;
          return true;
        });
      else return false;
      return true;
    });
    found.set(name, { amount, bestEffort });
    return true;
  });
  return found;
}

function instanceOf(wire: WireTemplate, bytes: Uint8Array): Instance {
  const types: Record<string, ValueType> = {};
  let name = "";
  const values = fieldsOf(wire.fields, bytes, types, "", (number, reader) => {
    if (number !== NAME_FIELD) return false;
    name = reader.string();
    return true;
  });
  return { ...values, name, types };
}

type Rest = Parameters<typeof readFields>[1];

function fieldsOf(
  fields: readonly WireField[],
  bytes: Uint8Array,
  types: Record<string, ValueType>,
  path: string,
  rest: Rest = () => false,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const entries = new Map<WireField, [string, string][]>();
  const maps = new Map<WireField, [string, ValueType, AttributeValue][]>();
  readFields(bytes, (number, reader, wireType) => {
    const field = fields.find((each) => each.number === number);
    if (!field) return rest(number, reader, wireType);
    if (field.form === "message")
      out[field.key] = fieldsOf(field.fields, reader.bytes(), types, `${path}${field.key}.`);
    else if (field.form === "map") listOf(maps, field).push(mapEntry(field, reader.bytes()));
    else if (field.kind === "labels") listOf(entries, field).push(entryOf(reader.bytes()));
    else [types[path + field.key], out[field.key]] = leafOf(field, reader, wireType);
    return true;
  });
  for (const [field, list] of entries) {
    types[path + field.key] = "STRING_MAP";
    out[field.key] = stringMap(list);
  }
  for (const [field, list] of maps) out[field.key] = valueMap(list);
  return out;
}

function listOf<K, T>(table: Map<K, T[]>, key: K): T[] {
  const list = table.get(key) ?? [];
  table.set(key, list);
  return list;
}

function mapEntry(field: WireField, bytes: Uint8Array): [string, ValueType, AttributeValue] {
  let name = "";
  let value: [ValueType, AttributeValue] | undefined;
  readFields(bytes, (number, reader, wireType) => {
    if (number === 1) name = reader.string();
    else if (number === 2) value = leafOf(field, reader, wireType);
    else return false;
    return true;
  });
  return [name, ...(value ?? (["STRING", ""] as const))];
}

function valueMap(list: [string, ValueType, AttributeValue][]): ValueMap {
  // Writers keep the order of names; others may not.
  const sorted = list.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    names: sorted.map(([name]) => name),
    types: sorted.map(([, type]) => type),
    values: sorted.map(([, , value]) => value),
  };
}

function leafOf(
  { kind, type, scalar }: WireField,
  reader: BinaryReader,
  wireType: WireType,
): [ValueType, AttributeValue] {
  if (kind === "any") return anyValueOf(reader.bytes());
  if (kind === "policy") return [type as ValueType, policyOf(type as ValueType, reader.bytes())];
  if (scalar === Type.STRING) return ["STRING", reader.string()];
  if (scalar === Type.BOOL) return ["BOOL", reader.bool()];
  if (scalar === Type.DOUBLE) return ["DOUBLE", reader.double()];
  if (scalar === Type.FLOAT) return ["DOUBLE", reader.float()];
  if (scalar === Type.SINT32) return ["INT64", reader.sint32()];
  if (scalar === Type.SINT64) return ["INT64", int64(reader.sint64())];
  if (wireType === WireType.Bit64) return ["INT64", int64(reader.sfixed64())];
  return ["INT64", wireType === WireType.Bit32 ? reader.sfixed32() : int64(reader.int64())];
}

/** Fields of istio.policy.v1beta1.Value, by number. */
const VALUE_TYPES: readonly (ValueType | undefined)[] = [
  ...[undefined, "STRING", "INT64", "DOUBLE", "BOOL", "IP_ADDRESS", "TIMESTAMP", "DURATION"],
  ...["EMAIL_ADDRESS", "DNS_NAME", "URI"],
] as (ValueType | undefined)[];

function anyValueOf(bytes: Uint8Array): [ValueType, AttributeValue] {
  let found: [ValueType, AttributeValue] = ["STRING", ""];
  readFields(bytes, (number, reader) => {
    const type = VALUE_TYPES[number];
    if (type === undefined) return false;
    if (type === "STRING") found = [type, reader.string()];
    else if (type === "INT64") found = [type, int64(reader.int64())];
    else if (type === "DOUBLE") found = [type, reader.double()];
    else if (type === "BOOL") found = [type, reader.bool()];
    else found = [type, policyOf(type, reader.bytes())];
    return true;
  });
  return found;
}

/** One of Istio's messages with a single field `value`. */
function policyOf(type: ValueType, bytes: Uint8Array): AttributeValue {
  let value: AttributeValue | undefined;
  readFields(bytes, (number, reader) => {
    if (number !== 1) return false;
    if (type === "DURATION") {
      const [seconds, nanos] = secondsAndNanos(reader.bytes());
      value = int64(seconds * 1_000_000_000n + BigInt(nanos));
    } else if (type === "TIMESTAMP") {
      const [seconds, nanos] = secondsAndNanos(reader.bytes());
      value = { seconds: Number(seconds), nanos };
    } else if (type === "IP_ADDRESS") value = reader.bytes();
    else value = reader.string();
    return true;
  });
  return value ?? EMPTY[type] ?? "";
}

const EMPTY: Partial<Record<ValueType, AttributeValue>> = {
  DURATION: 0,
  TIMESTAMP: { seconds: 0, nanos: 0 } satisfies Timestamp,
  IP_ADDRESS: new Uint8Array(),
};

function int64(value: bigint | string | number): Int64 {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}
