import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { type Struct, StructSchema } from "@bufbuild/protobuf/wkt";

/** Makes a `google.protobuf.Struct` from a plain object. */
export function structOf(value: JsonObject): Struct {
  return fromJson(StructSchema, value);
}
