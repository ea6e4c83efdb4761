import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { CheckResult, DirectResponse, QuotaResult } from "@xebec/mixer-sdk";
import type { AttributeValue } from "@xebec/model-attributes";
import { writeLeaf } from "./requests.ts";
import { durationBytes, writeMessage } from "./scalars.ts";
import type { WireTemplate } from "./wire-template.ts";

const DIRECT_URL = "type.googleapis.com/istio.policy.v1beta1.DirectHttpResponse";
const MAX_INT32 = 2_147_483_647;
/** As long as google.protobuf.Duration can be, in milliseconds. */
const MAX_MS = 315_576_000_000_000;

/** The answer to a check, in the form that `decodeCheckResult` reads. */
export function encodeCheckResult(result: CheckResult, wire: WireTemplate): Uint8Array {
  const bytes = checkResult(result);
  if (wire.output.length === 0) return bytes;
  const writer = new BinaryWriter();
  writeMessage(writer, 1, bytes);
  writeMessage(writer, 2, encodeOutput(result.output ?? {}, wire));
  return writer.finish();
}

function checkResult({ code, message, validMs, validUses, direct }: CheckResult): Uint8Array {
  const status = new BinaryWriter();
  if (code !== 0) status.tag(1, WireType.Varint).int32(code);
  if (message !== "") status.tag(2, WireType.LengthDelimited).string(message);
  if (direct) {
    const any = new BinaryWriter();
    any.tag(1, WireType.LengthDelimited).string(DIRECT_URL);
    writeMessage(any, 2, directBytes(direct));
    writeMessage(status, 3, any.finish());
  }
  const writer = new BinaryWriter();
  writeMessage(writer, 1, status.finish());
  writeMessage(writer, 2, millisecondBytes(validMs));
  writer.tag(3, WireType.Varint).int32(Math.max(0, Math.min(MAX_INT32, Math.trunc(validUses))));
  return writer.finish();
}

function directBytes({ code, body, headers }: DirectResponse): Uint8Array {
  const writer = new BinaryWriter();
  if (code !== 0) writer.tag(1, WireType.Varint).int32(code);
  if (body !== "") writer.tag(2, WireType.LengthDelimited).string(body);
  for (const [name, text] of Object.entries(headers)) {
    const entry = new BinaryWriter();
    entry.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.LengthDelimited).string(text);
    writeMessage(writer, 3, entry.finish());
  }
  return writer.finish();
}

/** The answer to a quota. @param instance its full name */
export function encodeQuotaResult({ amount, validMs }: QuotaResult, instance: string): Uint8Array {
  const result = new BinaryWriter();
  writeMessage(result, 2, millisecondBytes(validMs));
  result.tag(3, WireType.Varint).int64(amount);
  const entry = new BinaryWriter();
  entry.tag(1, WireType.LengthDelimited).string(instance);
  writeMessage(entry, 2, result.finish());
  const writer = new BinaryWriter();
  writeMessage(writer, 1, entry.finish());
  return writer.finish();
}

/** What an adapter found. @param output values by the keys of the template's output; others are passed over */
export function encodeOutput(output: Readonly<Record<string, AttributeValue>>, wire: WireTemplate): Uint8Array {
  const writer = new BinaryWriter();
  for (const field of wire.output) {
    const value = output[field.key];
    if (value !== undefined)
      writeLeaf(writer, field.number, field, value, field.type === "ANY" ? "STRING" : field.type);
  }
  return writer.finish();
}

function millisecondBytes(ms: number): Uint8Array {
  const whole = Number.isNaN(ms) ? 0 : Math.max(-MAX_MS, Math.min(MAX_MS, ms));
  return durationBytes(BigInt(Math.trunc(whole)) * 1_000_000n + BigInt(Math.round((whole % 1) * 1e6)));
}
