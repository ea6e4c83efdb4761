import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import type { CheckResult, DirectResponse, QuotaResult } from "@xebec/mixer-sdk";
import { type AttributeValue, stringMap } from "@xebec/model-attributes";
import { entryOf, readFields, secondsAndNanos } from "./reading.ts";
import type { WireField, WireTemplate } from "./wire-template.ts";

const DIRECT = /(?:^|\/)istio\.policy\.v1beta1\.DirectHttpResponse$/;
const int = (value: bigint | string | number): number => Number(value);

/** Nanoseconds of a google.protobuf.Duration. */
function durationOf(bytes: Uint8Array): bigint {
  const [seconds, nanos] = secondsAndNanos(bytes);
  return seconds * 1_000_000_000n + BigInt(nanos);
}

const milliseconds = (bytes: Uint8Array): number => Number(durationOf(bytes)) / 1e6;

/**
 * The answer to a check: a CheckResult, of a template with output in the envelope `{result, output}`.
 * @throws RangeError for bytes that are none
 */
export function decodeCheckResult(bytes: Uint8Array, wire: WireTemplate): CheckResult {
  if (wire.output.length === 0) return checkResult(bytes);
  let result: CheckResult = { code: 0, message: "", validMs: 0, validUses: 0 };
  let output: Record<string, AttributeValue> = {};
  readFields(bytes, (number, reader) => {
    if (number === 1) result = checkResult(reader.bytes());
    else if (number === 2) output = decodeOutput(reader.bytes(), wire);
    else throw new RangeError(`the adapter's answer has an unknown field ${number}`);
    return true;
  });
  return { ...result, output };
}

function checkResult(bytes: Uint8Array): CheckResult {
  let [code, message, validMs, validUses] = [0, "", 0, 0];
  let direct: DirectResponse | undefined;
  readFields(bytes, (number, reader) => {
    if (number === 1)
      readFields(reader.bytes(), (field, status) => {
        if (field === 1) code = status.int32();
        else if (field === 2) message = status.string();
        else if (field === 3) direct ??= directOf(status.bytes());
        else return false;
        return true;
      });
    else if (number === 2) validMs = milliseconds(reader.bytes());
    else if (number === 3) validUses = reader.int32();
    else return false;
    return true;
  });
  return { code, message, validMs, validUses, ...(direct ? { direct } : {}) };
}

/** A detail of a status, when it is a DirectHttpResponse. */
function directOf(bytes: Uint8Array): DirectResponse | undefined {
  let [typeUrl, value] = ["", new Uint8Array()];
  readFields(bytes, (number, reader) => {
    if (number === 1) typeUrl = reader.string();
    else if (number === 2) value = reader.bytes() as Uint8Array<ArrayBuffer>;
    else return false;
    return true;
  });
  if (!DIRECT.test(typeUrl)) return undefined;
  let [code, body] = [0, ""];
  const headers: Record<string, string> = {};
  readFields(value, (number, reader) => {
    if (number === 1) code = reader.int32();
    else if (number === 2) body = reader.string();
    else if (number === 3) {
      const [name, text] = entryOf(reader.bytes());
      headers[name] = text;
    } else return false;
    return true;
  });
  return { code, body, headers };
}

/**
 * The answer to a quota.
 * @param instance its full name, which must be in the answer
 * @throws RangeError when it is not
 */
export function decodeQuotaResult(bytes: Uint8Array, instance: string): QuotaResult {
  let found: QuotaResult | undefined;
  readFields(bytes, (number, reader) => {
    if (number !== 1) return false;
    let [name, result] = ["", { amount: 0, validMs: 0 }];
    readFields(reader.bytes(), (field, entry) => {
      if (field === 1) name = entry.string();
      else if (field === 2) result = quotaOf(entry.bytes());
      else return false;
      return true;
    });
    if (name === instance) found = result;
    return true;
  });
  if (!found) throw new RangeError(`the adapter's answer has no quota ${instance}`);
  return found;
}

function quotaOf(bytes: Uint8Array): QuotaResult {
  let [amount, validMs] = [0, 0];
  readFields(bytes, (number, reader) => {
    if (number === 2) validMs = milliseconds(reader.bytes());
    else if (number === 3) amount = int(reader.int64());
    else return false;
    return true;
  });
  return { amount, validMs };
}

/** The output of an adapter, by the keys of its fields (docs/reference/mixer.md §9.5). */
export function decodeOutput(bytes: Uint8Array, wire: WireTemplate): Record<string, AttributeValue> {
  const out: Record<string, AttributeValue> = {};
  const labels = new Map<string, [string, string][]>();
  readFields(bytes, (number, reader, wireType) => {
    const field = wire.output.find((each) => each.number === number);
    if (!field) return false;
    if (field.kind === "labels" || field.form === "map") {
      const entries = labels.get(field.key) ?? [];
      labels.set(field.key, entries);
      entries.push(entryOf(reader.bytes()));
      return true;
    }
    const value = field.kind === "policy" ? policyOf(field, reader.bytes()) : scalarOf(field, reader, wireType);
    if (value !== undefined) out[field.key] = value;
    return true;
  });
  for (const [key, entries] of labels) out[key] = stringMap(entries);
  return out;
}

/** TimeStamps are dropped, as Mixer does. */
function policyOf({ type }: WireField, bytes: Uint8Array): AttributeValue | undefined {
  let value: AttributeValue | undefined;
  readFields(bytes, (number, reader) => {
    if (number !== 1) return false;
    if (type === "DURATION") value = int(durationOf(reader.bytes()));
    else if (type === "IP_ADDRESS") value = reader.bytes();
    else if (type === "TIMESTAMP") reader.bytes();
    else value = reader.string();
    return true;
  });
  return value;
}

function scalarOf({ scalar }: WireField, reader: BinaryReader, wireType: WireType): AttributeValue {
  if (scalar === Type.STRING) return reader.string();
  if (scalar === Type.BOOL) return reader.bool();
  if (scalar === Type.DOUBLE) return reader.double();
  if (scalar === Type.FLOAT) return reader.float();
  if (scalar === Type.SINT32) return reader.sint32();
  if (scalar === Type.SINT64) return int(reader.sint64());
  if (wireType === WireType.Bit64) return int(reader.sfixed64());
  return wireType === WireType.Bit32 ? reader.sfixed32() : int(reader.int64());
}
