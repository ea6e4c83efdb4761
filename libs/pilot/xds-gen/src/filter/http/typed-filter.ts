import type { Any } from "@bufbuild/protobuf/wkt";
import type { BuiltHttpFilter } from "../../build/built.ts";

/** The entry of a filter with inline configuration that does not depend on any object. */
export function typedFilter(name: string, config: Any): BuiltHttpFilter {
  return { name, message: { configType: { case: "typedConfig", value: config } }, configKeys: [] };
}
