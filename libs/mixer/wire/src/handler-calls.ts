import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { readFields } from "./reading.ts";

/** The type of a handler's parameters where the adapter is one of the SDK's: JSON `{handler, service, instances, params}`. */
export const JSON_PARAMS = "type.googleapis.com/xebec.mixer.JsonParams";

/** A call as a message of the bus carries it: field 1 is the method's path, field 2 the request. */
export function encodeCall(path: string, request: Uint8Array): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(path).tag(2, WireType.LengthDelimited).bytes(request);
  return writer.finish();
}

/** @throws RangeError for bytes that are no call */
export function decodeCall(bytes: Uint8Array): { readonly path: string; readonly request: Uint8Array } {
  let [path, request] = ["", new Uint8Array() as Uint8Array];
  readFields(bytes, (number, reader) => {
    if (number === 1) path = reader.string();
    else if (number === 2) request = reader.bytes();
    else return false;
    return true;
  });
  return { path, request };
}
