import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";

/**
 * Writes a scalar field.
 * @throws TypeError for a value that the type cannot hold
 */
export function writeScalar(writer: BinaryWriter, number: number, scalar: Type, value: unknown): void {
  switch (scalar) {
    case Type.STRING:
      writer.tag(number, WireType.LengthDelimited).string(String(value));
      return;
    case Type.BOOL:
      writer.tag(number, WireType.Varint).bool(value as boolean);
      return;
    case Type.DOUBLE:
      writer.tag(number, WireType.Bit64).double(Number(value));
      return;
    case Type.FLOAT:
      writer.tag(number, WireType.Bit32).float(Number(value));
      return;
    case Type.FIXED64:
      writer.tag(number, WireType.Bit64).fixed64(value as bigint);
      return;
    case Type.SFIXED64:
      writer.tag(number, WireType.Bit64).sfixed64(value as bigint);
      return;
    case Type.FIXED32:
      writer.tag(number, WireType.Bit32).fixed32(Number(value));
      return;
    case Type.SFIXED32:
      writer.tag(number, WireType.Bit32).sfixed32(Number(value));
      return;
    case Type.SINT64:
      writer.tag(number, WireType.Varint).sint64(value as bigint);
      return;
    case Type.SINT32:
      writer.tag(number, WireType.Varint).sint32(Number(value));
      return;
    case Type.UINT64:
      writer.tag(number, WireType.Varint).uint64(value as bigint);
      return;
    case Type.UINT32:
      writer.tag(number, WireType.Varint).uint32(Number(value));
      return;
    case Type.INT32:
    case Type.ENUM:
      writer.tag(number, WireType.Varint).int32(Number(value));
      return;
    default:
      writer.tag(number, WireType.Varint).int64(value as bigint);
  }
}

/** Writes a message in a field. */
export function writeMessage(writer: BinaryWriter, number: number, bytes: Uint8Array): void {
  writer.tag(number, WireType.LengthDelimited).bytes(bytes);
}

/** google.protobuf.Duration of nanoseconds. */
export function durationBytes(nanos: bigint): Uint8Array {
  const writer = new BinaryWriter();
  const [seconds, rest] = [nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n)];
  if (seconds !== 0n) writer.tag(1, WireType.Varint).int64(seconds);
  if (rest !== 0) writer.tag(2, WireType.Varint).int32(rest);
  return writer.finish();
}

/** google.protobuf.Timestamp. */
export function timestampBytes(seconds: number, nanos: number): Uint8Array {
  const writer = new BinaryWriter();
  if (seconds !== 0) writer.tag(1, WireType.Varint).int64(seconds);
  if (nanos !== 0) writer.tag(2, WireType.Varint).int32(nanos);
  return writer.finish();
}
