import { encodeExtensionConfig } from "../encode/extension-config.ts";
import { extensionConfig } from "../filter/http/registry.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The filter configurations that a proxy requested by name. A name that no filter knows yields none. */
export function extensionConfigs(scope: Scope, { names: { key, names } }: ResourceRequest): ResourceSet {
  return scope.cached(`set/ecds/${key}`, (inner) =>
    resourceSet(names.flatMap((name) => extensionConfig(inner, name) ?? []).map(encodeExtensionConfig)),
  );
}
